import type { PeerId } from '@starling/kernel';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MeshCommand, MeshEvent } from './api.ts';
import { defaultMeshConfig, type MeshConfig } from './config.ts';
import { Network } from './network.test-support.ts';

type Query = Extract<MeshCommand, { kind: 'query' }>;
type Finished = Extract<MeshEvent, { readonly kind: 'queryFinished' }>;

/** As in a mesh of thousands, in one of few; a record a second instead of one in half a minute. */
const { auto, hyparview, keywords, lookup, summaries } = defaultMeshConfig;
const config: Partial<MeshConfig> = {
  summaries: { ...summaries, peersMax: 1 },
  lookup: { ...lookup, fullTableMax: 1 },
  keywords: { ...keywords, peersMin: 4, wordsPerHour: 3_600, sightPeersMin: 2 },
  // Nobody sees far, so that much is rare.
  hyparview: { ...hyparview, activeCapacity: 2 },
  auto: { ...auto, smallMesh: 4, walkMeshMin: 4, walkShareMax: 4 },
};
const peers = 24;
let number = 0;

function meshOf(more: Partial<MeshConfig> = {}): Network {
  const network = new Network(5, { ...config, ...more });
  for (let i = 0; i < peers; i++) {
    network.add(`p${i}`, i === 0 ? undefined : 'p0');
    network.run(30);
    network.put(`p${i}`, 'all', `own${i}`);
  }
  network.run(40_000);
  return network;
}

function ask(network: Network, at: PeerId, text: string, more: Partial<Query> = {}) {
  const queryId = `${at}/${++number}`;
  const asked = { queryId, text, words: [text.split(' ')], limit: 2, timeoutMs: 2_000, strategy: 'auto' } as const;
  network.command(at, { kind: 'query', ...asked, ...more });
  network.run(3_000);
  const events = (network.nodes.get(at)?.events ?? []).filter(
    (event) => 'queryId' in event && event.queryId === queryId,
  );
  const found = events.flatMap((event) => (event.kind === 'queryHits' ? event.hits.map(({ peer }) => peer) : []));
  const ends = events.filter((event): event is Finished => event.kind === 'queryFinished');
  expect(ends).toHaveLength(1);
  return { found: found.sort(), finished: ends[0] as Finished };
}

/** A peer that is not near another one. */
function farFrom(network: Network, at: PeerId): number {
  const near = (id: PeerId) => network.nodes.get(id)?.mesh.root.membership.activeView() ?? [];
  const known = new Set([at, ...near(at).flatMap(({ id }) => [id, ...near(id).map((other) => other.id)])]);
  return Array.from({ length: peers }, (_, i) => i).find((i) => !known.has(`p${i}`)) ?? -1;
}

describe('AUTO without summaries', () => {
  let network: Network;
  beforeAll(() => {
    network = meshOf();
  });

  it('publishes rare words and no others, at three peers each', () => {
    const meshes = [...network.nodes.values()].map(({ mesh }) => mesh);
    for (const mesh of meshes) expect(mesh.keywords.standing).toBe(1);
    const held = meshes.reduce((sum, { lookup: { store } }) => sum + store.keywordCount, 0);
    expect(held).toBe(3 * peers);
  });

  it('asks whom keyword records name, and says that this need not be all', () => {
    const other = farFrom(network, 'p3');
    const { found, finished } = ask(network, 'p3', `own${other}`);
    expect(found).toEqual([`p${other}`]);
    expect(finished).toMatchObject({ strategy: 'summary', complete: false, tally: { asked: 1, answered: 1 } });
    expect(finished.choice?.why).toMatch(/^rare: none of \d+ peers nearby has it; keyword records say who does$/);
    // The lookup's calls and the question itself.
    expect(finished.tally.messages).toBeGreaterThan(2);
  });

  it('goes on along the tree when nobody published it', () => {
    const { found, finished } = ask(network, 'p3', 'stork');
    expect(found).toEqual([]);
    expect(finished).toMatchObject({ strategy: 'exhaustive', complete: true, tally: { answered: peers } });
    expect(finished.choice?.why).toMatch(/records name found nothing for \d+ messages: everybody is asked$/);
    expect(finished.tally.messages).toBeGreaterThan(2 * (peers - 1));
    // … and has learned that: it is asked for along the tree at once.
    expect(network.nodes.get('p3')?.mesh.fellBack).toMatchObject({ exhaustive: 1 });
  });

  it('walks for what everybody nearby has', () => {
    const { found, finished } = ask(network, 'p4', 'all');
    expect(found.length).toBeGreaterThanOrEqual(2);
    expect(finished).toMatchObject({ strategy: 'walk', choice: { strategy: 'walk' } });
    expect(finished.choice?.why).toMatch(/peers nearby may have it, and 2 hits are enough/);
  });

  it('looks up nothing within a budget, and keeps to it', () => {
    const other = farFrom(network, 'p5');
    const { finished } = ask(network, 'p5', `own${other}`, { budget: 12 });
    expect(finished).toMatchObject({ strategy: 'guided', budget: 12 });
    expect(finished.tally.messages).toBeLessThanOrEqual(12);
  });

  it('can be given up while records are looked up, and after', () => {
    const queryId = 'p6/given-up';
    const other = farFrom(network, 'p6');
    const words = [[`own${other}`]];
    const question = { queryId, text: `own${other}`, words, limit: 2, timeoutMs: 2_000, strategy: 'auto' } as const;
    for (const afterMs of [0, 2, 6]) {
      const { events, mesh } = network.nodes.get('p6') ?? expect.fail();
      const before = events.length;
      network.command('p6', { kind: 'query', ...question });
      network.run(afterMs);
      network.command('p6', { kind: 'cancelQuery', queryId });
      network.run(3_000);
      const ends = events.slice(before).filter((event) => event.kind === 'queryFinished' && event.queryId === queryId);
      expect(ends).toHaveLength(1);
      expect([mesh.keywords.activeCount, mesh.holders.activeCount, mesh.lookup.activeCount]).toEqual([0, 0, 0]);
    }
  });
});

describe('a walk that finds too little', () => {
  it('goes on along the tree, gives each hit once, and tells what all of it cost', () => {
    // Of what digests see there is no more than that.
    const network = meshOf({ keywords: { ...keywords, peersMin: 1_000 } });
    const { mesh } = network.nodes.get('p7') ?? expect.fail();
    const [neighbor] = mesh.root.membership.activeView();
    const word = `own${neighbor?.id.slice(1)}`;
    const { found, finished } = ask(network, 'p7', word, { limit: 2 });
    expect(found).toEqual([neighbor?.id]);
    expect(finished).toMatchObject({ strategy: 'exhaustive', complete: true, tally: { answered: peers } });
    expect(finished.choice?.why).toMatch(
      /^popular: .*; a (guided )?walk found 1 of 2 hits for \d+ messages: everybody is asked$/,
    );
    expect(finished.tally.messages).toBeGreaterThan(2 * (peers - 1));
  });
});
