import { describe, expect, it } from 'vitest';
import { idsOf, SearchNetwork } from '../spec/search-network.ts';
import { defaultSearchConfig, type SearchConfig } from './config.ts';

const config = { digestSizeLog2: 12 };

function mesh(size: number, seed: number, changes: Partial<SearchConfig> = {}): SearchNetwork {
  const network = new SearchNetwork(idsOf(size), seed, { ...config, ...changes });
  network.entangle(5);
  return network;
}

/** A chain p00 – p01 – p02 – …, with a document of term 7 at one of its peers. */
function chain(size: number, holder: number): SearchNetwork {
  const network = new SearchNetwork(idsOf(size), 1, { ...config, guidedWalkers: 1 });
  const ids = idsOf(size);
  for (const [at, id] of ids.entries()) if (at > 0) network.link(id, ids[at - 1] as string, 'lazy');
  network.node(ids[holder] as string).documents.push({ id: 'doc', score: 7 });
  network.tellTerms();
  return network;
}

const guided = { strategy: 'guided' as const, terms: [[7]] };

function linkTermsSent(network: SearchNetwork): number {
  return network.sent.linkTerms;
}

describe('digests of links', () => {
  it('"attenuated Bloom filter of depth d" (Rhea and Kubiatowicz §3), d = 2: the neighbour, and those beyond it', () => {
    const network = new SearchNetwork(idsOf(4), 1, config);
    const ids = idsOf(4);
    for (const [at, id] of ids.entries()) if (at > 0) network.link(id, ids[at - 1] as string, 'lazy');
    network.node('p01').documents.push({ id: 'a', score: 1 });
    network.node('p02').documents.push({ id: 'b', score: 2 });
    network.node('p03').documents.push({ id: 'c', score: 3 });
    network.tellTerms();
    const sees = (term: number): number => network.node('p00').core.nearness('p01', [[term]]);
    expect([1, 2, 3].map(sees)).toEqual([1, 2, 0]);
    // The other way nothing comes back of what went there.
    expect(network.node('p02').core.nearness('p01', [[2]])).toBe(0);
  });

  it('all terms of one of the lists must be there', () => {
    const network = new SearchNetwork(idsOf(2), 1, config);
    network.link('p00', 'p01', 'lazy');
    network.node('p01').documents.push({ id: 'a', score: 1 }, { id: 'b', score: 2 });
    network.tellTerms();
    const sees = (terms: number[][]): number => network.node('p00').core.nearness('p01', terms);
    expect([[[1, 2]], [[1, 9]], [[9], [2]], [[]], []].map(sees)).toEqual([1, 0, 1, 0, 0]);
  });

  it('are told when they change, by what changed, at most every interval, and not when nothing did', () => {
    const network = mesh(12, 3);
    for (const [at, { documents }] of [...network.nodes.values()].entries()) {
      documents.push(...Array.from({ length: 100 }, (_, i) => ({ id: `${i}`, score: 1_000 * at + i })));
    }
    network.tellTerms();
    const before = linkTermsSent(network);
    const bytesBefore = network.node('p03').core.digestStats.bytesSent;
    network.run(60_000);
    expect(linkTermsSent(network)).toBe(before);
    const links = network.node('p03').lazy.size;
    for (let i = 0; i < 20; i++) {
      const fingerprints = Uint32Array.from({ length: 100 + i }, (_, term) => 3_000 + term);
      network.command('p03', { kind: 'ownTerms', fingerprints });
      network.run(100);
    }
    // At once, and again after the interval; each change goes one link further.
    expect(network.node('p03').core.digestStats.sent).toBeLessThanOrEqual((before / 12) * 3);
    const bytes = (network.node('p03').core.digestStats.bytesSent - bytesBefore) / links;
    expect(bytes).toBeLessThan(60);
    network.run(2 * defaultSearchConfig.digestIntervalMs);
    const [neighbor] = network.node('p03').lazy;
    expect(network.node(neighbor as string).core.nearness('p03', [[3_118]])).toBe(1);
  });

  it('a message that was lost is noticed: what may be wrong is forgotten, and all of it asked for again', () => {
    const network = new SearchNetwork(idsOf(2), 1, config);
    network.link('p00', 'p01', 'lazy');
    network.node('p01').documents.push({ id: 'a', score: 1 });
    network.tellTerms();
    const { core } = network.node('p00');
    const filter = new Uint8Array(0);
    const message = {
      kind: 'linkTerms',
      version: 9,
      near: { isDelta: false, filter },
      beyond: null,
      degree: 1,
      again: false,
    } as const;
    network.handle('p00', { kind: 'message', from: 'p01', message });
    expect(core.nearness('p01', [[1]])).toBe(0);
    network.run(30_000);
    expect(core.digestStats.lostTrack).toBe(1);
    expect(core.nearness('p01', [[1]])).toBe(1);
  });

  it('of a peer with more terms than it can tell say nothing', () => {
    const network = new SearchNetwork(idsOf(2), 1, config);
    network.link('p00', 'p01', 'lazy');
    network.tellTerms();
    network.command('p01', { kind: 'ownTerms', fingerprints: null });
    network.run(30_000);
    expect(network.node('p00').core.nearness('p01', [[1]])).toBe(0);
  });
});

describe('a guided walk', () => {
  it('goes where something is, also beyond its steps', () => {
    for (const holder of [1, 2, 3, 4]) {
      const network = chain(6, holder);
      const { reason, tally } = network.query('p00', 'q1', 1, 5_000, guided);
      expect(reason).toBe('limit');
      // There and back, and nobody else.
      expect(tally.messages).toBe(2 * holder);
      expect(network.node('p00').core.seekStats.rounds).toBe(1);
    }
  });

  it('costs a fraction of a blind one', () => {
    const cost = (strategy: 'walk' | 'guided'): number => {
      let messages = 0;
      for (let seed = 1; seed <= 8; seed++) {
        const network = mesh(150, seed);
        for (const [at, { documents }] of [...network.nodes.values()].entries()) {
          documents.push({ id: 'doc', score: at % 50 === 49 ? 7 : 1_000 + at });
        }
        network.tellTerms();
        const how = { strategy, terms: [[7]], text: '7', budget: 10_000 };
        expect(network.query('p01', 'q1', 1, 20_000, how).reason).toBe('limit');
        messages += network.messages;
      }
      return messages / 8;
    };
    expect(cost('guided')).toBeLessThan(cost('walk') / 3);
  });

  it('looks around nearby first: two links of a peer a round, and further only when there are no more', () => {
    const network = new SearchNetwork(idsOf(18), 1, { ...config, guidedWalkers: 6, guidedFanout: 2 });
    const ids = idsOf(18);
    // p00 – p01 – p02 … p09, each with one more behind it.
    network.link('p00', 'p01', 'lazy');
    for (let at = 2; at < 10; at++) {
      network.link('p01', ids[at] as string, 'lazy');
      network.link(ids[at] as string, ids[at + 8] as string, 'lazy');
    }
    network.tellTerms();
    const begun = network.log.length;
    network.query('p00', 'q1', 1, 5_000, { ...guided, budget: 1_000 });
    const rounds = network.log
      .slice(begun)
      .map((line) => /p01 -> p\d\d guided round (\d+)( goes on)?, 1 for (\d+) more/.exec(line))
      .filter((found) => found !== null)
      .map(([, round, on = '', steps]) => `${round}${on}, ${steps} steps`);
    const twice = (line: string): string[] => [line, line];
    expect(rounds).toEqual([
      ...twice('1, 0 steps'),
      ...twice('2, 0 steps'),
      ...twice('3, 0 steps'),
      ...twice('4 goes on, 2 steps'),
      ...twice('5 goes on, 4 steps'),
      ...twice('6 goes on, 8 steps'),
    ]);
  });

  it('without terms is a walk that prefers peers with many neighbours (GIA §4.4)', () => {
    const network = new SearchNetwork(idsOf(42), 5, { ...config, guidedWalkers: 1, stepsMax: 1 });
    network.link('p00', 'p01', 'lazy');
    network.link('p00', 'p02', 'lazy');
    for (let at = 3; at < 42; at++) network.link('p01', idsOf(42)[at] as string, 'lazy');
    network.link('p02', 'p03', 'lazy');
    network.tellTerms();
    let toHub = 0;
    for (let n = 0; n < 40; n++) {
      const from = network.log.length;
      network.query('p00', `q${n}`, 5, 1_000, { strategy: 'guided', budget: 3 });
      if (network.log.slice(from).some((line) => line.includes('p00 -> p01 guided'))) toHub++;
    }
    expect(toHub).toBeGreaterThan(30);
  });
});
