import type { PeerReport } from '@starling/core-observe';
import type { PeerInfo } from '@starling/kernel';
import type { MeshCommand, MeshEvent } from '@starling/mesh';
import { describe, expect, it, vi } from 'vitest';
import { type TopologyChange, TopologyFeed } from './topology-feed.ts';

const config = { coalesceMs: 20, heartbeatMs: 40, historyMax: 3, changesMax: 4 };

function infoOf(id: string): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id };
}

function reportOf(id: string, number = 1): PeerReport {
  return {
    info: infoOf(id),
    number,
    state: 'ready',
    links: [],
    deliveredPerSecond: 0,
    publishedPerSecond: 0,
    droppedPerSecond: 0,
    passiveSize: 0,
    documents: 0,
    heapBytes: 0,
    loopUtilization: 0,
    conditions: [],
  };
}

function setUp() {
  const members = new Map<string, PeerInfo>([['a', infoOf('a')]]);
  const commands: MeshCommand[] = [];
  let listener: (event: MeshEvent) => void = () => {};
  const feed = new TopologyFeed(
    config,
    {
      now: () => performance.now(),
      command: (command) => void commands.push(command),
      on: (given) => {
        listener = given;
        return () => {};
      },
    },
    () => members.values(),
  );
  return { feed, members, commands, say: (event: MeshEvent) => listener(event) };
}

describe('topology feed', () => {
  it('lets the mesh report only while somebody watches', () => {
    const { feed, commands } = setUp();
    const first = feed.watch(() => {});
    const second = feed.watch(() => {});
    first();
    first();
    expect(commands).toEqual([{ kind: 'watchTopology', active: true }]);
    second();
    expect(commands.at(-1)).toEqual({ kind: 'watchTopology', active: false });
  });

  it('gives a snapshot with who is silent, then deltas numbered without holes', async () => {
    const { feed, members, say } = setUp();
    const start = feed.snapshot();
    expect(start).toMatchObject({ reports: [], silent: [{ id: 'a' }], heard: 0, known: 1 });
    const changes: TopologyChange[] = [];
    const stop = feed.watch(() => changes.push(...(feed.after(feed.version - 1) ?? [])));
    say({ kind: 'reportChanged', id: 'a', report: reportOf('a') });
    members.set('b', infoOf('b'));
    say({ kind: 'memberUp', info: infoOf('b') });
    await vi.waitFor(() => expect(changes).not.toHaveLength(0));
    expect(changes[0]).toMatchObject({
      version: start.version + 1,
      reports: [{ report: { info: { id: 'a' } } }],
      silent: [{ id: 'b' }],
      removed: [],
      heard: 1,
      known: 2,
    });
    members.delete('a');
    say({ kind: 'memberDown', info: infoOf('a'), state: 'dead' });
    const isTold = (): boolean => changes.some(({ removed }) => removed[0]?.id === 'a' && removed[0].reason === 'dead');
    await vi.waitFor(() => expect(isTold()).toBe(true));
    stop();
    expect(changes.map(({ version }) => version)).toEqual(changes.map((_, i) => start.version + 1 + i));
  });

  it('tells of a ban: the banned peer is silent from then on, whatever it reported before', async () => {
    const { feed, members, say } = setUp();
    members.set('b', infoOf('b'));
    say({ kind: 'reportChanged', id: 'b', report: reportOf('b') });
    const stop = feed.watch(() => {});
    await vi.waitFor(() => expect(feed.version).toBeGreaterThan(0));
    const before = feed.version;
    const ban = { subject: 'b', number: 1, issuedAt: 0, bannedUntil: 1, expiresAt: 1, reason: '', by: '' };
    say({ kind: 'banned', ban });
    await vi.waitFor(() =>
      expect((feed.after(before) ?? []).flatMap(({ silent }) => silent.map(({ id }) => id))).toContain('b'),
    );
    expect(feed.report('b')).toBeUndefined();
    stop();
  });

  it('says that it is alive when nothing changes', async () => {
    const { feed } = setUp();
    let heard = 0;
    const stop = feed.watch(() => heard++);
    await vi.waitFor(() => expect(heard).toBeGreaterThanOrEqual(2));
    expect(feed.after(feed.version - 1)).toMatchObject([{ reports: [], silent: [], removed: [] }]);
    stop();
  });

  it('answers null for what it does not keep: too old, from the future, or from a time when too much changed', async () => {
    const { feed, say } = setUp();
    const stop = feed.watch(() => {});
    await vi.waitFor(() => expect(feed.version).toBeGreaterThan(5));
    stop();
    const { version } = feed;
    expect(feed.after(1)).toBeNull();
    expect(feed.after(version + 1)).toBeNull();
    expect(feed.after(version)).toEqual([]);
    for (const id of ['p', 'q', 'r', 's', 't']) say({ kind: 'memberUp', info: infoOf(id) });
    expect(feed.after(version)).toBeNull();
  });
});
