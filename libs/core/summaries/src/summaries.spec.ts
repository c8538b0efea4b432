import { encodeAscending, hashTerm, SharedTermSet, TermSet } from '@starling/digest';
import { describe, expect, it } from 'vitest';
import { info, SmallMesh } from './small-mesh.test-support.ts';

const words = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Three peers in a row. */
function threePeers(config = {}): SmallMesh {
  const mesh = new SmallMesh(config);
  mesh.add('a', ['owl', 'bird']);
  mesh.add('b', ['starling', 'bird'], ['a']);
  mesh.add('c', [], ['b']);
  return mesh;
}

describe('summaries', () => {
  it('tell every peer who may hold what', () => {
    const mesh = threePeers();
    mesh.run(3_000);
    for (const id of ['a', 'b', 'c']) {
      expect(mesh.holders(id, 'bird')).toEqual(['a', 'b']);
      expect(mesh.holders(id, 'bird', 'owl')).toEqual(['a']);
      expect(mesh.holders(id, 'stork')).toEqual([]);
    }
    expect(mesh.peers.get('c')?.core.covered).toBe(3);
    expect(mesh.violations).toEqual([]);
  });

  it('are fresh within the promise after a put, many puts making one delta', () => {
    const mesh = threePeers();
    mesh.run(10_000);
    const sent = mesh.peers.get('a')?.core.stats.deltasSent as number;
    for (let i = 0; i < 20; i++) {
      mesh.put('a', `new${i}`);
      mesh.run(20);
    }
    mesh.run(4_600);
    for (let i = 0; i < 20; i++) expect(mesh.holders('c', `new${i}`)).toEqual(['a']);
    expect((mesh.peers.get('a')?.core.stats.deltasSent as number) - sent).toBe(1);
  });

  it('forget terms that are gone and peers that went', () => {
    const mesh = threePeers();
    mesh.run(3_000);
    mesh.peers.get('a')?.terms.delete('bird');
    mesh.command('a', { kind: 'changed' });
    mesh.run(3_000);
    expect(mesh.holders('c', 'bird')).toEqual(['b']);
    mesh.remove('b');
    expect(mesh.holders('c', 'bird')).toEqual([]);
    expect(mesh.peers.get('c')?.core.covered).toBe(2);
  });

  it('cost an idle mesh a digest of one hash now and then, and nothing else', () => {
    const mesh = threePeers();
    mesh.run(5_000);
    mesh.messages = [];
    mesh.run(600_000);
    expect(mesh.messages.length).toBeLessThanOrEqual(3 * 20);
    expect(mesh.messages.length).toBeGreaterThanOrEqual(3 * 6);
    for (const message of mesh.messages) {
      expect(message.kind === 'summaryDigest' && message.hashes.length).toBe(1);
    }
  });

  it('come to a joiner from its neighbours, a bounded page at a time', () => {
    const mesh = new SmallMesh({ fetchBytesPerSecond: 50_000, answerBytesMax: 4_000 });
    mesh.add('a', ['first']);
    for (let i = 0; i < 60; i++) mesh.add(`peer${i}`, words(`own${i}-`, 100));
    for (let i = 0; i < 60; i++) mesh.link('a', `peer${i}`);
    mesh.run(60_000);
    mesh.broadcastDelayMs = () => null;
    mesh.messages = [];
    const begun = mesh.now;
    const { core } = mesh.add('z', [], ['a', 'peer7']);
    while (core.covered < 62 && mesh.now - begun < 60_000) mesh.run(50);
    // 60 × about 340 bytes at 50,000 a second.
    expect(core.covered).toBe(62);
    expect(mesh.now - begun).toBeGreaterThan(250);
    expect(mesh.now - begun).toBeLessThan(5_000);
    expect(mesh.holders('z', 'own42-7')).toEqual(['peer42']);
    expect(core.catchUpStats.recordsFetched).toBe(61);
    for (const message of mesh.messages) {
      if (message.kind !== 'summaryRecords') continue;
      expect(message.records.reduce((sum, { terms }) => sum + terms.length, 0)).toBeLessThan(4_000 + 300);
    }
  });

  it('that broadcast lost are fetched: what a later delta follows', () => {
    const mesh = threePeers();
    mesh.run(5_000);
    mesh.broadcastDelayMs = (to) => (to === 'c' ? null : 20);
    mesh.put('a', 'lost');
    mesh.run(3_000);
    expect(mesh.holders('c', 'lost')).toEqual([]);
    mesh.broadcastDelayMs = () => 20;
    mesh.put('a', 'next');
    mesh.run(5_000);
    expect(mesh.holders('c', 'lost', 'next')).toEqual(['a']);
    expect(mesh.peers.get('c')?.core.stale).toBe(0);
  });

  it('that broadcast lost for good are found by a later comparison', () => {
    const mesh = threePeers();
    mesh.run(5_000);
    mesh.broadcastDelayMs = (to) => (to === 'c' ? null : 20);
    mesh.put('a', 'lost');
    mesh.run(200_000);
    expect(mesh.holders('c', 'lost')).toEqual(['a']);
  });

  it('that come in the wrong order are put in order, without a fetch', () => {
    const mesh = threePeers();
    mesh.run(5_000);
    const { core } = mesh.peers.get('c') as { core: { catchUpStats: { fetchesSent: number } } };
    const before = core.catchUpStats.fetchesSent;
    let delay = 2_800;
    mesh.broadcastDelayMs = (to) => (to === 'c' ? delay : 20);
    mesh.put('a', 'one');
    mesh.run(2_500);
    delay = 20;
    mesh.put('a', 'two');
    mesh.run(5_000);
    expect(mesh.holders('c', 'one', 'two')).toEqual(['a']);
    expect(core.catchUpStats.fetchesSent).toBe(before);
  });

  it('of a new life under an old id replace those of the old one, whose clock was ahead', () => {
    const mesh = new SmallMesh();
    mesh.add('a', ['old'], [], 1_000);
    mesh.add('b', [], ['a']);
    mesh.add('c', [], ['b']);
    mesh.run(5_000);
    for (const [id, incarnation] of [
      ['a', 2_000],
      ['a', 500],
    ] as const) {
      // It went and came back before the directory listed it as gone.
      mesh.peers.get('b')?.neighbors.delete(id);
      mesh.command('b', { kind: 'neighborDown', peer: id });
      mesh.peers.delete(id);
      mesh.add(id, [`life${incarnation}`], ['b'], incarnation);
      mesh.run(10_000);
      expect(mesh.holders('c', 'old')).toEqual([]);
      expect(mesh.holders('c', `life${incarnation}`)).toEqual(['a']);
    }
  });

  it('of a peer with too many terms say that it may hold anything', () => {
    const mesh = threePeers({ termsMax: 50 });
    mesh.run(3_000);
    mesh.put('a', ...words('many', 60));
    mesh.run(5_000);
    expect(mesh.holders('c', 'stork')).toEqual(['a']);
    // It says nothing of how common a word is.
    expect(mesh.peers.get('c')?.core.holders([[]])).toMatchObject({ unknown: ['a'] });
    for (const word of words('many', 60)) mesh.peers.get('a')?.terms.delete(word);
    mesh.command('a', { kind: 'changed' });
    mesh.run(5_000);
    expect(mesh.holders('c', 'stork')).toEqual([]);
    expect(mesh.holders('c', 'owl')).toEqual(['a']);
  });

  it('of a peer that grew from nothing are as exact as any', () => {
    const mesh = new SmallMesh();
    mesh.add('a', []);
    mesh.add('b', [], ['a']);
    mesh.run(5_000);
    mesh.put('a', ...words('grown', 3_000));
    mesh.run(5_000);
    expect(words('absent', 20_000).filter((word) => mesh.peers.get('b')?.core.hasTerm('a', word))).toEqual([]);
    expect(words('grown', 3_000).every((word) => mesh.peers.get('b')?.core.hasTerm('a', word))).toBe(true);
  });

  it('have a budget of terms that depends on how many peers share the memory', () => {
    const mesh = threePeers({ bytesMax: 6_000, bitsPerTerm: 10, falseShareMax: 1 });
    mesh.put('a', ...words('many', 1_000));
    mesh.run(5_000);
    expect(mesh.peers.get('a')?.core.termsBudget).toBe(1_600);
    expect(mesh.holders('c', 'stork')).toEqual([]);
    for (let i = 0; i < 3; i++) mesh.add(`peer${i}`, [], ['a']);
    mesh.run(5_000);
    expect(mesh.peers.get('a')?.core.termsBudget).toBe(800);
    expect(mesh.holders('c', 'stork')).toEqual(['a']);
    for (let i = 0; i < 3; i++) mesh.remove(`peer${i}`);
    for (const id of mesh.peers.keys()) mesh.command(id, { kind: 'meshSize', peers: mesh.peers.size });
    mesh.run(5_000);
    expect(mesh.holders('c', 'stork')).toEqual([]);
    expect(mesh.holders('c', 'many7')).toEqual(['a']);
  });

  it('come unfolded as far as several peers have the same words, though the neighbour has folded the others', () => {
    const mesh = new SmallMesh({ bytesMax: 2 ** 18, falseShareMax: 1 });
    const members = Array.from({ length: 170 }, (_, i) => `m${i}`);
    // 400 words that all have, and 300 of one's own.
    const common = words('common', 400);
    const terms = (id: string) =>
      Uint32Array.from([...common, ...words(id, 300)], (word) => hashTerm(word).high).sort();
    const meet = (id: string) => {
      for (const member of members) mesh.command(id, { kind: 'memberUp', info: info(member) });
    };
    mesh.add('a', []);
    meet('a');
    for (const from of members) {
      const added = encodeAscending(terms(from), 32);
      const delta = { version: 1, base: 0, added, removed: new Uint8Array(0), documents: 1, words: 1, mayHold: false };
      mesh.command('a', { kind: 'delta', from, delta });
    }
    mesh.add('b', [], ['a']);
    meet('b');
    mesh.run(60_000);
    const held = (id: string, member: string) => mesh.peers.get(id)?.core.summaryOf(member)?.terms;
    expect(mesh.violations).toEqual([]);
    let unfolded = 0;
    for (const member of members) {
      const [there, here] = [held('a', member), held('b', member)];
      for (const word of [...common, ...words(member, 300)]) expect(here?.has(hashTerm(word))).toBe(true);
      if (there?.width === 32 || !(there instanceof SharedTermSet) || there.commonCount < 400) continue;
      // What all have is known exactly though the others of its words are not.
      expect(here instanceof SharedTermSet && here.commonCount).toBe(there.commonCount);
      unfolded++;
    }
    expect(unfolded).toBeGreaterThan(100);
    // Who says that words are known exactly which are not among those it tells.
    mesh.command('b', { kind: 'memberUp', info: info('liar') });
    const record = { id: 'liar', version: 1, documents: 1, words: 1, mayHold: false };
    const lie = {
      ...record,
      terms: TermSet.of(Uint32Array.of(5), 20).toBytes(),
      exact: TermSet.of(Uint32Array.of(9), 20).toBytes(),
    };
    mesh.violations = [];
    mesh.say('a', 'b', {
      kind: 'summaryVersions',
      bucketCount: 1,
      buckets: [0],
      entries: [{ id: 'liar', version: 1 }],
      reply: false,
    });
    mesh.say('a', 'b', { kind: 'summaryRecords', records: [lie] });
    expect(mesh.violations).toHaveLength(1);
  });

  it('get less exact to fit in memory, and are given up when that no longer helps', () => {
    const counts = { bytesMax: 12_000, falseShareMax: 0.05 };
    const mesh = new SmallMesh(counts);
    mesh.add('a', []);
    for (let i = 0; i < 8; i++) mesh.add(`peer${i}`, words(`own${i}-`, 500), ['a']);
    mesh.run(10_000);
    const { core } = mesh.peers.get('a') as { core: { bytes: number; covered: number; off: string | null } };
    expect([core.covered, core.off]).toEqual([9, null]);
    expect(core.bytes).toBeLessThanOrEqual(12_000);
    expect(core.bytes).toBeGreaterThan(10_000);
    for (let i = 0; i < 8; i++) expect(mesh.holders('a', `own${i}-3`)).toContain(`peer${i}`);
    for (let i = 8; i < 26; i++) mesh.add(`peer${i}`, words(`own${i}-`, 500), ['a']);
    mesh.run(10_000);
    expect(mesh.switched).toContain('a: memory');
    expect([core.off, core.bytes, mesh.holders('a', 'own3-3')]).toEqual(['memory', 0, null]);
  });

  it('are held by nobody in a mesh that is too large, and again when it shrinks', () => {
    const mesh = threePeers({ peersMax: 9 });
    for (let i = 0; i < 7; i++) mesh.add(`peer${i}`, [`own${i}`], ['a']);
    mesh.run(10_000);
    expect(mesh.holders('a', 'own3')).toBeNull();
    expect(new Set(mesh.switched.filter((line) => !line.endsWith('on'))).size).toBe(10);
    for (const id of ['peer4', 'peer5', 'peer6']) mesh.remove(id);
    for (const id of mesh.peers.keys()) mesh.command(id, { kind: 'meshSize', peers: mesh.peers.size });
    mesh.run(30_000);
    expect(mesh.holders('c', 'own3')).toEqual(['peer3']);
    expect(mesh.holders('c', 'bird')).toEqual(['a', 'b']);
  });

  it('name the members of whom nothing is known', () => {
    const mesh = threePeers();
    mesh.run(3_000);
    mesh.command('c', { kind: 'memberUp', info: info('old-version') });
    expect(mesh.peers.get('c')?.core.holders([[]])?.unknown).toEqual(['old-version']);
  });

  it('are not taken from a neighbour that breaks the rules', () => {
    const mesh = threePeers();
    mesh.run(3_000);
    const { core } = mesh.peers.get('c') as { core: { covered: number } };
    const bad = [
      { kind: 'summaryDigest', hashes: [] },
      { kind: 'summaryDigest', hashes: [1, 2, 3] },
      { kind: 'summaryVersions', bucketCount: 4, buckets: [4], entries: [], reply: true },
      { kind: 'summaryVersions', bucketCount: 3, buckets: [], entries: [], reply: true },
      { kind: 'summaryVersions', bucketCount: 1, buckets: [0], entries: [{ id: 'a', version: -1 }], reply: true },
      { kind: 'summaryFetch', ids: [] },
      { kind: 'summaryFetch', ids: words('x', 65) },
      {
        kind: 'summaryRecords',
        records: [{ id: 'a', version: 9, terms: new Uint8Array(), documents: 1, words: 1, mayHold: true }],
      },
    ] as const;
    for (const message of bad) mesh.say('b', 'c', message);
    const delta = { version: 99, base: 0, removed: new Uint8Array(), documents: 1, words: 1, mayHold: false };
    const added = encodeAscending(Uint32Array.of(1, 2), 32);
    mesh.command('c', { kind: 'delta', from: 'a', delta: { ...delta, added: added.subarray(1) } });
    mesh.command('c', { kind: 'delta', from: 'a', delta: { ...delta, added, base: 99 } });
    mesh.command('c', { kind: 'delta', from: 'a', delta: { ...delta, added, documents: -1 } });
    expect(mesh.violations.length).toBe(bad.length + 3);
    expect(core.covered).toBe(3);
    expect(mesh.holders('c', 'owl')).toEqual(['a']);
  });

  it('promised by a neighbour and not given are asked for a few times only', () => {
    const mesh = threePeers();
    mesh.run(3_000);
    mesh.messages = [];
    const promise = { id: 'a', version: 10 ** 9 };
    mesh.say('b', 'c', { kind: 'summaryVersions', bucketCount: 1, buckets: [0], entries: [promise], reply: false });
    mesh.run(30_000);
    expect(mesh.messages.filter(({ kind }) => kind === 'summaryFetch').length).toBeLessThanOrEqual(3);
    expect(mesh.peers.get('c')?.core.stale).toBe(0);
  });
});
