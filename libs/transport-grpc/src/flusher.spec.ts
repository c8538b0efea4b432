import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Flusher } from './flusher.ts';
import type { Link } from './link.ts';

const config = { promptFlushesPerSecond: 250, gatherMs: 4 };
/** The bucket's size: flushes that are prompt whatever came before. */
const burst = 25;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A link that notes when it was flushed. */
function linkOf(hasFullFrame = false): Link & { readonly flushedAt: number[] } {
  const flushedAt: number[] = [];
  const link = { flushedAt, hasFullFrame, flush: () => void flushedAt.push(performance.now()) };
  return link as unknown as Link & { readonly flushedAt: number[] };
}

/** Something is queued every `everyMs` for `count` times; the waits until it left. */
function trafficOf(flusher: Flusher, link: ReturnType<typeof linkOf>, count: number, everyMs: number): number[] {
  const waits: number[] = [];
  for (let n = 0; n < count; n++) {
    const at = performance.now();
    flusher.soon(link);
    const before = link.flushedAt.length;
    vi.advanceTimersByTime(everyMs);
    if (link.flushedAt.length > before) waits.push((link.flushedAt[before] as number) - at);
  }
  return waits;
}

describe('flushing', () => {
  it('is in the same turn for what comes now and then', () => {
    const link = linkOf();
    const waits = trafficOf(new Flusher(config), link, 200, 5);
    expect(link.flushedAt).toHaveLength(200);
    expect(Math.max(...waits)).toBe(0);
  });

  it('is once for all that is queued in one turn', () => {
    const flusher = new Flusher(config);
    const [one, other] = [linkOf(), linkOf()];
    for (let n = 0; n < 10; n++) {
      flusher.soon(one);
      flusher.soon(other);
    }
    vi.advanceTimersByTime(0);
    expect([one.flushedAt.length, other.flushedAt.length]).toEqual([1, 1]);
  });

  it('is held apart when flushes follow each other fast, and no longer than that', () => {
    const link = linkOf();
    const waits = trafficOf(new Flusher(config), link, 2_000, 0.5);
    // A second of it: the burst at once, then one in 4 ms.
    expect(link.flushedAt.length).toBeGreaterThan(burst + 200);
    expect(link.flushedAt.length).toBeLessThan(2 * burst + 1_000 / config.gatherMs + 10);
    expect(Math.max(...waits)).toBeLessThanOrEqual(config.gatherMs);
  });

  it('waits for nothing once a frame is full', () => {
    const flusher = new Flusher(config);
    trafficOf(flusher, linkOf(), 200, 0.5);
    const full = linkOf(true);
    const waits = trafficOf(flusher, full, 100, 0.5);
    expect(full.flushedAt).toHaveLength(100);
    expect(Math.max(...waits)).toBeLessThan(1);
  });

  it('is prompt again after a calm moment', () => {
    const flusher = new Flusher(config);
    const link = linkOf();
    trafficOf(flusher, link, 1_000, 0.5);
    vi.advanceTimersByTime(100);
    expect(trafficOf(flusher, link, 10, 5)).toEqual(Array.from({ length: 10 }, () => 0));
  });

  it('forgets a link that has ended', () => {
    const flusher = new Flusher(config);
    const link = linkOf();
    flusher.soon(link);
    flusher.forget(link);
    vi.advanceTimersByTime(10);
    expect(link.flushedAt).toEqual([]);
  });
});
