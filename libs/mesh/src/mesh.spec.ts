import { describe, expect, it } from 'vitest';
import { defaultMeshConfig } from './config.ts';
import type { Mesh } from './mesh.ts';
import type { Body } from './messages.ts';
import { Network } from './network.test-support.ts';
import { parseStream, streamOf } from './stream.ts';

function meshOf(peers: number, seed = 1): Network {
  const network = new Network(seed);
  for (let i = 0; i < peers; i++) {
    network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
    network.run(50);
  }
  network.run(3_000);
  return network;
}

const emptyReport: Parameters<Mesh<Body>['completed']>[0] = {
  info: { id: '', address: '', apiAddress: '', incarnation: 1, zone: '', name: '' },
  ...{ state: 'ready', links: [], deliveredPerSecond: 0, publishedPerSecond: 0, droppedPerSecond: 0 },
  ...{ passiveSize: 0, documents: 0, heapBytes: 0, loopUtilization: 0, conditions: ['cacheUnwritten'] },
};

const texts = (events: readonly unknown[]) =>
  (events as { kind: string; message?: { body: { payload: Uint8Array } } }[])
    .filter((event) => event.kind === 'message')
    .map((event) => String.fromCharCode(...(event.message?.body.payload ?? [])));

describe('Mesh', () => {
  it('joins, says so, and knows everybody', () => {
    const network = meshOf(12);
    network.run(5_000);
    expect(network.parts()).toEqual([12]);
    for (const { mesh, events } of network.nodes.values()) {
      expect(mesh.directory.size).toBe(12);
      expect(events.filter(({ kind }) => kind === 'caughtUp')).toHaveLength(1);
    }
  });

  it('delivers what is published to every subscriber, once, and answers the publisher', () => {
    const network = meshOf(12);
    const subscriptions = [...network.nodes.keys()].map((id) => ({
      id,
      subscription: network.subscribe(id, 'greetings.>'),
    }));
    network.publish('p3', 'greetings.hello', 'hi', true);
    network.publish('p3', 'other', 'not for them');
    network.run(1_000);
    for (const { id, subscription } of subscriptions) expect(texts(network.read(id, subscription))).toEqual(['hi']);
    const events = network.nodes.get('p3')?.events ?? [];
    expect(events.find(({ kind }) => kind === 'published')).toMatchObject({ requestId: 1, stream: 'p3~1', seq: 1 });
    expect(events.filter(({ kind }) => kind === 'held').length).toBeGreaterThan(0);
  });

  it('refuses what is published faster than the mesh takes it of one origin, and says when to try again', () => {
    const { plumtree } = defaultMeshConfig;
    const network = new Network(1, { plumtree: { ...plumtree, originWorkPerSecond: 10, originWorkBurst: 100 } });
    network.add('p0');
    for (let i = 0; i < 120; i++) network.publish('p0', 'load', `m${i}`);
    const events = network.nodes.get('p0')?.events ?? [];
    const published = events.filter(({ kind }) => kind === 'published').length;
    const refused = events.filter((event) => event.kind === 'publishRefused');
    expect(published).toBeGreaterThan(70);
    expect(published + refused.length).toBe(120);
    expect(refused[0]).toMatchObject({ requestId: 1 });
    network.run(refused[0]?.retryAfterMs ?? 0);
    network.publish('p0', 'load', 'again');
    expect(events.filter(({ kind }) => kind === 'published')).toHaveLength(published + 1);
  });

  it('heals when half of it crashes, loses nothing that a survivor published meanwhile, and forgets the dead', () => {
    const network = meshOf(24, 7);
    network.run(20_000);
    const survivors = [...network.nodes.keys()].filter((_, i) => i % 2 === 0);
    const subscriptions = survivors.map((id) => ({ id, subscription: network.subscribe(id, '>') }));
    for (const id of network.nodes.keys()) if (!survivors.includes(id)) network.crash(id);
    for (const [i, id] of survivors.entries()) network.publish(id, 'news', `n${i}`);
    network.run(2_000);
    expect(network.parts()).toEqual([12]);
    network.run(10_000);
    for (const { id, subscription } of subscriptions) {
      expect(texts(network.read(id, subscription)).sort()).toEqual(survivors.map((_, i) => `n${i}`).sort());
    }
    network.run(60_000);
    for (const id of survivors) expect(network.nodes.get(id)?.mesh.directory.size).toBe(12);
  });

  it('gives a late joiner what is still held', () => {
    const network = meshOf(6);
    network.publish('p1', 'a', 'before');
    network.run(1_000);
    network.add('late', 'p4');
    network.run(3_000);
    expect(texts(network.read('late', network.subscribe('late', 'a')))).toEqual(['before']);
    expect(network.nodes.get('late')?.events.some(({ kind }) => kind === 'caughtUp')).toBe(true);
  });

  it('asks every peer, completely', () => {
    const network = meshOf(12);
    network.publish('p0', 'warm', 'the tree forms');
    network.run(5_000);
    network.command('p5', { kind: 'query', queryId: 'p5/1', text: 'x', limit: 100, timeoutMs: 2_000 });
    network.run(3_000);
    const events = network.nodes.get('p5')?.events ?? [];
    expect(events.find(({ kind }) => kind === 'queryFinished')).toMatchObject({
      complete: true,
      reason: 'done',
      tally: { asked: 12, answered: 12, missing: 0 },
    });
    expect(events.flatMap((event) => (event.kind === 'queryHits' ? event.hits : []))).toHaveLength(12);
  });

  it('asks a part of itself within a budget, by walks and by rings, while a peer dies', () => {
    const network = meshOf(24);
    network.run(5_000);
    for (const strategy of ['walk', 'ring'] as const) {
      const query = { kind: 'query', queryId: `p5/${strategy}`, text: 'x', timeoutMs: 2_000, strategy } as const;
      network.command('p5', { ...query, limit: 5, budget: 40 });
      network.run(3_000);
      const events = network.nodes.get('p5')?.events ?? [];
      const finished = events.find((event) => event.kind === 'queryFinished' && event.queryId === query.queryId);
      expect(finished).toMatchObject({ strategy, budget: 40, reason: 'limit', complete: false });
      if (finished?.kind === 'queryFinished') expect(finished.tally.messages).toBeLessThanOrEqual(40);
      const hits = events.flatMap((event) =>
        event.kind === 'queryHits' && event.queryId === query.queryId ? event.hits : [],
      );
      expect(new Set(hits.map(({ peer }) => peer)).size).toBe(5);
    }
    // Everybody is asked, and the dead one is told of.
    const query = { kind: 'query', queryId: 'p5/all', text: 'x', timeoutMs: 2_000, strategy: 'ring' } as const;
    network.command('p5', { ...query, limit: 100, budget: 2_000 });
    network.crash('p11');
    network.run(3_000);
    const events = network.nodes.get('p5')?.events ?? [];
    const finished = events.find((event) => event.kind === 'queryFinished' && event.queryId === query.queryId);
    expect(finished).toMatchObject({ complete: false });
    const hits = events.flatMap((event) =>
      event.kind === 'queryHits' && event.queryId === query.queryId ? event.hits : [],
    );
    expect(new Set(hits.map(({ peer }) => peer)).size).toBeGreaterThanOrEqual(22);
  });

  it('leaves for good: nobody keeps it, nobody brings it back', () => {
    const network = meshOf(8);
    network.command('p2', { kind: 'leave' });
    network.run(1_000);
    network.crash('p2');
    network.run(60_000);
    for (const [id, { mesh }] of network.nodes) {
      if (id === 'p2') continue;
      expect(mesh.root.membership.isNeighbor('p2')).toBe(false);
      expect(mesh.directory.get('p2')).toBeUndefined();
      expect(mesh.directory.size).toBe(7);
    }
  });

  it('forgets who left although its farewell reached nobody, because all its neighbours say so', () => {
    const network = meshOf(8);
    network.run(10_000);
    const neighbors =
      network.nodes
        .get('p2')
        ?.mesh.root.membership.activeView()
        .map(({ id }) => id) ?? [];
    expect(neighbors.length).toBeGreaterThan(1);
    const message = { kind: 'disconnect', reason: 'leave', alternative: null } as const;
    for (const id of neighbors) network.say('p2', id, { area: 'membership', swarm: 0, message });
    network.run(100);
    network.crash('p2');
    network.run(15_000);
    for (const [id, { mesh }] of network.nodes) if (id !== 'p2') expect(mesh.directory.size, id).toBe(7);
  });

  it('takes no peer of its own mesh for a hint of another island', () => {
    const small = { activeCapacity: 3, highPrioritySlots: 1, passiveCapacity: 4 };
    const network = new Network(3, { hyparview: { ...defaultMeshConfig.hyparview, ...small } });
    for (let i = 0; i < 30; i++) {
      network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
      network.run(50);
    }
    network.run(30_000);
    const everybody = [...network.nodes.values()].map(({ info }) => info);
    const bridged = () =>
      [...network.nodes.values()].reduce((sum, { mesh }) => sum + mesh.root.membership.stats.bridged, 0);
    const before = bridged();
    for (let round = 0; round < 10; round++) {
      for (const id of network.nodes.keys()) network.command(id, { kind: 'contacts', peers: everybody });
      network.run(6_000);
    }
    expect(bridged()).toBe(before);
  });

  it('bridges to an island that it never heard of, as soon as discovery finds one peer of it', () => {
    const network = meshOf(10);
    for (let i = 0; i < 10; i++) {
      network.add(`q${i}`, i === 0 ? undefined : `q${i - 1}`);
      network.run(50);
    }
    network.run(3_000);
    expect(network.parts()).toEqual([10, 10]);
    const found = network.nodes.get('q4')?.info;
    if (found) network.command('p2', { kind: 'contacts', peers: [found] });
    network.run(10_000);
    expect(network.parts()).toEqual([20]);
    for (const { mesh } of network.nodes.values()) expect(mesh.directory.size).toBe(20);
  });

  it('measures itself with canaries that no subscriber sees', () => {
    const network = meshOf(8);
    const subscription = network.subscribe('p1', '>');
    network.run(120_000);
    const events = network.nodes.get('p1')?.events ?? [];
    const heard = events.filter((event) => event.kind === 'canary');
    expect(heard.length).toBeGreaterThan(10);
    expect(texts(network.read('p1', subscription))).toEqual([]);
    // They say that their peers are there: once all have been heard of, nobody announces itself again.
    const announced = (): number =>
      [...network.nodes.values()].reduce((sum, { mesh }) => sum + mesh.directory.stats.announced, 0);
    const before = announced();
    network.run(600_000);
    expect(announced()).toBe(before);
    for (const { mesh } of network.nodes.values()) expect(mesh.directory.size).toBe(8);
  });

  it('gets what its neighbours keep back from a member further away, and its report says so', () => {
    const network = meshOf(16);
    network.run(30_000);
    const victim = 'p5';
    const { mesh, events } = network.nodes.get(victim) as NonNullable<ReturnType<typeof network.nodes.get>>;
    const neighbors = mesh.root.membership.activeView().map(({ id }) => id);
    const publisher = [...network.nodes.keys()].find((id) => id !== victim && !neighbors.includes(id)) as string;
    // Everybody hears the publisher, and nobody passes on what it says.
    network.keepsBack = (from, { area, message }) =>
      area === 'broadcast' && message.kind === 'gossip' && message.stream === `${publisher}~1` && from !== publisher;
    const subscription = network.subscribe(victim, 'news');
    const published: string[] = [];
    for (let i = 0; i < 60; i++) {
      published.push(`n${i}`);
      network.publish(publisher, 'news', `n${i}`);
      network.run(5_000);
    }
    expect(texts(network.read(victim, subscription)).slice(0, 50)).toEqual(published.slice(0, 50));
    expect(events.find(({ kind }) => kind === 'bypass')).toEqual({ kind: 'bypass', isOn: true });
    expect(mesh.isBypassing).toBe(true);
    expect(mesh.completed(emptyReport).conditions).toEqual(['cacheUnwritten', 'neighborsBypassed']);
    expect(network.nodes.get(publisher)?.mesh.completed(emptyReport).passiveSize).toBeGreaterThan(0);
  });

  it('closes links that nobody needs', () => {
    const network = meshOf(30);
    network.run(120_000);
    // A shuffle's answer and a refused request each leave one behind for the linger time; without closing, all 29 stay.
    const nodes = [...network.nodes.values()];
    const links = nodes.reduce((sum, { mesh }) => sum + mesh.linkCount, 0);
    const neighbors = nodes.reduce((sum, { mesh }) => sum + mesh.root.membership.activeView().length, 0);
    expect(links).toBeLessThan(1.5 * neighbors);
  });
});

describe('a stream', () => {
  it('names its publisher and the life it belongs to', () => {
    const info = { id: 'abc', address: '', apiAddress: '', incarnation: 17, zone: '', name: '' };
    expect(parseStream(streamOf(info))).toEqual({ origin: 'abc', incarnation: 17 });
    expect(parseStream(`${streamOf(info)}!`)).toEqual({ origin: 'abc', incarnation: 17 });
    expect(parseStream(`${streamOf(info)}!!`)).toEqual({ origin: 'abc', incarnation: 17 });
    expect(parseStream('nonsense')).toEqual({ origin: 'nonsense', incarnation: 0 });
  });
});
