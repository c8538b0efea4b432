import { RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultKeywordsConfig } from './config.ts';
import { Keywords } from './keywords.ts';
import type { KeywordsCommand, KeywordsEvent } from './messages.ts';

const word = fc.nat({ max: 20 });
const command: fc.Arbitrary<KeywordsCommand> = fc.oneof(
  fc.record({
    kind: fc.constant('terms' as const),
    fingerprints: fc.option(fc.uniqueArray(word).map((list) => Uint32Array.from(list).sort())),
  }),
  fc.record({ kind: fc.constant('meshSize' as const), peers: fc.integer({ min: 1, max: 10_000 }) }),
  fc.record({ kind: fc.constant('putDone' as const), word, isStored: fc.boolean() }),
  fc.record({
    kind: fc.constant('find' as const),
    queryId: fc.constantFrom('a', 'b', 'c'),
    alternatives: fc.array(fc.array(word, { maxLength: 5 }), { maxLength: 4 }),
    timeoutMs: fc.constant(1_000),
  }),
  fc.record({ kind: fc.constant('cancelFind' as const), queryId: fc.constantFrom('a', 'b', 'c') }),
  fc.record({
    kind: fc.constant('gotten' as const),
    getId: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat({ max: 8 })).map((parts) => parts.join(' ')),
    holders: fc.array(fc.constantFrom('p', 'q', 'r'), { maxLength: 3 }),
    messages: fc.nat({ max: 40 }),
  }),
);

describe('keyword records, whatever happens', () => {
  it('puts rare words of the index one at a time, and answers every find once', () => {
    const step = fc.record({ afterMs: fc.nat({ max: 20_000_000 }), command });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
        const config = { ...defaultKeywordsConfig, wordsMax: 5, findsMax: 2 };
        const isRare = (of: number): boolean => of % 3 !== 0;
        const sight = (of: number) => ({ peers: 50, seen: isRare(of) ? 0 : 1 });
        const core = new Keywords({ config, rng: new Rng(seed), sight });
        const open = new Map<string, number>();
        let index = new Uint32Array(0);
        let putting: number | null = null;
        let now = 0;
        const seen = (out: RecordingOutbox<never, KeywordsEvent>): void => {
          for (const effect of out.take()) {
            if (effect.kind !== 'emit') continue;
            const { event } = effect;
            if (event.kind === 'put') {
              expect(putting).toBeNull();
              expect(isRare(event.word) && index.includes(event.word)).toBe(true);
              putting = event.word;
            }
            if (event.kind === 'found') {
              expect(open.get(event.queryId)).toBeGreaterThan(0);
              open.set(event.queryId, (open.get(event.queryId) ?? 0) - 1);
              if (event.holders !== null) expect(new Set(event.holders).size).toBe(event.holders.length);
            }
          }
        };
        for (const { afterMs, command: next } of steps) {
          now += afterMs;
          const out = new RecordingOutbox<never, KeywordsEvent>();
          if (core.nextDeadline() <= now) core.handle(now, { kind: 'tick' }, out);
          seen(out);
          // The layer above answers what it was asked.
          if (next.kind === 'putDone' && putting === null) continue;
          const told: KeywordsCommand = next.kind === 'putDone' ? { ...next, word: putting ?? 0 } : next;
          if (told.kind === 'putDone') putting = null;
          if (told.kind === 'terms') index = Uint32Array.from(told.fingerprints ?? []);
          if (told.kind === 'find') open.set(told.queryId, (open.get(told.queryId) ?? 0) + 1);
          const after = new RecordingOutbox<never, KeywordsEvent>();
          core.handle(now, { kind: 'command', command: told }, after);
          seen(after);
          expect(core.standing).toBeLessThanOrEqual(config.wordsMax);
          expect(core.activeCount).toBeLessThanOrEqual(config.findsMax);
        }
      }),
    );
  });
});
