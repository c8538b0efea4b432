import { RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirectoryNetwork, idsOf, infoOf } from '../spec/directory-network.ts';
import { defaultDirectoryConfig } from './config.ts';
import { Directory } from './directory.ts';
import type { DirectoryBroadcast, DirectoryEvent, DirectoryMessage, MemberRecord } from './messages.ts';

const names = ['me', 'a', 'b', 'c', 'd', ''] as const;
const hostileNumber = fc.oneof(
  fc.integer({ min: -2, max: 300 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, Number.MAX_SAFE_INTEGER),
);
const info = fc
  .record({
    ...{ id: fc.oneof(fc.constantFrom(...names), fc.string()), incarnation: hostileNumber, long: fc.boolean() },
    version: fc.option(fc.constantFrom('1.0.0', '2.0.0', 'x'.repeat(999)), { nil: undefined }),
  })
  .map(({ id, incarnation, long, version }) => ({
    ...{ ...infoOf(id, incarnation), name: long ? 'x'.repeat(999) : id },
    ...(version !== undefined && { version }),
  }));
const record: fc.Arbitrary<MemberRecord> = fc.record({
  info,
  state: fc.constantFrom('up' as const, 'left' as const, 'dead' as const),
  ttlMs: hostileNumber,
});
const message: fc.Arbitrary<DirectoryMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('directoryDigest' as const),
    hashes: fc.array(hostileNumber, { maxLength: 300 }),
    versions: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('directoryRecords' as const),
    bucketCount: fc.oneof(fc.constantFrom(1, 2, 256), hostileNumber),
    buckets: fc.array(hostileNumber, { maxLength: 9 }),
    records: fc.array(record, { maxLength: 9 }),
    reply: fc.boolean(),
  }),
);
const name = fc.constantFrom(...names);
const broadcast: fc.Arbitrary<DirectoryBroadcast> = fc.oneof(
  fc.record({ kind: fc.constant('announce' as const), info, refreshMs: hostileNumber }),
  fc.record({ kind: fc.constant('leave' as const), id: name, incarnation: hostileNumber }),
  fc.record({ kind: fc.constant('accuse' as const), id: name, incarnation: hostileNumber, accuser: name }),
);

describe('whatever a neighbour says', () => {
  it('a directory never throws, keeps itself, stays within its bounds and never asks for the past', () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 40_000 }),
      from: name,
      what: fc.oneof(
        message.map((said) => ({ kind: 'said' as const, said })),
        broadcast.map((told) => ({ kind: 'told' as const, told })),
        fc.record({
          kind: fc.constant('heard' as const),
          id: name,
          incarnation: hostileNumber,
          refreshMs: hostileNumber,
        }),
        fc.constant({ kind: 'spoke' as const }),
        fc.record({
          kind: fc.constantFrom('up' as const, 'down' as const, 'refused' as const, 'unanswered' as const),
          peer: name,
        }),
        fc.constant({ kind: 'selfLate' as const }),
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => {
        const config = { ...defaultDirectoryConfig, membersMax: 3, tombstonesMax: 3, estimateSampleMax: 2 };
        const core = new Directory(config, infoOf('me'), new Rng(seed));
        const out = new RecordingOutbox<DirectoryMessage, DirectoryEvent>();
        let now = 0;
        for (const { after, from, what } of steps) {
          now += after;
          if (what.kind === 'said') core.handle(now, { kind: 'message', from, message: what.said }, out);
          else if (what.kind === 'told') {
            const origin = what.told.kind === 'accuse' ? what.told.accuser : from;
            core.handle(
              now,
              { kind: 'command', command: { kind: 'broadcast', from: origin, message: what.told } },
              out,
            );
          } else if (what.kind === 'heard' || what.kind === 'spoke' || what.kind === 'selfLate') {
            core.handle(now, { kind: 'command', command: what }, out);
          } else if (what.kind === 'refused' || what.kind === 'unanswered') {
            core.handle(now, { kind: 'linkDown', peer: what.peer, reason: what.kind }, out);
          } else {
            const peer = infoOf(what.peer);
            const command =
              what.kind === 'up'
                ? ({ kind: 'neighborUp', peer } as const)
                : ({ kind: 'neighborDown', peer, failed: true } as const);
            core.handle(now, { kind: 'command', command }, out);
          }
          expect(core.upIds()).toContain('me');
          expect(core.upIds().length).toBeLessThanOrEqual(3);
          expect([...core.upIds()].sort()).toEqual(core.upIds());
          expect(core.nextDeadline()).toBeGreaterThan(now);
          expect(Number.isSafeInteger(core.self.incarnation)).toBe(true);
          for (const effect of out.take()) {
            if (effect.kind !== 'send' || effect.message.kind !== 'directoryRecords') continue;
            expect(effect.message.records.length).toBeLessThanOrEqual(config.pageRecordsMax);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('records', () => {
  it('end in the same directory in whatever order and however often they come', () => {
    // Deaths are left out: those are checked with the peer first, which takes time.
    const settledRecord = fc.record({
      info: fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), incarnation: fc.integer({ min: 1, max: 3 }) }),
      state: fc.constantFrom('up' as const, 'left' as const),
    });
    fc.assert(
      fc.property(fc.array(settledRecord, { minLength: 1, maxLength: 20 }), fc.nat(), (all, seed) => {
        const digestOf = (records: readonly (typeof all)[number][]): DirectoryMessage | undefined => {
          const core = new Directory(defaultDirectoryConfig, infoOf('me'), new Rng(1));
          const out = new RecordingOutbox<DirectoryMessage, DirectoryEvent>();
          for (const { info, state } of records) {
            const page = [{ info: infoOf(info.id, info.incarnation), state, ttlMs: 60_000 }];
            const one = {
              kind: 'directoryRecords',
              bucketCount: 1,
              buckets: [0],
              records: page,
              reply: false,
            } as const;
            core.handle(0, { kind: 'message', from: 'z', message: one }, out);
          }
          out.take();
          core.handle(0, { kind: 'command', command: { kind: 'neighborUp', peer: infoOf('z') } }, out);
          return out.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []))[0];
        };
        const rng = new Rng(seed);
        expect(digestOf(rng.shuffle([...all, ...rng.sample(all, 5)]))).toEqual(digestOf(all));
      }),
    );
  });
});

describe('a mesh under faults', () => {
  it('converges on who is alive, once the faults stop', () => {
    // The model: a set of peers that are alive. Everything else is loss, reordering, crashes, leaves, restarts and cuts.
    const fault = fc.record({
      kind: fc.constantFrom('kill', 'leave', 'restart', 'cut', 'link'),
      a: fc.nat({ max: 11 }),
      b: fc.nat({ max: 11 }),
      waitMs: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(fault, { maxLength: 15 }), fc.nat(), fc.constantFrom(0, 0.1, 0.4), (faults, seed, loss) => {
        const network = new DirectoryNetwork(seed);
        const ids = idsOf(12);
        const lives = new Map(ids.map((id) => [id, 1]));
        for (const id of ids) network.add(id);
        network.weave(ids);
        network.loss = loss;
        for (const { kind, a, b, waitMs } of faults) {
          network.run(waitMs);
          const [id, other] = [ids[a] as string, ids[b] as string];
          const isAlive = network.nodes.has(id);
          if (kind === 'kill' && isAlive) network.kill(id);
          else if (kind === 'leave' && isAlive) network.leave(id);
          else if (kind === 'restart' && !isAlive) {
            lives.set(id, (lives.get(id) ?? 0) + 1_000);
            network.add(id, lives.get(id));
          } else if (isAlive && network.nodes.has(other)) {
            if (kind === 'cut') network.unlink(id, other, true);
            else if (kind === 'link') network.link(id, other);
          }
        }
        network.loss = 0;
        const alive = [...network.nodes.keys()];
        if (alive.length > 1) network.weave(alive);
        network.run(60_000); // accusations, repair
        network.run(200_000); // expiry of those whom nobody missed
        for (const [id, node] of network.nodes) expect([id, node.core.upIds()]).toEqual([id, [...alive].sort()]);
      }),
      { numRuns: 60 },
    );
  });
});
