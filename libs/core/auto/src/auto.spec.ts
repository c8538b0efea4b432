import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChoiceInputs,
  type ChosenStrategy,
  chooseStrategy,
  defaultChoiceConfig,
  fallBack,
  type Progress,
} from './choose.ts';
import { defaultMemoryConfig, QueryMemory } from './memory.ts';

const known = (holders: number, unknown = 0) => ({ holders, unknown });
const off = (reason: string) => ({ off: reason });
const found = (hitsPerPeer: number, isAtLeast = false) => ({ hitsPerPeer, isAtLeast });
const question: ChoiceInputs = {
  wanted: 'auto',
  peers: 1_000,
  limit: 10,
  budget: 0,
  hasWords: true,
  summaries: known(3),
  remembered: null,
  sight: null,
  hasKeywords: false,
};
const near = (seen: number, falsely = 0, peers = 50) => ({ peers, seen, falsely });
const large = { summaries: off('mesh too large'), peers: 10_000 };

function told(row: object): string {
  const parts = Object.entries(row).map(([name, value]) => `${name} ${JSON.stringify(value).replaceAll('"', '')}`);
  return parts.join(', ') || '-';
}

/** All that may be known. */
const anyInputs = fc.record({
  wanted: fc.constantFrom('auto' as const, 'summary' as const),
  peers: fc.integer({ min: 1, max: 20_000 }),
  limit: fc.integer({ min: 1, max: 1_000 }),
  budget: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 65_536 })),
  hasWords: fc.boolean(),
  summaries: fc.oneof(
    fc.record({ holders: fc.nat({ max: 6_000 }), unknown: fc.nat({ max: 6_000 }) }),
    fc.constant(off('memory')),
  ),
  remembered: fc.option(
    fc.record({ hitsPerPeer: fc.double({ min: 0, max: 10, noNaN: true }), isAtLeast: fc.boolean() }),
  ),
  sight: fc.option(
    fc.record({
      peers: fc.integer({ min: 1, max: 100 }),
      seen: fc.nat({ max: 14 }),
      falsely: fc.double({ min: 0, max: 14, noNaN: true }),
    }),
  ),
  hasKeywords: fc.boolean(),
});

describe('choosing a strategy', () => {
  it('is a table', async () => {
    const rows: readonly Partial<ChoiceInputs>[] = [
      { peers: 8 },
      { peers: 8, wanted: 'summary', summaries: known(1) },
      { peers: 16, summaries: known(2) },
      { peers: 16, summaries: known(9) },
      { hasWords: false },
      { summaries: known(0) },
      {},
      { summaries: known(3, 40) },
      { summaries: known(250) },
      { summaries: known(251) },
      { summaries: known(251), wanted: 'summary' },
      { summaries: known(251), limit: 20 },
      { summaries: known(900) },
      { summaries: known(900), limit: 1_000 },
      { summaries: known(900), peers: 5_000, limit: 20 },
      { summaries: known(3, 900) },
      { summaries: off('mesh too large'), peers: 10_000 },
      { summaries: off('memory'), wanted: 'summary' },
      { summaries: off('memory'), remembered: found(0) },
      { summaries: off('memory'), remembered: found(0.0001) },
      { summaries: off('memory'), remembered: found(0.05) },
      { summaries: off('memory'), remembered: found(0.5) },
      { summaries: off('memory'), remembered: found(2, true) },
      { summaries: off('memory'), remembered: found(2), limit: 1_000 },
      { summaries: off('memory'), remembered: found(2), peers: 63 },
      { summaries: off('mesh too large'), peers: 10_000, remembered: found(0.05), limit: 1 },
      { budget: 5 },
      { budget: 6 },
      { budget: 100, hasWords: false },
      { budget: 100, summaries: known(900) },
      { summaries: known(251), sight: near(12) },
      { ...large, sight: near(0) },
      { ...large, sight: near(0), hasKeywords: true },
      { ...large, sight: near(0), hasKeywords: true, remembered: found(0.0002) },
      { ...large, sight: near(0), hasKeywords: true, remembered: found(0.05) },
      { ...large, sight: near(0), hasKeywords: true, wanted: 'summary' },
      { ...large, sight: near(0), hasKeywords: true, hasWords: false },
      { ...large, sight: near(0), hasKeywords: true, budget: 200 },
      { ...large, hasKeywords: true },
      { ...large, sight: near(1), hasKeywords: true },
      { ...large, sight: near(1), hasKeywords: true, limit: 100 },
      { ...large, sight: near(1, 0.6), hasKeywords: true },
      { ...large, sight: near(14), limit: 3 },
      { ...large, sight: near(14), budget: 30 },
      { ...large, sight: near(14), remembered: found(1), budget: 30 },
    ];
    const story = [
      'What AUTO (or a wish for SUMMARY) makes of what is known. Where nothing is said: 1,000 peers, 10 hits wanted, words are',
      'asked for, and summaries say that 3 peers have them.',
      '',
    ];
    for (const row of rows) {
      const { strategy, budget, why } = chooseStrategy(defaultChoiceConfig, { ...question, ...row });
      story.push(told(row), `    ${strategy}${budget === 0 ? '' : ` within ${budget}`}: ${why}`);
    }
    await expect([...story, ''].join('\n')).toMatchFileSnapshot('choices.trace');
  });

  it('never costs more than the tree, as far as is known', () => {
    fc.assert(
      fc.property(anyInputs, (given) => {
        const choice = chooseStrategy(defaultChoiceConfig, given);
        const tree = 2 * (given.peers - 1);
        if (choice.strategy === 'walk' || choice.strategy === 'guided') {
          expect(choice.budget).toBeGreaterThan(0);
          expect(choice.budget).toBeLessThanOrEqual(given.budget || tree / 4);
        }
        if (choice.strategy === 'summary' && 'holders' in given.summaries) {
          const asked = given.summaries.holders + given.summaries.unknown;
          expect(asked).toBeLessThanOrEqual(Math.max(1, given.peers / 4));
          if (given.budget > 0) expect(2 * asked).toBeLessThanOrEqual(given.budget);
        }
        // Neither the tree nor a lookup knows a budget.
        if (given.budget > 0) expect(['exhaustive', 'keywords']).not.toContain(choice.strategy);
        if (choice.strategy === 'keywords') expect(given).toMatchObject({ hasKeywords: true, hasWords: true });
        if (choice.strategy === 'guided') expect(given.hasWords && given.sight !== null).toBe(true);
        expect(choice.why).not.toMatch(/NaN|undefined|Infinity/);
      }),
    );
  });
});

describe('going on', () => {
  const after = (strategy: ChosenStrategy, hits: number, spent: number, isComplete = false): Progress => ({
    ...{ strategy, hits, spent, isComplete },
  });

  it('is a table', async () => {
    const sight = near(14);
    const rows: readonly (readonly [Partial<ChoiceInputs>, Progress])[] = [
      [{}, after('walk', 4, 80)],
      [{}, after('walk', 10, 80)],
      [{}, after('walk', 4, 80, true)],
      [{}, after('guided', 0, 300)],
      [{}, after('summary', 0, 6)],
      [{}, after('summary', 1, 6)],
      [{ wanted: 'summary' }, after('summary', 0, 6)],
      [{}, after('keywords', 0, 14)],
      [{}, after('keywords', 2, 18)],
      [{}, after('exhaustive', 0, 1_998)],
      [{ budget: 200, sight }, after('walk', 4, 80)],
      [{ budget: 200, sight }, after('walk', 4, 195)],
      [{ budget: 200 }, after('walk', 4, 80)],
      [{ budget: 200, sight }, after('guided', 4, 80)],
      [{ budget: 200, sight }, after('summary', 0, 6)],
    ];
    const story = [
      'How AUTO goes on when one way found too little. Where nothing is said: 1,000 peers, 10 hits wanted, no budget.',
      '',
    ];
    for (const [row, progress] of rows) {
      const next = fallBack(defaultChoiceConfig, { ...question, ...row }, progress);
      const { strategy, hits, spent, isComplete } = progress;
      const done = `${strategy} found ${hits} hits for ${spent} messages${isComplete ? ' from everybody' : ''}`;
      story.push(Object.keys(row).length === 0 ? done : `${done}, ${told(row)}`);
      const within = next === null || next.budget === 0 ? '' : ` within ${next.budget}`;
      story.push(next === null ? '    over' : `    ${next.strategy}${within}: ${next.why}`);
    }
    await expect([...story, ''].join('\n')).toMatchFileSnapshot('goes-on.trace');
  });

  it('ends, keeps the budget, and costs a quarter more than the tree at most', () => {
    const found = fc.array(
      fc.record({ hits: fc.nat({ max: 20 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      {
        minLength: 4,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(anyInputs, found, (given, stages) => {
        const tree = 2 * (given.peers - 1);
        let choice = chooseStrategy(defaultChoiceConfig, given);
        let [hits, spent] = [0, 0];
        for (const [at, stage] of stages.entries()) {
          if (choice.strategy === 'walk' || choice.strategy === 'guided') {
            if (given.budget > 0) expect(spent + choice.budget).toBeLessThanOrEqual(given.budget);
            else expect(spent + choice.budget).toBeLessThanOrEqual(tree / 4);
          }
          if (given.budget > 0) expect(choice.strategy).not.toBe('exhaustive');
          spent += Math.floor(choice.budget * stage.share);
          hits = Math.max(hits, stage.hits);
          const { strategy } = choice;
          const next = fallBack(defaultChoiceConfig, given, { strategy, hits, spent, isComplete: false });
          if (next === null) return;
          expect(next.strategy).not.toBe(strategy);
          expect(next.why).not.toMatch(/NaN|undefined|Infinity/);
          // Two ways at most after the first.
          expect(at).toBeLessThan(2);
          choice = next;
        }
      }),
    );
  });
});

describe('the memory of questions', () => {
  it('is a mean that fades', () => {
    const memory = new QueryMemory(defaultMemoryConfig);
    expect(memory.recall(0, 'owl')).toBeNull();
    memory.learn(0, 'owl', { answered: 100, hits: 50, isCut: false });
    expect(memory.recall(0, 'owl')).toEqual({ hitsPerPeer: 0.5, isAtLeast: false });
    // Two half lives later a quarter of it counts.
    memory.learn(1_200_000, 'owl', { answered: 25, hits: 0, isCut: false });
    expect(memory.recall(1_200_000, 'owl')?.hitsPerPeer).toBeCloseTo(0.25, 10);
    expect(memory.recall(1_200_000 + 10 * 600_000, 'owl')).toBeNull();
  });

  it('knows when it saw a part only', () => {
    const memory = new QueryMemory(defaultMemoryConfig);
    memory.learn(0, 'the', { answered: 1_000, hits: 10, isCut: true });
    expect(memory.recall(0, 'the')).toEqual({ hitsPerPeer: 0.01, isAtLeast: true });
  });

  it('is bounded: what was not asked for the longest goes first', () => {
    const memory = new QueryMemory({ ...defaultMemoryConfig, entriesMax: 3 });
    for (const key of ['a', 'b', 'c', 'a', 'd']) memory.learn(0, key, { answered: 10, hits: 1, isCut: false });
    expect(['a', 'b', 'c', 'd'].map((key) => memory.recall(0, key) !== null)).toEqual([true, false, true, true]);
    memory.learn(0, 'x', { answered: 0, hits: 0, isCut: false });
    expect(memory.size).toBe(3);
  });
});
