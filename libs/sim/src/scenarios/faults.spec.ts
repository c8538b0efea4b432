import { describe, expect, it } from 'vitest';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { faultKinds } from '../faults/fault.ts';
import { replayCommand, runScenario } from '../runner.ts';
import { planOf } from './faults.ts';
import { MeshHarness, meshOf } from './mesh.ts';

describe('faults', () => {
  it('goes through every class within as many seeds as there are classes', () => {
    const first = faultKinds.map((_, seed) => planOf(100, seed + 1)[0]?.kind);
    expect(new Set(first)).toEqual(new Set(faultKinds));
  });

  it('draws the same plan for the same seed, and keeps only the faults asked for', () => {
    const plan = planOf(100, 7);
    expect(planOf(100, 7)).toEqual(plan);
    expect(planOf(100, 7, [0])).toEqual(plan.slice(0, 1));
    expect(planOf(100, 7, [])).toEqual([]);
  });

  it('breaks no invariant of the whole mesh, whatever the class', () => {
    const report = runScenario('faults', { isReduced: true });
    expect(report.failures).toEqual([]);
  }, 120_000);

  it('says how to replay a seed', () => {
    expect(replayCommand('faults', 100, 123)).toBe('npx starling sim faults --seed 123 --peers 100');
  });
});

describe('the harness sees what goes wrong', () => {
  it('delivers every message to every subscriber, and knows when one is missing', () => {
    const harness = new MeshHarness({ seed: 1, network: network(latencies.lan, { lingerMs: 0 }), isChecked: true });
    const { world, messages } = harness;
    harness.start(12, 20);
    world.runUntil(10_000);
    const [alone, ...others] = harness.livePeers();
    harness.publish(others[0] as NonNullable<typeof alone>);
    world.runUntil(12_000);
    const lives = harness.livePeers().map((peer) => harness.lifeOf(peer));
    expect(messages.missing(lives, () => true)).toEqual([]);
    // Planted: a peer that is cut off misses what is published meanwhile.
    if (alone === undefined) throw new Error('twelve peers started');
    world.cut({ from: [alone.index], to: others.map(({ index }) => index), bothWays: true });
    harness.publish(others[0] as typeof alone);
    world.runUntil(13_000);
    expect(messages.missing(lives, () => true)).toEqual([expect.stringMatching(/^0\.0 misses 1 messages/)]);
    expect(harness.broken).toEqual([]);
    expect(meshOf(alone).directory.size).toBe(12);
  });
});
