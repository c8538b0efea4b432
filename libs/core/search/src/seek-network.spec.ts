import { describe, expect, it } from 'vitest';
import { type How, idsOf, SearchNetwork } from '../spec/search-network.ts';
import { defaultSearchConfig, type SearchConfig } from './config.ts';

const walk: How = { strategy: 'walk' };
const ring: How = { strategy: 'ring' };

/** Peers on a random graph with about five links each. */
function mesh(size = 200, seed = 1, config: Partial<SearchConfig> = {}): SearchNetwork {
  const network = new SearchNetwork(idsOf(size), seed, config);
  network.entangle(5);
  return network;
}

/** Gives so many random peers the document. */
function replicate(network: SearchNetwork, replicas: number): void {
  const ids = network.rng.sample([...network.nodes.keys()], replicas);
  for (const id of ids) network.node(id).documents.push({ id: `of-${id}`, score: 1 });
}

function askedPeers(network: SearchNetwork): string[] {
  return network.log.flatMap((line) => /ms (\S+) asks its index/.exec(line)?.[1] ?? []);
}

describe('a walk', () => {
  it('"k walkers" (Lv §5.2): finds what many have at a fraction of what asking all would cost', () => {
    let found = 0;
    let messages = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const network = mesh(400, seed);
      replicate(network, 40);
      const finished = network.query('p07', 'q1', 1, 5_000, walk);
      expect(finished).toMatchObject({ strategy: 'walk', complete: false, budget: defaultSearchConfig.budgetDefault });
      found += network.hits.length;
      messages += network.messages;
    }
    expect(found).toBe(20);
    expect(messages / 20).toBeLessThan(200);
  });

  it('never searches a peer twice: walkers part, and where one has been another is declined (Lv §5.2, "state")', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const network = mesh(60, seed);
      const { tally } = network.query('p01', 'q1', 1, 5_000, walk);
      const asked = askedPeers(network);
      expect(new Set(asked).size).toBe(asked.length);
      expect(tally.answered).toBe(asked.length);
    }
  });

  it('takes no step back to where it came from', () => {
    // One walker: two may meet on a link.
    const network = mesh(60, 3, { walkers: 1 });
    network.query('p01', 'q1', 1, 5_000, walk);
    const over = new Set<string>();
    for (const line of network.log) {
      const [, from, to, what] = /ms (\S+) -> (\S+) walk round \d+( goes on)?/.exec(line) ?? [];
      if (from === undefined || what !== undefined) continue;
      expect(over).not.toContain(`${to} ${from}`);
      over.add(`${from} ${to}`);
    }
    expect(over.size).toBeGreaterThan(20);
  });

  it('"checks back" (Lv §5.2) first after 4 steps, and stops when there is enough', () => {
    const network = mesh(400, 5);
    replicate(network, 400);
    const { tally, reason } = network.query('p07', 'q1', 30, 5_000, walk);
    expect(reason).toBe('limit');
    expect(network.hits).toHaveLength(30);
    // 16 walkers, 4 steps each, no second round.
    expect(tally.asked).toBeLessThanOrEqual(1 + 5 + 16 * 3);
    expect(network.node('p07').core.seekStats.rounds).toBe(1);
  });

  it('goes on where it stood, further each time, until its steps are over', () => {
    const network = mesh(400, 5, { walkers: 1, stepsMax: 16 });
    const finished = network.query('p07', 'q1', 1, 5_000, { ...walk, budget: 1_000 });
    expect(finished).toMatchObject({ reason: 'done', tally: { asked: 17, answered: 17, missing: 0 } });
    // 4, 8 and 16 steps from the origin: 3 rounds.
    expect(network.node('p07').core.seekStats.rounds).toBe(3);
  });

  it('by the paper checks every 4 steps: the price of coming home along the path is the square of it', () => {
    const cost = (checkGrowth: number): number => {
      const network = mesh(400, 5, { walkers: 1, stepsMax: 64, checkGrowth });
      return network.query('p07', 'q1', 1, 30_000, { ...walk, budget: 10_000 }).tally.messages;
    };
    expect(cost(1)).toBeGreaterThan(4 * cost(2));
  });

  it('whoever has enough at home passes nothing on (GIA §4.3, MAX_RESPONSES)', () => {
    const network = mesh(60, 3);
    network.node('p01').documents.push({ id: 'x', score: 1 });
    expect(network.query('p01', 'q1', 1, 5_000, walk)).toMatchObject({ reason: 'limit', tally: { messages: 0 } });
  });
});

describe('a ring', () => {
  it('widens by one link a round and searches inner rings once (Lv §4.2 floods them anew)', () => {
    const network = mesh(200, 7);
    const depthOf = depths(network, 'p10');
    const nearest = [...depthOf].filter(([, depth]) => depth === 3)[0]?.[0] as string;
    network.node(nearest).documents.push({ id: 'x', score: 1 });
    const finished = network.query('p10', 'q1', 1, 5_000, { ...ring, budget: 10_000 });
    expect(finished).toMatchObject({ reason: 'limit', strategy: 'ring' });
    const asked = askedPeers(network);
    expect(new Set(asked)).toEqual(new Set([...depthOf].filter(([, depth]) => depth <= 3).map(([id]) => id)));
    expect(asked).toHaveLength(new Set(asked).size);
    expect(network.node('p10').core.seekStats.rounds).toBe(3);
  });

  it('that reached everybody is complete', () => {
    const network = mesh(60, 7);
    replicate(network, 3);
    expect(network.query('p10', 'q1', 10, 5_000, { ...ring, budget: 10_000 })).toMatchObject({
      reason: 'done',
      complete: true,
      tally: { asked: 60, answered: 60, missing: 0 },
    });
    expect(network.hits).toHaveLength(3);
  });
});

describe('the budget', () => {
  it('is never overdrawn, and what is said to be spent is what was sent', () => {
    for (const strategy of ['walk', 'ring'] as const) {
      for (const budget of [1, 2, 3, 4, 10, 33, 100, 333]) {
        const network = mesh(120, budget);
        const { tally, reason } = network.query('p01', 'q1', 1, 5_000, { strategy, budget });
        expect(network.messages).toBeLessThanOrEqual(budget);
        expect(tally.messages).toBe(network.messages);
        expect(tally.bytes).toBe(network.bytes);
        expect(reason).toBe('budget');
      }
    }
  });

  it('is used: most of what is given is spent', () => {
    const network = mesh(400, 9);
    const { tally } = network.query('p01', 'q1', 1, 5_000, { ...walk, budget: 300 });
    expect(tally.messages).toBeGreaterThan(200);
  });
});

describe('peers that fail', () => {
  it('a walker that dies with its peer is missing, and the others go on', () => {
    let missing = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const network = mesh(200, seed);
      network.start('p01', 'q1', 1, 5_000, { ...walk, budget: 1_000 });
      network.run(16);
      const there = askedPeers(network).at(-1) as string;
      if (there === 'p01') throw new Error('nobody was asked');
      network.kill(there);
      network.run(10_000);
      const [finished] = network.finished;
      expect(finished?.complete).toBe(false);
      expect(finished?.tally.asked).toBeGreaterThan(20);
      missing += finished?.tally.missing ?? 0;
    }
    expect(missing).toBeGreaterThanOrEqual(15);
  });

  it('a hung peer costs one round its time, and is missing', () => {
    const network = mesh(200, 4);
    const [hung] = network.node('p01').lazy;
    network.node(hung as string).isHung = true;
    const finished = network.query('p01', 'q1', 1, 4_000, { ...walk, budget: 300 });
    expect(finished.tally.missing).toBeGreaterThan(0);
    expect(finished.tally.messages).toBeGreaterThan(60);
    expect(network.messages).toBeLessThanOrEqual(300);
  });

  it.each(['walk', 'ring', 'guided'] as const)('an index that fails makes its peer a missing one: %s', (strategy) => {
    const network = mesh(60, 4);
    const broken = [...network.node('p01').lazy].slice(0, 2);
    for (const id of [...broken, 'p01']) network.node(id).isIndexBroken = true;
    const { tally, complete } = network.query('p01', 'q1', 1, 4_000, { strategy, budget: 2_000, terms: [[7]] });
    expect([tally.missing, tally.asked - tally.answered, complete]).toEqual([3, 3, false]);
    const { tally: again } = network.query('p01', 'q2', 1, 4_000, { strategy, budget: 2_000, terms: [[7]] });
    expect(again.missing).toBe(3);
  });

  it('when the origin dies, everybody stops', () => {
    const network = mesh(200, 4);
    network.start('p01', 'q1', 1, 5_000, { ...walk, budget: 1_000 });
    network.run(30);
    network.kill('p01');
    network.run(200);
    for (const { core } of network.nodes.values()) expect(core.activeCount).toBe(0);
  });

  it('a cancelled query stops at every peer', () => {
    const network = mesh(200, 4);
    network.start('p01', 'q1', 1, 5_000, { ...ring, budget: 5_000 });
    network.run(22);
    network.command('p01', { kind: 'cancel', queryId: 'q1' });
    network.run(40);
    expect(network.finished).toMatchObject([{ reason: 'cancelled', complete: false }]);
    for (const { core } of network.nodes.values()) expect(core.activeCount).toBe(0);
    const sent = network.messages;
    network.run(5_000);
    expect(network.messages).toBe(sent);
    expect(sent).toBeLessThanOrEqual(network.finished[0]?.tally.messages ?? 0);
  });

  it('all is forgotten when the time of the query is over', () => {
    const network = mesh(100, 4);
    network.query('p01', 'q1', 1, 2_000, walk);
    network.run(5_000);
    for (const { core } of network.nodes.values()) {
      expect([core.activeCount, core.parkedCount, core.nextDeadline()]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
    }
  });

  it('a branch that had to forget says that its walkers are lost', () => {
    const network = mesh(200, 4, { parkedMax: 0 });
    const { tally } = network.query('p01', 'q1', 1, 5_000, { ...walk, budget: 2_000 });
    expect(tally.missing).toBeGreaterThan(0);
    expect(tally.answered).toBeLessThan(200);
  });
});

describe('golden trace', () => {
  it('a walk of two walkers on nine peers: a check, a second round, a peer that dies', async () => {
    const network = new SearchNetwork(idsOf(9), 3, { walkers: 2, walkCheckSteps: 2 }, 10);
    network.entangle(3);
    network.start('p00', 'q1', 1, 5_000, { ...walk, budget: 60 });
    network.run(70);
    network.log.push('   70 ms p04 dies');
    network.kill('p04');
    network.run(5_000);
    const story = [
      'Two walkers leave p00 with a budget of 60 messages and check back after 2 steps. Every link that is crossed is paid',
      'for in advance with 3: the seek, its answer, and a cancel in case; what was not needed comes back with the answer.',
      'Then p00 lets them go on from where they stand. A peer dies with a walker in it: that one is missing, the other goes on.',
      '',
    ];
    await expect([...story, ...network.log, ''].join('\n')).toMatchFileSnapshot('walk.trace');
  });
});

/** Links from a peer to every other. */
function depths(network: SearchNetwork, from: string): Map<string, number> {
  const depth = new Map([[from, 0]]);
  for (const [id, at] of depth) {
    for (const next of network.node(id).lazy) if (!depth.has(next)) depth.set(next, at + 1);
  }
  return depth;
}
