import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlumtreeMessage } from './messages.ts';
import { TestNetwork } from './network.test-support.ts';

const size = 8;
const ids = Array.from({ length: size }, (_, i) => `p${i}`);
const peer = fc.constantFrom(...ids);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), by: peer }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('run' as const), forMs: fc.nat(1_500) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), a: peer, b: peer }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('link' as const), a: peer, b: peer }) },
);

/** What a full send queue drops: pushes, announcements and grafts. */
function isDroppable(message: PlumtreeMessage<string>): boolean {
  return (message.kind === 'gossip' && !message.repair) || message.kind === 'iHave' || message.kind === 'graft';
}

describe('Plumtree', () => {
  it('whatever is cut, linked and dropped: once the overlay is connected, everybody has everything, once', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
        fc.constantFrom(0, 1, 2, 3),
        (seed, steps, drops, zones) => {
          // Trees of a sender's own after the third message, trees of zones, new ones every two seconds, and too few of them.
          const network = new TestNetwork(seed, {
            hotMessages: 3,
            replantMs: 2_000,
            replantSoonMs: 500,
            treesMax: 4,
            hotTreesMax: 3,
          });
          for (const [i, id] of ids.entries()) network.add(id, zones === 0 ? '' : `z${i % zones}`);
          network.linkRandomly(ids, 4);
          let droppable = 0;
          network.drop = (_from, _to, message) => isDroppable(message) && drops[droppable++ % drops.length] === true;
          let published = 0;
          for (const one of steps) {
            if (one.kind === 'publish') network.publish(one.by, `m${published++}`);
            else if (one.kind === 'run') network.run(one.forMs);
            else if (one.a === one.b) continue;
            else if (one.kind === 'cut') network.cut(one.a, one.b);
            else if (!network.isLinked(one.a, one.b)) network.link(one.a, one.b);
          }
          network.drop = () => false;
          for (let i = 0; i < size; i++) {
            const [a, b] = [ids[i] as string, ids[(i + 1) % size] as string];
            if (!network.isLinked(a, b)) network.link(a, b);
          }
          network.run(200_000);
          const all = Array.from({ length: published }, (_, i) => `m${i}`).sort();
          for (const id of ids) {
            const { core, delivered, events } = network.peer(id);
            expect(delivered.map((message) => message.body).sort()).toEqual(all);
            expect(events.filter((event) => event.kind === 'lost' || event.kind === 'protocolViolation')).toEqual([]);
            // A neighbour is either eager or lazy, and each has told all that it holds.
            const neighbors = [...core.eagerPeers(), ...core.lazyPeers()];
            expect(new Set(neighbors).size).toBe(neighbors.length);
            for (const neighbor of neighbors) {
              expect(events).toContainEqual({ kind: 'caughtUp', peer: neighbor });
              expect(network.isLinked(id, neighbor)).toBe(true);
            }
            expect(core.trees.known).toBeLessThanOrEqual(4);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('any message from anybody is taken or called a violation, and nothing throws', () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.double(), fc.constant(2 ** 52));
    const stream = fc.oneof(fc.constantFrom('p0~1', 'p0~1!', 'x~1', 'y~1!'), fc.string());
    const range = fc.record({
      stream,
      from: number,
      to: number,
      round: number,
      seen: number,
      tree: number,
      entry: number,
    });
    const message = fc.oneof(
      fc.record({
        kind: fc.constant('gossip' as const),
        stream,
        seq: number,
        round: number,
        publishedAt: number,
        wantHeld: fc.boolean(),
        repair: fc.boolean(),
        tree: number,
        entry: number,
        signature: fc.constant(null),
        body: fc.string(),
      }),
      fc.record({ kind: fc.constant('iHave' as const), items: fc.array(range, { maxLength: 4 }) }),
      fc.record({
        kind: fc.constantFrom('graft' as const, 'pull' as const),
        ranges: fc.array(range, { maxLength: 4 }),
        tree: number,
      }),
      fc.record({ kind: fc.constant('prune' as const), tree: number, yieldTo: fc.option(number) }),
      fc.record({
        kind: fc.constant('digest' as const),
        streams: fc.array(range, { maxLength: 4 }),
        last: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('held' as const), stream, seq: number }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(message, fc.constantFrom('p1', 'p2', 'stranger'), fc.nat(500)), { maxLength: 60 }),
        (inputs) => {
          const network = new TestNetwork(1, {
            streamsMax: 32,
            holesMax: 3,
            holdCountMax: 8,
            treesMax: 4,
            hotTreesMax: 2,
          });
          const { core, out } = network.add('p0', 'near');
          for (const id of ['p1', 'p2'])
            core.handle(
              0,
              { kind: 'command', command: { kind: 'neighborUp', peer: id, zone: id === 'p1' ? 'near' : 'far' } },
              out,
            );
          let now = 0;
          for (const [one, from, forMs] of inputs) {
            core.handle(now, { kind: 'message', from, message: one }, out);
            now += forMs;
            for (let i = 0; core.nextDeadline() <= now; i++) {
              core.handle(now, { kind: 'tick' }, out);
              expect(i, 'a tick leaves nothing due').toBeLessThan(5);
            }
          }
          expect(core.store.size).toBeLessThanOrEqual(8);
          expect(core.streams.known).toBeLessThanOrEqual(32);
          expect(core.trees.known).toBeLessThanOrEqual(4);
        },
      ),
      { numRuns: 500 },
    );
  });
});
