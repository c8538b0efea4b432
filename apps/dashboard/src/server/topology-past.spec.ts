import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defaultTopologyPastConfig, TopologyPast } from './topology-past.ts';

const config = { frameIntervalMs: 5_000, spanMs: 60_000, framesMax: 8, bytesMax: 1_000_000 };
const read = (packed: Buffer | undefined): string => (packed === undefined ? '' : gunzipSync(packed).toString());

describe('the past of the mesh', () => {
  it('has a frame every few seconds, and finds the one of a time', async () => {
    const past = new TopologyPast(config, () => 0);
    for (let at = 0; at <= 20_000; at += 1_000) await past.offer(at, () => `"${at}"`);
    expect(past.times()).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
    expect(read(past.frameAt(12_000)?.packed)).toBe('"10000"');
    expect(past.frameAt(99_000)?.at).toBe(20_000);
    expect(past.frameAt(-1)?.at).toBe(0);
    expect(new TopologyPast(config).frameAt(0)).toBeNull();
  });

  it('does not even write what it does not keep', async () => {
    const past = new TopologyPast(config, () => 0);
    await past.offer(1_000, () => '1');
    await past.offer(2_000, () => {
      throw new Error('not wanted');
    });
    // A peer whose clock is behind serves now.
    await past.offer(500, () => {
      throw new Error('not wanted');
    });
    expect(past.times()).toEqual([1_000]);
  });

  it('forgets what is too old, also when nothing comes after it', async () => {
    let now = 0;
    const past = new TopologyPast(config, () => now);
    await past.offer(0, () => '0');
    now = 30_000;
    await past.offer(30_000, () => '1');
    now = 70_000;
    expect(past.times()).toEqual([30_000]);
    now = 100_000;
    expect(past.times()).toEqual([]);
    expect(past.bytes).toBe(0);
  });

  it('is bounded in number and in bytes, and forgets the oldest first', async () => {
    const many = new TopologyPast(config, () => 0);
    for (let i = 0; i < 20; i++) await many.offer(i * 5_000, () => String(i));
    expect(many.times()).toEqual([60, 65, 70, 75, 80, 85, 90, 95].map((seconds) => seconds * 1_000));
    const small = new TopologyPast({ ...config, bytesMax: 100 }, () => 0);
    for (let i = 0; i < 20; i++) await small.offer(i * 5_000, () => String(i));
    expect(small.bytes).toBeLessThanOrEqual(100);
    expect(small.times().at(-1)).toBe(95_000);
    expect(small.times().length).toBeGreaterThan(1);
  });

  it('holds as many frames as its span has', () => {
    const { framesMax, spanMs, frameIntervalMs } = defaultTopologyPastConfig;
    expect(framesMax).toBe(spanMs / frameIntervalMs);
  });
});
