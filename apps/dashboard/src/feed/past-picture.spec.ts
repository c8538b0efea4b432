import { gzipSync } from 'node:zlib';
import { findingsOf, MeshPicture, type ReportFacts } from '@starling/topology';
import { describe, expect, it } from 'vitest';
import { differenceOf, pictureThen, unpacked } from './past-picture.ts';

const report = (id: string, links: readonly string[], droppedPerSecond = 0): ReportFacts => ({
  peer: {
    ...{ id, name: id.toUpperCase(), zone: '', linkAddress: '', apiAddress: '', incarnation: 1, state: 'ready' },
    version: '1',
  },
  links: links.map((peerId) => ({
    ...{ peerId, role: 'eager', rttMs: 1, messagesInPerSecond: 0, messagesOutPerSecond: 0 },
    ...{ bytesInPerSecond: 0, bytesOutPerSecond: 0, duplicatesPerSecond: 0 },
  })),
  ...{ deliveredPerSecond: 0, publishedPerSecond: 0, droppedPerSecond, passiveViewSize: 0, documentCount: 0 },
  ...{ heapBytes: 0, loopUtilization: 1, conditions: [], reportTime: 99_000 },
});

describe('a picture of the past', () => {
  const past = {
    at: 100_000,
    known: 2,
    snapshot: { reports: [report('a', ['b'], 3), report('b', ['a'])], silentPeers: [] },
  };

  it('has what was wrong then, and nothing that a single report cannot prove', () => {
    const picture = pictureThen(past, []);
    expect(picture.now).toBe(100_000);
    expect(findingsOf(picture).map(({ kind }) => kind)).toEqual(['dropping']);
    expect(picture.peers.get('b')?.verdict.health).toBe('healthy');
  });

  it('is read as the server packs it', async () => {
    expect(await unpacked(new Response(gzipSync(JSON.stringify(past))))).toEqual(past);
    await expect(unpacked(new Response('{}', { status: 404 }))).rejects.toThrow();
  });

  it('knows the changes until then, and none of later', () => {
    const change = { kind: 'joined', peer: 'a', name: 'A' } as const;
    const changes = [
      { ...change, at: 100_001, number: 2 },
      { ...change, at: 100_000, number: 1 },
    ];
    expect(pictureThen(past, changes).changes.map(({ number }) => number)).toEqual([1]);
  });

  it('says who came and who went since', () => {
    const now = new MeshPicture();
    now.reset(200_000, { reports: [report('b', ['c']), report('c', ['b'])], silentPeers: [] });
    expect(differenceOf(pictureThen(past, []), now)).toEqual({ came: ['C'], went: ['A'] });
  });
});
