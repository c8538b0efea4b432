import { type Input, type PeerId, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultLivenessConfig } from './config.ts';
import { Liveness } from './liveness.ts';
import type { LivenessCommand, LivenessEvent, LivenessMessage } from './messages.ts';

type LivenessInput = Input<LivenessMessage, LivenessCommand>;

const config = { ...defaultLivenessConfig, watchedMax: 4, probesMax: 3 };

function info(id: PeerId): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id };
}

const id = fc.constantFrom('self', 'a', 'b', 'c', 'd', 'e', 'f');
const nonce = fc.oneof(fc.nat(5), fc.constantFrom(-1, Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 40, 2 ** 53));
const anyId = fc.oneof({ weight: 9, arbitrary: id }, { weight: 1, arbitrary: fc.constantFrom('', '__proto__') });
const message: fc.Arbitrary<LivenessMessage> = fc.oneof(
  fc.record({ kind: fc.constant('ping' as const), nonce }),
  fc.record({ kind: fc.constant('ack' as const), nonce }),
  fc.record({
    kind: fc.constant('probe' as const),
    target: anyId.map(info),
    nonce,
    silentMs: fc.oneof(nonce, fc.constantFrom(500, 1_000)),
  }),
  fc.record({ kind: fc.constant('probeReply' as const), target: anyId, nonce, alive: fc.boolean() }),
  fc.record({ kind: fc.constant('watchers' as const), peers: fc.array(anyId.map(info), { maxLength: 6 }) }),
);
const command: fc.Arbitrary<LivenessCommand> = fc.oneof(
  fc.record({ kind: fc.constant('watch' as const), peer: id.map(info) }),
  fc.record({ kind: fc.constant('unwatch' as const), peer: id }),
  fc.record({
    kind: fc.constant('selfLate' as const),
    lateMs: fc.constantFrom(0, 300, 5_000, Number.NaN, -1, Number.POSITIVE_INFINITY),
  }),
);
const input: fc.Arbitrary<LivenessInput> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('message' as const), from: id, message }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('command' as const), command }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'tick' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('linkDown' as const),
      peer: id,
      reason: fc.constantFrom('refused' as const, 'unanswered' as const, 'lost' as const, 'closed' as const),
    }),
  },
);
/** An input and the time that passes before it. */
const step = fc.record({ waitMs: fc.constantFrom(0, 1, 100, 500, 1_000), input });

test('whatever comes: it never throws, says dead only of the watched, and dials only what it gives back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer(), (steps, seed) => {
      const core = new Liveness(config, info('self'), new Rng(seed));
      const out = new RecordingOutbox<LivenessMessage, LivenessEvent>();
      const watched = new Set<PeerId>();
      const dialled = new Set<PeerId>();
      const linked = new Set<PeerId>();
      let now = 0;
      for (const { waitMs, input } of steps) {
        now += waitMs;
        if (input.kind === 'message') linked.add(input.from);
        if (input.kind === 'command' && input.command.kind === 'watch') {
          const { peer } = input.command;
          if (peer.id !== 'self' && (watched.has(peer.id) || watched.size < config.watchedMax)) watched.add(peer.id);
        }
        if (input.kind === 'command' && input.command.kind === 'unwatch') watched.delete(input.command.peer);
        if (input.kind === 'linkDown') dialled.delete(input.peer);
        core.handle(now, input, out);
        for (const effect of out.take()) {
          switch (effect.kind) {
            case 'open':
              dialled.add(effect.peer.id);
              break;
            case 'close':
              dialled.delete(effect.peer);
              break;
            case 'send':
              expect(effect.to).not.toBe('');
              expect(watched.has(effect.to) || dialled.has(effect.to) || linked.has(effect.to)).toBe(true);
              break;
            case 'emit':
              if (effect.event.kind === 'dead') expect(watched.delete(effect.event.peer)).toBe(true);
              if (effect.event.kind === 'cleared') expect(watched.has(effect.event.peer)).toBe(true);
          }
        }
        expect(dialled.size).toBeLessThanOrEqual(config.probesMax);
        expect(core.localHealth).toBeLessThanOrEqual(config.localHealthMax);
        expect(core.nextDeadline()).not.toBeNaN();
      }
      // Left alone, it comes to rest: whoever is silent is found dead, and no probe stays open.
      for (let turns = 0; core.nextDeadline() !== Number.POSITIVE_INFINITY && turns < 10_000; turns++) {
        now = Math.max(now, core.nextDeadline());
        core.handle(now, { kind: 'tick' }, out);
        for (const effect of out.take()) if (effect.kind === 'close') dialled.delete(effect.peer);
      }
      expect(core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 300 },
  );
});

test('a neighbour that answers in time is never dead, whatever the others do', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (seed, areAlive) => {
      const rng = new Rng(seed);
      const core = new Liveness(config, info('self'), new Rng(seed));
      const out = new RecordingOutbox<LivenessMessage, LivenessEvent>();
      const answers = new Set<PeerId>(['a']);
      for (const [i, isAlive] of areAlive.entries()) if (isAlive) answers.add('bcd'[i] as PeerId);
      for (const peer of 'abcd') core.handle(0, { kind: 'command', command: { kind: 'watch', peer: info(peer) } }, out);
      const dead: PeerId[] = [];
      let waiting: { at: number; from: PeerId; nonce: number }[] = [];
      for (let now = 0; now < 30_000; ) {
        now = Math.min(core.nextDeadline(), ...waiting.map(({ at }) => at));
        const due = waiting.filter(({ at }) => at <= now);
        waiting = waiting.filter(({ at }) => at > now);
        for (const { from, nonce } of due) {
          core.handle(now, { kind: 'message', from, message: { kind: 'ack', nonce } }, out);
        }
        core.handle(now, { kind: 'tick' }, out);
        for (const effect of out.take()) {
          if (effect.kind === 'emit' && effect.event.kind === 'dead') dead.push(effect.event.peer);
          if (effect.kind !== 'send' || effect.message.kind !== 'ping' || !answers.has(effect.to)) continue;
          waiting.push({ at: now + rng.float() * 450, from: effect.to, nonce: effect.message.nonce });
        }
      }
      expect(dead.sort()).toEqual([...'bcd'].filter((peer) => !answers.has(peer)));
    }),
    { numRuns: 100 },
  );
});
