import { type PeerInfo, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { AntiEntropy, defaultAntiEntropyConfig } from './anti-entropy.ts';

const peer = (id: string): PeerInfo => ({
  ...{ id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id },
});
const config = defaultAntiEntropyConfig;

/** Rounds from `from` to `until`, when each was and who was asked; `!` behind a name: to be followed. */
class Bench {
  readonly core = new AntiEntropy(config, new Rng(3));
  readonly gone = new Set<string>();
  random: string | null = 'r';

  constructor() {
    this.core.start(0);
  }

  rounds(until: number): { readonly at: number; readonly asked: string }[] {
    const rounds: { at: number; asked: string }[] = [];
    for (let at = this.core.nextDeadline(); at <= until; at = this.core.nextDeadline()) {
      const member = (id: string) => (this.gone.has(id) ? undefined : peer(id));
      const comparisons = this.core.due(at, member, () => (this.random === null ? undefined : peer(this.random)));
      const asked = comparisons.map(({ peer: { id }, follow }) => `${id}${follow ? '!' : ''}`).join(' ');
      rounds.push({ at, asked });
    }
    return rounds;
  }
}

describe('anti-entropy with members that are no neighbours', () => {
  it('asks a random one now and then while messages come, and seldom while none do', () => {
    const bench = new Bench();
    const busy: number[] = [];
    for (let at = 0; at < 100_000; at += 1_000) {
      bench.core.heard(at);
      busy.push(...bench.rounds(at).map((round) => round.at));
    }
    expect(busy.length).toBeGreaterThanOrEqual(8);
    expect(busy.length).toBeLessThanOrEqual(13);
    expect(bench.rounds(1_300_000).length).toBeLessThanOrEqual(15);
    const next = bench.core.nextDeadline();
    bench.core.heard(1_300_000);
    expect(bench.core.nextDeadline()).toBeLessThanOrEqual(Math.min(next, 1_312_500));
  });

  it('asks nobody before there is a neighbour, where all are neighbours, and after it stopped', () => {
    const bench = new Bench();
    bench.random = null;
    expect(bench.rounds(60_000).every(({ asked }) => asked === '')).toBe(true);
    bench.core.stop();
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('follows who brought what no neighbour had, for some minutes, and looks then whether that is needed', () => {
    const bench = new Bench();
    bench.core.learned(1_000, 'h', 1, 0);
    expect(bench.core.isBypassing).toBe(true);
    const following = bench.rounds(1_000 + config.bypassMinMs - 1);
    expect(following[0]).toEqual({ at: 1_000, asked: 'h! r' });
    expect(following.every(({ asked }) => asked === 'h! r')).toBe(true);
    expect(following).toHaveLength(240);
    const looking = bench.rounds(1_000 + config.bypassMinMs + 8_000);
    expect(looking.map(({ asked }) => asked)).toEqual(Array(9).fill('h r'));
    expect(bench.core.isBypassing).toBe(false);
    expect(bench.rounds(300_000).length).toBeLessThanOrEqual(6);
  });

  it('each time that it was needed still, it is for twice as long; not on a word that nobody can check', () => {
    const lengthAfter = (brought: number, lacked: number) => {
      const bench = new Bench();
      bench.core.learned(0, 'h', 1, 0);
      bench.rounds(242_000);
      bench.core.learned(242_000, 'h', brought, lacked);
      return bench.rounds(900_000).filter(({ at, asked }) => at >= 242_000 && asked.includes('!')).length;
    };
    expect(lengthAfter(1, 0)).toBe(480);
    expect(lengthAfter(0, 1)).toBe(240);
  });

  it('those that brought something go first, three at the most, and who is gone is left out', () => {
    const bench = new Bench();
    bench.random = null;
    bench.core.learned(0, 'says', 0, 1);
    for (const id of ['a', 'b']) bench.core.learned(0, id, 1, 0);
    expect(bench.rounds(0)).toEqual([{ at: 0, asked: 'a! b! says!' }]);
    for (const id of ['c', 'd']) bench.core.learned(0, id, 1, 0);
    expect(bench.rounds(1_000)).toEqual([{ at: 1_000, asked: 'b! c! d!' }]);
    bench.gone.add('c');
    expect(bench.rounds(2_000)).toEqual([{ at: 2_000, asked: 'b! d! says!' }]);
  });
});
