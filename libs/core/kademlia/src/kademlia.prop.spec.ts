import { RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, infoOf, isSigned, signed } from '../spec/kademlia-network.ts';
import { defaultKademliaConfig } from './config.ts';
import { Kademlia } from './kademlia.ts';
import type { KademliaCommand, KademliaEvent, KademliaMessage } from './messages.ts';
import { positionOfPeer } from './position.ts';
import type { LookupRecord } from './record.ts';

const hostileNumber = fc.oneof(
  fc.integer({ min: -2, max: 40 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, Number.MAX_SAFE_INTEGER),
);
const names = fc.constantFrom('me', 'a', 'b', 'c', 'd', 'e', 'f', 'g');
const info = fc.oneof(names, fc.string({ maxLength: 9 })).map((id) => infoOf(id, id === 'a' ? 'near' : 'far'));
const peers = fc.array(info, { maxLength: 40 });
const key = fc.oneof(fc.constantFrom(bytesOf('song'), bytesOf('tune')), fc.uint8Array({ maxLength: 600 }));
const kind = fc.constantFrom('value' as const, 'provider' as const);
const record: fc.Arbitrary<LookupRecord> = fc.oneof(
  fc
    .record({ kind, key, version: fc.nat({ max: 5 }), publisher: names, bytes: fc.nat({ max: 2_000 }) })
    .map(({ publisher, bytes, ...rest }) => signed({ ...rest, value: new Uint8Array(bytes) }, publisher)),
  fc.record({
    kind,
    key,
    value: fc.uint8Array({ maxLength: 50 }),
    version: hostileNumber,
    expiresAt: hostileNumber,
    publisher: names,
    publicKey: fc.uint8Array({ maxLength: 600 }),
    signature: fc.uint8Array({ maxLength: 600 }),
  }),
);
// Small numbers, so that some answer what was asked.
const rpcId = fc.oneof(fc.integer({ min: 1, max: 30 }), hostileNumber);
const target = names.map(positionOfPeer);
const outcome = fc.constantFrom(...(['stored', 'held', 'newer', 'full', 'busy', 'far', 'invalid'] as const));
const message: fc.Arbitrary<KademliaMessage> = fc.oneof(
  fc.record({ kind: fc.constant('findNode' as const), rpcId, target }),
  fc.record({ kind: fc.constant('findNodeReply' as const), rpcId, peers }),
  fc.record({
    kind: fc.constant('findValue' as const),
    rpcId,
    recordKind: kind,
    key,
    publisher: fc.oneof(fc.constant(''), names),
    limit: hostileNumber,
  }),
  fc.record({
    kind: fc.constant('findValueReply' as const),
    rpcId,
    records: fc.array(record, { maxLength: 9 }),
    peers,
  }),
  fc.record({ kind: fc.constant('store' as const), rpcId, record }),
  fc.record({ kind: fc.constant('storeReply' as const), rpcId, outcome }),
);
const lookupId = fc.constantFrom('x', 'y', 'z');
const command: fc.Arbitrary<KademliaCommand> = fc.oneof(
  fc.record({ kind: fc.constant('membersUp' as const), peers }),
  fc.record({ kind: fc.constant('memberDown' as const), id: names }),
  fc.record({
    kind: fc.constant('get' as const),
    lookupId,
    recordKind: kind,
    key: fc.constantFrom(bytesOf('song'), bytesOf('tune')),
    publisher: fc.oneof(fc.constant(''), names),
    answers: fc.integer({ min: 1, max: 4 }),
    limit: fc.integer({ min: 1, max: 20 }),
    paths: fc.integer({ min: 1, max: 9 }),
    timeoutMs: fc.integer({ min: 1, max: 9_000 }),
  }),
  fc.record({
    kind: fc.constant('put' as const),
    lookupId,
    record,
    paths: fc.integer({ min: 1, max: 9 }),
    timeoutMs: fc.integer({ min: 1, max: 9_000 }),
    keep: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('cancel' as const), lookupId }),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('message' as const), from: names, message }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('command' as const), command }) },
  fc.record({ kind: fc.constant('linkUp' as const), peer: info }),
  fc.record({ kind: fc.constant('linkDown' as const), peer: names, reason: fc.constantFrom('lost', 'refused') }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
);

describe('whatever happens and whatever others say', () => {
  it.each([
    ['a table of all', 5_000],
    ['k-buckets', 3],
  ])('with %s, nothing throws, every lookup ends once, and all stays within its bounds', (_name, fullTableMax) => {
    const config = {
      ...defaultKademliaConfig,
      ...{ k: 3, fullTableMax, recordsMax: 6, recordBytesMax: 6_000, publishersPerValueMax: 2, providersPerKeyMax: 3 },
      ...{ rpcsMax: 8, lookupsMax: 2, rpcsPerLookupMax: 12, copiesMax: 5, suspectsMax: 2, republishMs: 30_000 },
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
        const core = new Kademlia({ config, self: infoOf('me', 'near'), rng: new Rng(seed), verify: isSigned });
        const out = new RecordingOutbox<KademliaMessage, KademliaEvent>();
        const begun = new Map<string, number>();
        const ended = new Map<string, number>();
        let now = 0;
        const check = (): void => {
          for (const effect of out.take()) {
            if (effect.kind === 'emit' && effect.event.kind === 'finished') {
              const { lookupId, result } = effect.event;
              ended.set(lookupId, (ended.get(lookupId) ?? 0) + 1);
              expect(result.hops.length).toBeLessThanOrEqual(config.rpcsPerLookupMax);
              for (const found of result.records) expect(isSigned(found)).toBe(true);
            }
            if (effect.kind === 'open') expect(effect.peer.id).not.toBe('me');
          }
          expect(core.store.count).toBeLessThanOrEqual(config.recordsMax);
          expect(core.store.bytes).toBeLessThanOrEqual(config.recordBytesMax);
          expect(core.activeCount).toBeLessThanOrEqual(config.lookupsMax);
          expect(core.copiesQueued).toBeLessThanOrEqual(config.copiesMax);
          expect(core.table.suspectCount).toBeLessThanOrEqual(config.suspectsMax);
          expect(core.pendingCount).toBeLessThanOrEqual(config.rpcsMax + config.lookupsMax * config.k);
          expect(core.nextDeadline()).not.toBeNaN();
        };
        for (const one of steps) {
          if (one.kind === 'pass') {
            const until = now + one.ms;
            for (let i = 0; i < 2_000 && core.nextDeadline() <= until; i++) {
              now = Math.max(now, core.nextDeadline());
              core.handle(now, { kind: 'tick' }, out);
              // What was due has been done: a host that follows the deadline does not spin.
              expect(core.nextDeadline()).toBeGreaterThan(now);
            }
            now = until;
          } else {
            if (one.kind === 'command' && (one.command.kind === 'get' || one.command.kind === 'put')) {
              const { lookupId } = one.command;
              begun.set(lookupId, (begun.get(lookupId) ?? 0) + 1);
            }
            core.handle(now, one as Parameters<Kademlia['handle']>[1], out);
          }
          check();
        }
        for (let i = 0; i < 2_000 && core.activeCount > 0; i++) {
          now = Math.max(now, core.nextDeadline());
          core.handle(now, { kind: 'tick' }, out);
          check();
        }
        expect(core.activeCount).toBe(0);
        expect(ended).toEqual(begun);
      }),
      { numRuns: 120 },
    );
  });
});
