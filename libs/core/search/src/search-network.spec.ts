import { describe, expect, it } from 'vitest';
import { idsOf, SearchNetwork } from '../spec/search-network.ts';
import { defaultSearchConfig, type SearchConfig } from './config.ts';

/** 64 peers on a random tree with lazy links beside it, two documents each. */
function mesh(seed = 1, config: Partial<SearchConfig> = {}, lazyPerPeer = 2): SearchNetwork {
  const network = new SearchNetwork(idsOf(64), seed, config);
  network.plant(lazyPerPeer);
  for (const [id, { documents }] of network.nodes) {
    documents.push(
      { id: `${id}-x`, score: network.rng.below(1_000) },
      { id: `${id}-y`, score: network.rng.below(1_000) },
    );
  }
  return network;
}

function foundIn(network: SearchNetwork): Set<string> {
  return new Set(network.hits.map((hit) => hit.documentId));
}

describe('64 peers on a clean tree', () => {
  it('one query costs N−1 queries and one answer each, and finds everything', () => {
    const network = mesh();
    const finished = network.query('p20', 'q1');
    expect(finished).toMatchObject({ complete: true, reason: 'done', queryId: 'q1' });
    expect(network.sent).toMatchObject({ query: 63, decline: 0, cancel: 0 });
    expect(finished.tally).toMatchObject({
      asked: 64,
      answered: 64,
      messages: 63 + network.sent.answer,
      missing: 0,
      bytes: network.bytes,
    });
    expect(foundIn(network).size).toBe(128);
    expect(network.hits).toHaveLength(128);
  });

  it('answers share messages: about one per peer', () => {
    const network = mesh(2, { flushMs: 1_000 });
    network.query('p20', 'q1');
    expect(network.sent.answer).toBe(63);
  });

  it('keeps the best hits of the whole mesh when more match than are wanted', () => {
    const network = mesh(3, { flushMs: 1_000 });
    const all = [...network.nodes.values()].flatMap((node) => node.documents.map(({ score }) => score));
    network.query('p05', 'q1', 10);
    const best = all.sort((a, b) => b - a).slice(0, 10);
    expect(network.hits.map(({ score }) => score)).toEqual(best);
  });

  it('shows the best of all in the end, and not many more than wanted, though they stream in', () => {
    const network = mesh(4, { flushMs: 1 });
    const all = [...network.nodes.values()].flatMap((node) => node.documents.map(({ score }) => score));
    network.query('p05', 'q1', 10);
    const best = all.sort((a, b) => b - a).slice(0, 10);
    expect(network.hits.length).toBeGreaterThan(10);
    expect(network.hits.length).toBeLessThanOrEqual(40);
    expect(network.hits.map(({ score }) => score).sort((a, b) => b - a)).toEqual(expect.arrayContaining(best));
  });

  it('sums the statistics of everybody', () => {
    const { tally } = mesh(5).query('p05', 'q1', 10);
    expect(tally.statistics).toEqual({ documents: 128, words: 1_280, frequencies: [64, 128] });
  });

  it('says a document once however many peers hold it, and again when a newer version comes', () => {
    const network = mesh(6, { flushMs: 1 });
    for (const node of network.nodes.values()) node.documents.splice(0, 2, { id: 'copy', score: 5, version: 7 });
    network.node('p05').documents.splice(0, 1, { id: 'copy', score: 5, version: 6 });
    network.query('p05', 'q1', 10);
    expect(network.hits.map(({ documentId, version }) => [documentId, version])).toEqual([
      ['copy', 6],
      ['copy', 7],
    ]);
  });

  it('an index that cannot answer makes its peer a missing one', () => {
    const network = mesh(7);
    network.node('p33').isIndexBroken = true;
    const { tally, complete } = network.query('p05', 'q1', 10);
    expect(complete).toBe(false);
    expect(tally).toMatchObject({ asked: 64, answered: 63, missing: 1 });
  });

  it('counts exactly what was spent also while the tree still has cycles', () => {
    const network = new SearchNetwork(idsOf(64), 5);
    network.plant(0);
    for (const id of network.nodes.keys()) network.link(id, `p${10 + network.rng.below(50)}`, 'eager');
    const { tally, complete } = network.query('p01', 'q1');
    expect(network.sent.decline).toBeGreaterThan(0);
    expect(tally.messages).toBe(network.sent.query + network.sent.answer + network.sent.decline);
    expect(tally).toMatchObject({ asked: 64, answered: 64, missing: 0 });
    expect(complete).toBe(true);
  });

  it('forgets all about it afterwards', () => {
    const network = mesh();
    network.query('p20', 'q1');
    network.run(defaultSearchConfig.seenMs);
    for (const { core } of network.nodes.values()) {
      expect([core.activeCount, core.nextDeadline()]).toEqual([0, Number.POSITIVE_INFINITY]);
    }
  });

  it('one that does not have the time for all hops says what is missing', () => {
    const network = mesh();
    const { complete, tally } = network.query('p20', 'q1', 100, 60);
    expect(complete).toBe(false);
    expect(tally.missing).toBeGreaterThan(0);
  });

  it('a cancelled query stops on every branch', () => {
    const network = mesh();
    network.start('p20', 'q1');
    network.run(12);
    network.command('p20', { kind: 'cancel', queryId: 'q1' });
    network.run(100);
    expect(network.finished).toMatchObject([{ reason: 'cancelled', complete: false }]);
    expect([...network.nodes.values()].map(({ core }) => core.activeCount)).toEqual(Array(64).fill(0));
  });
});

describe('a broken tree', () => {
  it('cut in two, is asked around over the lazy links', () => {
    const network = mesh(6);
    const [a, b] = ['p00', 'p01'] as const;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      network.node(from).eager.delete(to);
      const { eager, lazy } = network.node(from);
      network.command(from, { kind: 'links', tree: 0, eager: [...eager], lazy: [...lazy] });
    }
    const finished = network.query('p20', 'q1');
    expect(finished).toMatchObject({ complete: true, tally: { answered: 64, missing: 0 } });
    expect(foundIn(network).size).toBe(128);
    expect(network.hits).toHaveLength(128);
    expect(network.node('p20').core.stats.furtherWaves).toBe(1);
  });

  it('a relay that dies while it works loses only itself', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const network = mesh(seed, {}, 4);
      network.start('p63', 'q1');
      network.run(3 + network.rng.below(40));
      network.kill('p00');
      network.run(6_000);
      const found = foundIn(network);
      for (const { documents } of network.nodes.values()) for (const { id } of documents) expect(found).toContain(id);
      // Complete would be a lie, unless the dead one had answered for itself before.
      const [finished] = network.finished;
      if (finished?.complete) expect(found).toContain('p00-x');
    }
  });

  it('a link that breaks while all are asked over every link is asked around as well', () => {
    // Two ways from p00 to p03 and p04, by p01 the shorter. Without a tree, the first wave goes over every link.
    const network = new SearchNetwork(idsOf(6), 1, {}, 10);
    for (const [a, b] of [
      ['p00', 'p01'],
      ['p01', 'p03'],
      ['p00', 'p02'],
      ['p02', 'p05'],
      ['p05', 'p03'],
      ['p03', 'p04'],
    ] as const) {
      network.link(a, b, 'lazy');
    }
    for (const [id, { documents }] of network.nodes) documents.push({ id: `doc-${id}`, score: 1 });
    network.start('p00', 'q1');
    // p03 has p01 for its asker and waits for p04. Whoever else asks is declined: its part of the mesh is nobody's branch now.
    network.run(45);
    network.cut('p01', 'p03');
    network.run(2_000);
    expect(network.finished).toMatchObject([{ complete: true, tally: { answered: 6, missing: 0 } }]);
    expect(foundIn(network).size).toBe(6);
    expect(network.node('p00').core.stats.furtherWaves).toBe(1);
  });

  it('a hung peer costs the deadline, is said to be missing, and hides nobody behind it', () => {
    const network = mesh(7, {}, 4);
    network.node('p00').isHung = true;
    const finished = network.query('p63', 'q1', 1_000, 2_000);
    expect(finished).toMatchObject({ complete: false, reason: 'deadline', tally: { answered: 63 } });
    expect(finished.tally.missing).toBeGreaterThan(0);
    expect(foundIn(network).size).toBe(126);
  });

  it('a peer that the directory knows and no link leads to makes it incomplete', () => {
    const network = mesh(8);
    network.command('p20', { kind: 'meshSize', peers: 65 });
    expect(network.query('p20', 'q1')).toMatchObject({ complete: false, reason: 'done', tally: { answered: 64 } });
  });
});

describe('bounds', () => {
  it('a relay with too much to do sheds: the asker knows that something is missing', () => {
    const network = mesh(9, { activeMax: 1 }, 0);
    network.start('p00', 'q1');
    network.start('p63', 'q2');
    network.run(6_000);
    expect(network.finished).toHaveLength(2);
    expect(network.finished.some(({ complete, tally }) => !complete && tally.missing > 0)).toBe(true);
  });

  it('the origin with too much to do says so at once', () => {
    const network = mesh(9, { activeMax: 1 });
    network.start('p00', 'q1');
    network.start('p00', 'q2');
    expect(network.finished).toMatchObject([{ queryId: 'q2', reason: 'overloaded' }]);
  });

  it('alone, a peer answers itself', () => {
    const network = new SearchNetwork(['p00']);
    network.node('p00').documents.push({ id: 'x', score: 1 });
    expect(network.query('p00', 'q1')).toMatchObject({ complete: true, tally: { asked: 1, answered: 1, messages: 0 } });
  });
});

describe('golden trace', () => {
  it('one query on five peers: a relay dies, the second wave goes around it', async () => {
    const network = new SearchNetwork(idsOf(5), 11, {}, 10);
    for (const [a, b] of [
      ['p00', 'p01'],
      ['p01', 'p02'],
      ['p01', 'p03'],
      ['p03', 'p04'],
    ] as const) {
      network.link(a, b, 'eager');
    }
    network.link('p00', 'p04', 'lazy');
    network.link('p02', 'p04', 'lazy');
    for (const [at, [id, { documents }]] of [...network.nodes].entries())
      documents.push({ id: `doc-${id}`, score: at });
    network.start('p00', 'q1');
    network.run(30);
    network.log.push('   30 ms p01 dies');
    network.kill('p01');
    network.run(2_000);
    const story = [
      'p00 asks everybody along the tree p00-p01-{p02, p03-p04}. The relay p01 dies with the answers in its hands: p00',
      'counts a missing branch, and p03 stops working for an asker that is gone. The second wave goes over every link',
      'that is left (p00-p04, p04-p03, p04-p02): p02 answers again, the straggler of the first wave is declined, and all',
      'the living are found. The directory still lists the dead one, so the query is not called complete.',
      '',
    ];
    await expect([...story, ...network.log, ''].join('\n')).toMatchFileSnapshot('./second-wave.trace');
  });
});
