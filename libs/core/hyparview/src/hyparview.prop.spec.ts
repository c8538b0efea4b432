import { type PeerId, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admitAll } from './admission.ts';
import { type HyParViewInput, info } from './bench.test-support.ts';
import { defaultHyParViewConfig, type HyParViewConfig, neighborsMax } from './config.ts';
import { HyParView } from './hyparview.ts';
import type { HyParViewCommand, HyParViewEvent, HyParViewMessage } from './messages.ts';

const config: HyParViewConfig = {
  ...defaultHyParViewConfig,
  activeCapacity: 3,
  passiveCapacity: 4,
  attemptsMax: 5,
  shuffleSampleMax: 10,
  tombstonesMax: 2,
  lostCapacity: 2,
  rttsMax: 3,
  claimsInVainMax: 2,
  favoursMax: 2,
};

const id = fc.constantFrom('self', ...'abcdefghij');
const peer: fc.Arbitrary<PeerInfo> = fc
  .record({ id, incarnation: fc.nat(3), zone: fc.constantFrom('', 'z1', 'z2') })
  .map(({ id, incarnation, zone }) => info(id, { incarnation, zone }));
const maybePeer = fc.option(peer);
const ttl = fc.oneof(fc.nat(7), fc.constantFrom(-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e9));
const sample = fc.array(peer, { maxLength: 12 });

/** Any message from anyone; half of those that carry their sender are honest about it. */
const message: fc.Arbitrary<{ readonly from: PeerId; readonly message: HyParViewMessage }> = fc
  .record({
    sender: peer,
    from: fc.option(id),
    message: fc.oneof(
      fc.record({ kind: fc.constant('join' as const) }),
      fc.record({ kind: fc.constant('forwardJoin' as const), joiner: peer, ttl }),
      fc.record({
        kind: fc.constant('neighbor' as const),
        priority: fc.constantFrom('high' as const, 'low' as const, 'near' as const),
        dropping: maybePeer,
      }),
      fc.record({ kind: fc.constant('neighborReply' as const), accepted: fc.boolean(), dropped: maybePeer }),
      fc.record({
        kind: fc.constant('disconnect' as const),
        reason: fc.constantFrom('leave' as const, 'evicted' as const, 'swapped' as const),
        alternative: maybePeer,
      }),
      fc.record({ kind: fc.constant('shuffle' as const), origin: peer, ttl, sample }),
      fc.record({ kind: fc.constant('shuffleReply' as const), sample }),
    ),
  })
  .map(({ sender, from, message }) => ({
    from: from ?? sender.id,
    message: message.kind === 'join' || message.kind === 'neighbor' ? { ...message, sender } : message,
  }));

const command: fc.Arbitrary<HyParViewCommand> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('contacts' as const), peers: sample }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('rtt' as const), peer: id, rttMs: fc.constantFrom(0, 1, 30, Number.NaN) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('suspect' as const), peer: id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('heard' as const), peers: sample }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'leave' as const }) },
);

const input: fc.Arbitrary<HyParViewInput> = fc.oneof(
  { weight: 12, arbitrary: message.map((m) => ({ kind: 'message' as const, ...m })) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('command' as const), command }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'tick' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('linkUp' as const), peer }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('linkDown' as const),
      peer: id,
      reason: fc.constantFrom('refused' as const, 'unanswered' as const, 'lost' as const, 'closed' as const),
    }),
  },
);
const step = fc.record({ waitMs: fc.constantFrom(0, 5, 400, 1_100, 12_000), input });

function makeCore(seed: number): HyParView {
  return new HyParView(
    { ...config, rankedPlaces: (seed & 1) === 0 },
    info('self', { zone: 'z1' }),
    new Rng(seed),
    admitAll,
  );
}

test('whatever comes: it never throws, its views keep their bounds, and it sends only where a link was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.integer(), (steps, seed) => {
      const core = makeCore(seed);
      const out = new RecordingOutbox<HyParViewMessage, HyParViewEvent>();
      /** Opened by the core, or by whoever sent something. */
      const linked = new Set<PeerId>();
      /** Neighbours as the events tell them. */
      const told = new Set<PeerId>();
      let deadline = core.nextDeadline();
      let views = JSON.stringify([core.activeView(), core.passiveView()]);
      let changes = core.viewChanges;
      let now = 0;
      for (const { waitMs, input } of steps) {
        now += waitMs;
        if (input.kind === 'message') linked.add(input.from);
        if (input.kind === 'linkDown') linked.delete(input.peer);
        core.handle(now, input, out);
        for (const effect of out.take()) {
          if (effect.kind === 'open') {
            expect(effect.peer.id).not.toBe('self');
            linked.add(effect.peer.id);
          } else if (effect.kind === 'send') {
            expect(linked.has(effect.to)).toBe(true);
          } else if (effect.kind === 'emit' && effect.event.kind === 'neighborUp') {
            expect(told.has(effect.event.peer.id)).toBe(false);
            told.add(effect.event.peer.id);
          } else if (effect.kind === 'emit' && effect.event.kind === 'neighborDown') {
            expect(told.delete(effect.event.peer.id)).toBe(true);
          }
        }
        const active = core.activeView().map(({ id }) => id);
        const passive = core.passiveView().map(({ id }) => id);
        expect(active.length).toBeLessThanOrEqual(neighborsMax(config));
        expect(passive.length).toBeLessThanOrEqual(config.passiveCapacity);
        expect([...active, ...passive]).not.toContain('self');
        expect(new Set([...active, ...passive]).size).toBe(active.length + passive.length);
        expect(new Set(active)).toEqual(told);
        // Whoever checks the views looks at them only when this number has changed.
        const viewsNow = JSON.stringify([core.activeView(), core.passiveView()]);
        if (core.viewChanges === changes) expect(viewsNow).toBe(views);
        views = viewsNow;
        changes = core.viewChanges;
        // A deadline that is not over yet never comes to lie in the past.
        expect(core.nextDeadline()).toBeGreaterThanOrEqual(Math.min(now, deadline));
        deadline = core.nextDeadline();
      }
    }),
    { numRuns: 500 },
  );
});

/** Feeds all `steps` and returns the time afterwards. */
function feedAll(
  core: HyParView,
  steps: readonly { readonly waitMs: number; readonly input: HyParViewInput }[],
  out: RecordingOutbox<HyParViewMessage, HyParViewEvent>,
): number {
  let now = 0;
  for (const { waitMs, input } of steps) {
    now += waitMs;
    core.handle(now, input, out);
  }
  return now;
}

test('it never waits for nothing: a tick at its deadline moves the deadline on', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
      const core = makeCore(seed);
      const out = new RecordingOutbox<HyParViewMessage, HyParViewEvent>();
      let now = feedAll(core, steps, out);
      for (let turn = 0; turn < 30 && core.nextDeadline() !== Number.POSITIVE_INFINITY; turn++) {
        now = Math.max(now, core.nextDeadline());
        core.handle(now, { kind: 'tick' }, out);
        expect(core.nextDeadline()).toBeGreaterThan(now);
      }
    }),
    { numRuns: 300 },
  );
});

test('the same seed and inputs give the same decisions', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
      const [one, other] = [makeCore(seed), makeCore(seed)].map((core) => {
        const out = new RecordingOutbox<HyParViewMessage, HyParViewEvent>();
        feedAll(core, steps, out);
        return out.take();
      });
      expect(one).toEqual(other);
    }),
    { numRuns: 50 },
  );
});
