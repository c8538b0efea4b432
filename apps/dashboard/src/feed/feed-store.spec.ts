import type { PeerFacts, TopologyDelta } from '@starling/topology';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FeedEvent } from './feed-event.ts';
import { FeedStore } from './feed-store.ts';

const status = { phase: 'live', servedBy: 'a', address: 'a:1', tries: [], addresses: 1 } as const;

function silent(...ids: readonly string[]): TopologyDelta {
  const facts = { zone: '', linkAddress: '', apiAddress: '', incarnation: 1, state: 'ready', version: '' } as const;
  return { reports: [], silentPeers: ids.map((id): PeerFacts => ({ ...facts, id, name: id })), removedPeers: [] };
}

describe('the feed in a browser', () => {
  let source: { onmessage: (message: { data: string; lastEventId: string }) => void; close: () => void };
  let frames: (() => void)[];
  let store: FeedStore;
  let renders: number;
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    frames = [];
    renders = 0;
    vi.stubGlobal('document', { hidden: false, addEventListener: vi.fn(), removeEventListener: vi.fn() });
    vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame));
    vi.stubGlobal(
      'EventSource',
      class {
        onmessage = (): void => undefined;
        close = (): void => undefined;
        constructor() {
          source = this;
        }
      },
    );
    store = new FeedStore();
    store.subscribe(() => renders++);
    stop = store.start();
  });

  afterEach(() => {
    stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const say = (event: FeedEvent): void => source.onmessage({ data: JSON.stringify(event), lastEventId: 'x:1' });
  const snapshot = (): void =>
    say({ kind: 'snapshot', at: 1, known: 1, snapshot: silent('a'), status, history: [], changes: [] });
  const joins = (at: number, id: string): void => say({ kind: 'delta', at, known: at, delta: silent(id) });
  const draw = (): void => {
    for (const frame of frames.splice(0)) frame();
  };

  it('takes over what came since the last render at once', () => {
    snapshot();
    vi.advanceTimersByTime(120);
    expect([renders, store.state().picture.peers.size]).toEqual([1, 1]);
    const { revision } = store.state();
    for (const [i, id] of ['b', 'c', 'd'].entries()) joins(i + 2, id);
    expect(store.state().picture.peers.size).toBe(1);
    vi.advanceTimersByTime(120);
    expect([renders, store.state().picture.peers.size]).toEqual([2, 4]);
    expect(store.state().revision).toBe(revision + 1);
  });

  it('does not let a hidden tab, which renders seldom, gather for ever', () => {
    snapshot();
    for (let i = 0; i < 63; i++) joins(i + 2, `p${i}`);
    expect(store.state().picture.peers.size).toBe(1);
    joins(99, 'one more');
    expect(store.state().picture.peers.size).toBe(65);
    expect(renders).toBe(0);
  });

  it('leaves the page to its viewer for twice the time that a render took', () => {
    snapshot();
    vi.advanceTimersByTime(120);
    // The browser has drawn it 300 ms later.
    draw();
    vi.advanceTimersByTime(300);
    draw();
    joins(2, 'b');
    vi.advanceTimersByTime(590);
    expect(renders).toBe(1);
    vi.advanceTimersByTime(20);
    expect(renders).toBe(2);
  });

  it('but for no longer than 2 s', () => {
    snapshot();
    vi.advanceTimersByTime(120);
    draw();
    vi.advanceTimersByTime(9_000);
    draw();
    joins(2, 'b');
    vi.advanceTimersByTime(2_001);
    expect(renders).toBe(2);
  });

  it('has the same picture whatever says nothing of it', () => {
    snapshot();
    vi.advanceTimersByTime(120);
    const { revision } = store.state();
    say({ kind: 'status', status: { ...status, phase: 'lost' } });
    vi.advanceTimersByTime(120);
    expect(renders).toBe(2);
    expect(store.state().status?.phase).toBe('lost');
    expect(store.state().revision).toBe(revision);
  });
});
