import { describe, expect, it } from 'vitest';
import { Planting } from './planting.ts';

const minute = 60_000;
const config = { replantMs: 10 * minute, replantSoonMs: minute };

describe('when trees are planted anew', () => {
  const bench = (phaseMs = 0) => {
    const planted = new Set<number>();
    const planting = new Planting(config, phaseMs, (turn) => planted.has(turn));
    /** What a peer of four links publishes on. */
    const turn = (now: number): number => {
      const at = planting.turn(now, 4);
      planted.add(at);
      return at;
    };
    return { planted, planting, turn };
  };

  it('every season, by the clock', () => {
    const { turn, planting } = bench();
    expect([0, 5, 9.9, 10, 19, 20].map((minutes) => turn(minutes * minute))).toEqual([0, 0, 0, 10, 10, 20]);
    expect(planting.before).toBe(10);
  });

  it('in between once as many links were lost as there are, in the next turn', () => {
    const { turn, planting } = bench();
    turn(0);
    for (let i = 0; i < 3; i++) planting.linkLost(minute);
    expect(turn(2 * minute)).toBe(0);
    planting.linkLost(2 * minute);
    expect(turn(2.5 * minute)).toBe(2);
    expect(turn(9 * minute)).toBe(2);
    expect(planting.before).toBe(0);
  });

  it('what others planted later is used, and counts from there', () => {
    const { turn, planting, planted } = bench();
    turn(0);
    for (let i = 0; i < 3; i++) planting.linkLost(minute);
    planted.add(3);
    expect(turn(3 * minute)).toBe(3);
    planting.linkLost(4 * minute);
    expect(turn(4 * minute)).toBe(3);
  });

  it('nobody is followed into a turn to come', () => {
    const { turn, planted } = bench();
    planted.add(7);
    expect(turn(2 * minute)).toBe(0);
  });

  it('with a phase, earlier than others', () => {
    const { turn } = bench(4 * minute);
    expect([0, 5, 6].map((minutes) => turn(minutes * minute))).toEqual([0, 0, 10]);
  });

  it('never, where seasons have no end', () => {
    const planting = new Planting({ replantMs: Infinity, replantSoonMs: Infinity }, 0, () => false);
    for (let i = 0; i < 9; i++) planting.linkLost(minute);
    expect([0, 1e9].map((now) => planting.turn(now, 4))).toEqual([0, 0]);
  });
});
