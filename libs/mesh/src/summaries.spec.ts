import type { PeerId } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import type { MeshCommand, MeshEvent } from './api.ts';
import { defaultMeshConfig } from './config.ts';
import type { Mesh } from './mesh.ts';
import type { Body } from './messages.ts';
import { Network } from './network.test-support.ts';

type Finished = Extract<MeshEvent, { readonly kind: 'queryFinished' }>;

/** So many peers, each with a word of its own, a third of them with `third`, all with `all`. */
function meshOf(peers: number, config = {}): Network {
  const network = new Network(3, config);
  for (let i = 0; i < peers; i++) {
    network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
    network.run(30);
    network.put(`p${i}`, 'all', `own${i}`, ...(i % 3 === 0 ? ['third'] : []));
  }
  network.run(15_000);
  return network;
}

let number = 0;

function ask(network: Network, at: PeerId, text: string, more: Partial<Extract<MeshCommand, { kind: 'query' }>> = {}) {
  const queryId = `${at}/${++number}`;
  const words = [text.split(' ')];
  // AUTO asks everybody in meshes as small as these.
  const asked = { queryId, text, limit: 100, timeoutMs: 2_000, words, strategy: 'summary' } as const;
  network.command(at, { kind: 'query', ...asked, ...more });
  network.run(3_000);
  const events = network.nodes.get(at)?.events ?? [];
  const found = events.flatMap((event) =>
    event.kind === 'queryHits' && event.queryId === queryId ? event.hits.map(({ peer }) => peer) : [],
  );
  const finished = events.find(
    (event): event is Finished => event.kind === 'queryFinished' && event.queryId === queryId,
  );
  if (finished === undefined) throw new Error(`${queryId} did not finish`);
  return { found: found.sort(), finished };
}

describe('a mesh whose peers know what the others have', () => {
  /** For the tests that leave it as it is. */
  const network = meshOf(20);

  it('knows it everywhere', () => {
    for (const { mesh } of network.nodes.values()) {
      expect([mesh.summaries.covered, mesh.summaries.stale, mesh.summaries.off]).toEqual([20, 0, null]);
      expect(mesh.summaries.sizes().reduce((sum, { documents }) => sum + documents, 0)).toBe(20);
    }
  });

  it('asks the one peer that has it, for two messages, and closes the link that it opened', () => {
    const { mesh } = network.nodes.get('p3') as { mesh: Mesh<Body> };
    const others = [...network.nodes.keys()].filter((id) => id !== 'p3' && !mesh.root.membership.isNeighbor(id));
    expect(others.length).toBeGreaterThan(5);
    for (const id of others) {
      const { found, finished } = ask(network, 'p3', `own${id.slice(1)}`);
      expect(found).toEqual([id]);
      expect(finished).toMatchObject({
        complete: true,
        reason: 'done',
        tally: { asked: 1, answered: 1, messages: 2, missing: 0 },
        choice: { strategy: 'summary', why: '1 of 20 peers may have it' },
      });
    }
    network.run(30_000);
    // Its neighbours, and perhaps one that membership is just talking to.
    expect(mesh.linkCount).toBeLessThanOrEqual(mesh.root.membership.activeView().length + 2);
  });

  it('asks nobody for what nobody has', () => {
    const { found, finished } = ask(network, 'p3', 'stork');
    expect(found).toEqual([]);
    expect(finished).toMatchObject({
      complete: true,
      tally: { asked: 0, messages: 0 },
      choice: { strategy: 'summary' },
    });
  });

  it('goes along the tree for what many have, for what is no word, and when told to', () => {
    expect(ask(network, 'p4', 'all')).toMatchObject({
      finished: { complete: true, tally: { answered: 20 }, choice: { strategy: 'exhaustive' } },
    });
    expect(ask(network, 'p4', 'third', { strategy: 'summary' }).finished.choice?.why).toMatch(
      /7 of 20 .* tree is cheaper/,
    );
    expect(ask(network, 'p4', 'own1', { words: [] }).finished.choice?.why).toMatch(/no whole word/);
    expect(ask(network, 'p4', 'all', { budget: 40 }).finished).toMatchObject({ strategy: 'walk', budget: 40 });
    expect(ask(network, 'p4', 'own1', { budget: 40 }).finished).toMatchObject({
      strategy: 'summary',
      tally: { messages: 2 },
    });
    const { finished, found } = ask(network, 'p4', 'own1', { strategy: 'exhaustive' });
    expect([finished.tally.answered, finished.choice, found]).toEqual([20, undefined, ['p1']]);
  });

  it('says who is missing when a holder has just died, and forgets it', () => {
    const network = meshOf(16);
    network.crash('p5');
    const { finished } = ask(network, 'p12', 'own5');
    expect(finished).toMatchObject({ complete: false, tally: { asked: 1, answered: 0, missing: 1 } });
    network.run(60_000);
    expect(ask(network, 'p12', 'own5').finished).toMatchObject({ complete: true, tally: { asked: 0 } });
  });

  it('finds what was put a moment ago, everywhere, within five seconds', () => {
    const network = meshOf(16);
    for (let i = 0; i < 16; i++) network.put(`p${i}`, 'all', `new${i}`);
    network.run(5_000);
    for (let i = 0; i < 16; i += 5) {
      expect(ask(network, `p${i}`, `new${15 - i}`)).toMatchObject({
        found: [`p${15 - i}`],
        finished: { tally: { asked: 1 } },
      });
      expect(ask(network, `p${i}`, `own${15 - i}`).finished.tally.asked).toBe(0);
    }
  });

  it('brings a joiner all that it needs, and tells all of the joiner', () => {
    const network = meshOf(16);
    network.add('late', 'p7');
    network.put('late', 'novelty');
    network.run(10_000);
    expect(network.nodes.get('late')?.mesh.summaries.covered).toBe(17);
    expect(ask(network, 'late', 'own13').found).toEqual(['p13']);
    expect(ask(network, 'p2', 'novelty').found).toEqual(['late']);
  });

  it('asks along with the holders those of whom it knows nothing, and the tree when they are many', () => {
    const network = meshOf(16);
    network.add('mute', 'p7');
    network.run(10_000);
    expect(ask(network, 'p2', 'own13').finished).toMatchObject({
      tally: { asked: 2 },
      choice: { why: '1 of 17 peers may have it, and 1 of whom nothing is known' },
    });
    for (let i = 0; i < 9; i++) network.add(`mute${i}`, 'p7');
    network.run(10_000);
    expect(ask(network, 'p2', 'own13').finished).toMatchObject({ choice: { strategy: 'exhaustive' } });
  });

  it('without summaries goes along the tree, and says why', () => {
    const summaries = { ...defaultMeshConfig.summaries, enabled: false };
    const { found, finished } = ask(meshOf(12, { summaries }), 'p2', 'own7');
    expect(found).toEqual(['p7']);
    expect(finished.choice?.why).toMatch(/no summaries are held here: disabled/);
  });
});
