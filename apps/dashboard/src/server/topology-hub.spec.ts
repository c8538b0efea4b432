import type { ReportFacts } from '@starling/topology';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FeedEvent } from '../feed/feed-event.ts';
import type { PastPicture } from '../feed/past-picture.ts';
import { defaultTopologyHubConfig, type FeedViewer, TopologyHub, type UpstreamListener } from './topology-hub.ts';
import { TopologyPast } from './topology-past.ts';

const live = { phase: 'live', servedBy: 'a', address: 'a:1', tries: [], addresses: 1 } as const;

function report(id: string): ReportFacts {
  return {
    peer: {
      id,
      name: id,
      zone: '',
      linkAddress: '',
      apiAddress: `${id}:1`,
      incarnation: 1,
      state: 'ready',
      version: '',
    },
    links: [],
    deliveredPerSecond: 0,
    publishedPerSecond: 0,
    droppedPerSecond: 0,
    passiveViewSize: 0,
    documentCount: 0,
    heapBytes: 0,
    loopUtilization: 0,
    conditions: [],
    reportTime: 0,
  };
}

/** A hub whose upstream the spec plays. */
class Stage {
  listener: UpstreamListener | null = null;
  opened = 0;
  readonly hub: TopologyHub;

  constructor(config = defaultTopologyHubConfig, past = new TopologyPast()) {
    this.hub = new TopologyHub(
      (listener) => {
        this.opened++;
        this.listener = listener;
        return {
          stop: () => {
            this.listener = null;
          },
        };
      },
      config,
      past,
    );
  }

  snapshot(...ids: string[]): void {
    const snapshot = { reports: ids.map(report), silentPeers: [] };
    this.listener?.onMessage({ at: 1, known: ids.length, servedBy: 'a', snapshot, delta: null });
  }

  delta(id: string, at = 2): void {
    const delta = { reports: [report(id)], silentPeers: [], removedPeers: [] };
    this.listener?.onMessage({ at, known: 1, servedBy: 'a', snapshot: null, delta });
  }
}

function drain(viewer: FeedViewer): { events: FeedEvent[]; lastId: string } {
  const events: FeedEvent[] = [];
  let lastId = '';
  for (let next = viewer.read(); next !== null; next = viewer.read()) {
    events.push(JSON.parse(next.json) as FeedEvent);
    lastId = next.id;
  }
  return { events, lastId };
}

describe('the hub', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('watches the mesh from the first viewer on, once for all', () => {
    const stage = new Stage();
    expect(stage.hub.isWatching).toBe(false);
    stage.hub.view(null);
    stage.hub.view(null);
    expect([stage.hub.isWatching, stage.opened]).toEqual([true, 1]);
  });

  it('stops some time after the last viewer, and not for a reload', () => {
    const stage = new Stage();
    const viewer = stage.hub.view(null);
    viewer.close();
    viewer.close();
    vi.advanceTimersByTime(defaultTopologyHubConfig.graceMs - 1);
    const again = stage.hub.view(null);
    vi.advanceTimersByTime(defaultTopologyHubConfig.graceMs);
    expect(stage.hub.isWatching).toBe(true);
    again.close();
    vi.advanceTimersByTime(defaultTopologyHubConfig.graceMs);
    expect([stage.hub.isWatching, stage.listener]).toEqual([false, null]);
  });

  it('keeps pictures for the past once everybody had the time to report', async () => {
    const kept: number[] = [];
    const past = new TopologyPast();
    vi.spyOn(past, 'offer').mockImplementation(async (at, json) => {
      kept.push(at, (JSON.parse(json()) as PastPicture).snapshot.reports.length);
    });
    const stage = new Stage(defaultTopologyHubConfig, past);
    stage.hub.view(null);
    stage.snapshot('a', 'b');
    stage.delta('b', 5_000);
    expect(kept).toEqual([]);
    stage.delta('c', 5_001);
    expect(kept).toEqual([5_001, 3]);
  });

  it('tells a snapshot first and then what changes', () => {
    const stage = new Stage();
    const viewer = stage.hub.view(null);
    expect(drain(viewer).events).toMatchObject([{ kind: 'snapshot', at: 0 }]);
    stage.snapshot('a', 'b');
    stage.delta('c');
    expect(drain(viewer).events.map(({ kind }) => kind)).toEqual(['snapshot', 'delta']);
    expect(drain(stage.hub.view(null)).events).toMatchObject([
      { kind: 'snapshot', snapshot: { reports: { length: 3 } } },
    ]);
  });

  it('tells a viewer that comes late what changed before', () => {
    const stage = new Stage();
    stage.hub.view(null);
    stage.snapshot('a');
    stage.delta('b');
    expect(drain(stage.hub.view(null)).events).toMatchObject([
      { changes: expect.arrayContaining([expect.objectContaining({ kind: 'joined', peer: 'b' })]) },
    ]);
  });

  it('tells a viewer that comes late since when what is wrong is so', () => {
    const stage = new Stage();
    stage.hub.view(null);
    stage.snapshot('a');
    stage.delta('b');
    const [snapshot] = drain(stage.hub.view(null)).events;
    // A peer alone is well; of two without a link neither is.
    const health = ['a', 'b'].map((id) => [id, 'critical', 2]);
    expect(snapshot).toMatchObject({ since: { openedAt: 1, health } });
  });

  it('goes on after the last event that a browser saw', () => {
    const stage = new Stage();
    const viewer = stage.hub.view(null);
    stage.snapshot('a');
    const { lastId } = drain(viewer);
    stage.delta('b');
    stage.delta('c');
    expect(drain(stage.hub.view(lastId)).events.map(({ kind }) => kind)).toEqual(['delta', 'delta']);
  });

  it.each(['', 'other:1', 'garbage', ':', '\u0000'])('begins anew for a browser that comes with the id %o', (id) => {
    const stage = new Stage();
    stage.hub.view(null);
    stage.snapshot('a');
    expect(drain(stage.hub.view(id)).events).toMatchObject([{ kind: 'snapshot' }]);
  });

  it('gives a viewer that fell too far behind a snapshot instead of memory', () => {
    const stage = new Stage({ ...defaultTopologyHubConfig, eventsMax: 4 });
    const viewer = stage.hub.view(null);
    stage.snapshot('a');
    drain(viewer);
    for (let i = 0; i < 5; i++) stage.delta(`p${i}`);
    const { events } = drain(viewer);
    expect(events).toMatchObject([{ kind: 'snapshot', snapshot: { reports: { length: 6 } } }]);
  });

  it('bounds what it keeps in characters too', () => {
    const stage = new Stage({ ...defaultTopologyHubConfig, charactersMax: 600 });
    const viewer = stage.hub.view(null);
    stage.snapshot('a');
    drain(viewer);
    for (let i = 0; i < 3; i++) stage.delta(`p${i}`);
    expect(drain(viewer).events.map(({ kind }) => kind)).toEqual(['snapshot']);
  });

  it('tells the difference when another peer takes over the stream', () => {
    const stage = new Stage();
    const viewer = stage.hub.view(null);
    stage.snapshot('a', 'b', 'c');
    drain(viewer);
    stage.snapshot('a', 'c', 'd');
    expect(drain(viewer).events).toMatchObject([
      { kind: 'delta', delta: { removedPeers: [{ id: 'b', reason: 'expired' }] } },
    ]);
  });

  it('adds up the mesh every second, as long as a peer streams', () => {
    const stage = new Stage();
    const viewer = stage.hub.view(null);
    stage.snapshot('a');
    stage.listener?.onStatus(live);
    drain(viewer);
    vi.advanceTimersByTime(2_000);
    expect(drain(viewer).events.map(({ kind }) => kind)).toEqual(['totals', 'totals']);
    stage.listener?.onStatus({ ...live, phase: 'lost' });
    vi.advanceTimersByTime(2_000);
    expect(drain(viewer).events.map(({ kind }) => kind)).toEqual(['status']);
    expect(drain(stage.hub.view(null)).events).toMatchObject([{ history: { length: 2 } }]);
  });

  it('wakes a viewer that waits, or says that nothing came', async () => {
    const stage = new Stage();
    const viewer = stage.hub.view(null);
    const woken = viewer.changed(1_000);
    stage.snapshot('a');
    expect(await woken).toBe(true);
    const waited = viewer.changed(1_000);
    vi.advanceTimersByTime(1_000);
    expect(await waited).toBe(false);
  });

  it('knows where a peer takes clients, and nothing of strangers', () => {
    const stage = new Stage();
    stage.hub.view(null);
    stage.snapshot('a');
    expect([stage.hub.apiAddressOf('a'), stage.hub.apiAddressOf('127.0.0.1:22')]).toEqual(['a:1', null]);
  });
});
