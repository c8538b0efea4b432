import { hashTerm } from '@starling/digest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SummariesMessage } from './messages.ts';
import { SmallMesh } from './small-mesh.test-support.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const id = fc.constantFrom(...ids);
const term = fc.integer({ min: 0, max: 40 }).map((n) => `term${n}`);

const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), id, terms: fc.array(term, { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('drop' as const), id, term }),
  fc.record({ kind: fc.constant('restart' as const), id }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
);

describe('summaries in a mesh that loses and reorders broadcasts', () => {
  it('come to agree with what the peers have, once it is quiet', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.double({ min: 0, max: 0.6, noNaN: true }),
        (steps, seed, loss) => {
          const mesh = new SmallMesh({}, seed);
          let random = seed >>> 0;
          const next = () => {
            random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
            return random / 2 ** 32;
          };
          mesh.broadcastDelayMs = () => (next() < loss ? null : next() * 3_000);
          let incarnation = 1;
          ids.forEach((name, i) => {
            mesh.add(name, [], i === 0 ? [] : [ids[i - 1] as string], incarnation);
          });
          for (const action of steps) {
            if (action.kind === 'wait') mesh.run(action.ms);
            else if (action.kind === 'put') mesh.put(action.id, ...action.terms);
            else if (action.kind === 'drop') {
              mesh.peers.get(action.id)?.terms.delete(action.term);
              mesh.command(action.id, { kind: 'changed' });
            } else {
              const { neighbors, terms } = mesh.peers.get(action.id) as { neighbors: Set<string>; terms: Set<string> };
              mesh.remove(action.id);
              incarnation += 1_000;
              mesh.add(action.id, [...terms], [...neighbors], incarnation);
            }
          }
          mesh.run(900_000);
          expect(mesh.violations).toEqual([]);
          for (const { core } of mesh.peers.values()) {
            expect(core.stale).toBe(0);
            for (const [name, { terms }] of mesh.peers) {
              const summary = core.summaryOf(name);
              expect(summary?.terms.count).toBe(terms.size);
              expect(summary?.terms.hasAll([...terms].map(hashTerm))).toBe(true);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('take any message without throwing', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const number = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0, 1, 256),
    );
    const record = fc.record({
      id: fc.oneof(id, fc.string()),
      version: number,
      terms: bytes,
      documents: number,
      words: number,
      mayHold: fc.boolean(),
    });
    const message: fc.Arbitrary<SummariesMessage> = fc.oneof(
      fc.record({ kind: fc.constant('summaryDigest' as const), hashes: fc.array(number, { maxLength: 300 }) }),
      fc.record({
        kind: fc.constant('summaryVersions' as const),
        bucketCount: number,
        buckets: fc.array(number, { maxLength: 5 }),
        entries: fc.array(fc.record({ id: fc.oneof(id, fc.string()), version: number }), { maxLength: 5 }),
        reply: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('summaryFetch' as const), ids: fc.array(fc.oneof(id, fc.string())) }),
      fc.record({ kind: fc.constant('summaryRecords' as const), records: fc.array(record, { maxLength: 5 }) }),
    );
    const delta = fc.record({
      version: number,
      base: number,
      added: bytes,
      removed: bytes,
      documents: number,
      words: number,
      mayHold: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(message, delta), { maxLength: 30 }), (list) => {
        const mesh = new SmallMesh({ waitingMax: 8 });
        mesh.add('a', ['x']);
        mesh.add('b', ['y'], ['a']);
        for (const item of list) {
          if ('kind' in item) mesh.say('b', 'a', item);
          else mesh.command('a', { kind: 'delta', from: 'b', delta: item });
          mesh.run(100);
        }
        const { core } = mesh.peers.get('a') as { core: { covered: number; bytes: number } };
        expect(core.covered).toBeLessThanOrEqual(2);
      }),
    );
  });
});
