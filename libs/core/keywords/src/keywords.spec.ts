import { RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { defaultKeywordsConfig, type KeywordsConfig } from './config.ts';
import { Keywords } from './keywords.ts';
import type { KeywordsCommand, KeywordsEvent } from './messages.ts';

const hour = 3_600_000;
const words = (count: number, from = 0) => Uint32Array.from({ length: count }, (_, i) => (from + i) * 10);

/** Words that somebody nearby has end in 1 … 9, the others in 0. */
class Bench {
  readonly core: Keywords;
  now = 0;
  sightPeers = 50;
  readonly common = new Set<number>();

  constructor(config: Partial<KeywordsConfig> = {}) {
    this.core = new Keywords({
      config: { ...defaultKeywordsConfig, ...config },
      rng: new Rng(1),
      sight: (word) => ({ peers: this.sightPeers, seen: word % 10 !== 0 || this.common.has(word) ? 1 : 0 }),
    });
  }

  command(command: KeywordsCommand): KeywordsEvent[] {
    const out = new RecordingOutbox<never, KeywordsEvent>();
    this.core.handle(this.now, { kind: 'command', command }, out);
    return eventsOf(out);
  }

  /** Lets time pass; every put is stored unless `isStored` says no. The words put, and when. */
  run(until: number, isStored = (_word: number) => true): { word: number; at: number; expiresAt: number }[] {
    const puts: { word: number; at: number; expiresAt: number }[] = [];
    while (this.core.nextDeadline() <= until) {
      this.now = this.core.nextDeadline();
      const out = new RecordingOutbox<never, KeywordsEvent>();
      this.core.handle(this.now, { kind: 'tick' }, out);
      for (const event of eventsOf(out)) {
        if (event.kind !== 'put') continue;
        puts.push({ word: event.word, at: this.now, expiresAt: event.expiresAt });
        this.command({ kind: 'putDone', word: event.word, isStored: isStored(event.word) });
      }
    }
    this.now = until;
    return puts;
  }
}

function eventsOf(out: RecordingOutbox<never, KeywordsEvent>): KeywordsEvent[] {
  return out.take().flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : []));
}

/** A peer with an index in a mesh that is too large for summaries. */
function started(config: Partial<KeywordsConfig> = {}, index = words(1_000)): Bench {
  const bench = new Bench(config);
  bench.command({ kind: 'terms', fingerprints: index });
  bench.command({ kind: 'meshSize', peers: 6_000 });
  return bench;
}

describe('publishing', () => {
  it('is for meshes that are too large for summaries', () => {
    const bench = new Bench();
    bench.command({ kind: 'terms', fingerprints: words(10) });
    bench.command({ kind: 'meshSize', peers: 5_000 });
    expect([bench.core.isOn, bench.core.nextDeadline()]).toEqual([false, Number.POSITIVE_INFINITY]);
    bench.command({ kind: 'meshSize', peers: 5_001 });
    expect(bench.core.isOn).toBe(true);
    expect(bench.run(hour).length).toBeGreaterThan(0);
    bench.command({ kind: 'meshSize', peers: 4_000 });
    expect(bench.run(10 * hour)).toEqual([]);
  });

  it('keeps its pace', () => {
    const puts = started().run(4 * hour);
    // 120 an hour; each gap is a half to one and a half of 30 s.
    expect(puts.length).toBeGreaterThan(460);
    expect(puts.length).toBeLessThan(500);
    for (const [i, { at }] of puts.entries()) {
      if (i > 0) expect(at - (puts[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(15_000);
    }
    expect(new Set(puts.map(({ word }) => word)).size).toBe(puts.length);
  });

  it('renews what stands, before it expires, and takes nothing new beyond its bound', () => {
    const bench = started({ wordsMax: 100 });
    const puts = bench.run(30 * hour);
    const byWord = Map.groupBy(puts, ({ word }) => word);
    expect(byWord.size).toBe(100);
    expect(bench.core.standing).toBe(100);
    for (const times of byWord.values()) {
      for (const [i, { at }] of times.entries()) if (i > 0) expect(at).toBeLessThan(times[i - 1]?.expiresAt ?? 0);
      expect(times.at(-1)?.expiresAt).toBeGreaterThan(30 * hour);
    }
  });

  it('is of rare words only', () => {
    const bench = started({}, Uint32Array.from([10, 11, 12, 20, 23]));
    expect(
      bench
        .run(hour)
        .map(({ word }) => word)
        .sort(),
    ).toEqual([10, 20]);
    expect(bench.core.standing).toBe(2);
  });

  it('does not judge a word by few peers', () => {
    const bench = started({}, words(10));
    bench.sightPeers = 7;
    expect(bench.run(hour)).toEqual([]);
  });

  it('lets the record of a word expire that has gone, or that has become common', () => {
    const bench = started({}, words(10));
    bench.run(hour);
    expect(bench.core.standing).toBe(10);
    bench.common.add(30);
    bench.command({ kind: 'terms', fingerprints: words(9) });
    const again = bench.run(20 * hour).map(({ word }) => word);
    expect(again.sort((a, b) => a - b)).toEqual([0, 10, 20, 40, 50, 60, 70, 80]);
    expect(bench.core.publishStats.dropped).toBe(2);
  });

  it('tries again what was not stored, after the others', () => {
    const bench = started({}, words(3));
    let refused = 0;
    const puts = bench.run(hour, (word) => word !== 10 || ++refused > 2);
    expect(puts.filter(({ word }) => word === 10)).toHaveLength(3);
    expect(bench.core.publishStats).toMatchObject({ stored: 3, failed: 2 });
    expect(bench.core.standing).toBe(3);
  });
});

describe('finding', () => {
  const find = (alternatives: number[][]) => ({ kind: 'find', queryId: 'q', alternatives, timeoutMs: 1_000 }) as const;
  const gotten = (number: number, ...holders: string[]) =>
    ({ kind: 'gotten', getId: `q ${number}`, holders, messages: 4 }) as const;

  it('names those of the word that fewest have', () => {
    const bench = started();
    expect(bench.command(find([[10, 21, 30]])).map((event) => event.kind === 'get' && event.word)).toEqual([10, 30]);
    expect(bench.command(gotten(0, 'a', 'b', 'c'))).toEqual([]);
    expect(bench.command(gotten(1, 'd'))).toEqual([{ kind: 'found', queryId: 'q', holders: ['d'], messages: 8 }]);
    expect(bench.core.activeCount).toBe(0);
  });

  it('a word that nobody published says nothing: another one may', () => {
    const bench = started();
    bench.command(find([[10, 20]]));
    bench.command(gotten(0));
    expect(bench.command(gotten(1, 'a'))).toMatchObject([{ holders: ['a'] }]);
  });

  it('needs each alternative named', () => {
    const bench = started();
    bench.command(find([[10], [20]]));
    bench.command(gotten(0, 'a', 'b'));
    expect(bench.command(gotten(1, 'b', 'c'))).toMatchObject([{ holders: ['a', 'b', 'c'] }]);
    bench.command(find([[10], [20]]));
    bench.command(gotten(0, 'a', 'b'));
    expect(bench.command(gotten(1))).toMatchObject([{ holders: null, messages: 8 }]);
  });

  it.each([
    ['a word that is common', [[11]]],
    ['an alternative without a rare word', [[10], [11]]],
    ['more words than it may ask for', [[10, 20, 30], [40, 50, 60], [70]]],
    ['no word', []],
  ])('does not look for %s', (_name, alternatives) => {
    const bench = started();
    expect(bench.command(find(alternatives))).toEqual([{ kind: 'found', queryId: 'q', holders: null, messages: 0 }]);
  });

  it('is bounded', () => {
    const bench = started({ findsMax: 1 });
    bench.command(find([[10]]));
    expect(bench.command({ ...find([[20]]), queryId: 'r' })).toMatchObject([{ queryId: 'r', holders: null }]);
    expect(bench.core.findStats).toMatchObject({ finds: 2, shed: 1 });
  });

  it('can be given up', () => {
    const bench = started();
    bench.command(find([[10, 20]]));
    bench.command(gotten(0, 'a'));
    expect(bench.command({ kind: 'cancelFind', queryId: 'q' })).toEqual([
      { kind: 'cancelGet', getId: 'q 1' },
      { kind: 'found', queryId: 'q', holders: null, messages: 4 },
    ]);
    expect(bench.command(gotten(1, 'b'))).toEqual([]);
  });
});
