import { describe, expect, it } from 'vitest';
import { Deadlines } from './deadlines.ts';

/** A core that counts how often it was asked. */
class Core {
  at: number;
  asked = 0;

  constructor(at: number) {
    this.at = at;
  }

  nextDeadline(): number {
    this.asked++;
    return this.at;
  }
}

describe('the deadlines of the cores of one mesh', () => {
  it('has none without cores', () => {
    expect(new Deadlines().earliest()).toBe(Number.POSITIVE_INFINITY);
  });

  it('is the earliest of all, and asks only the cores that had an input', () => {
    const deadlines = new Deadlines();
    const cores = [new Core(30), new Core(10), new Core(20)] as const;
    const [first, second] = cores.map((core) => deadlines.add(core)) as [number, number];
    expect(deadlines.earliest()).toBe(10);
    expect(deadlines.of(first)).toBe(30);
    cores[1].at = 40;
    expect(deadlines.earliest()).toBe(10);
    deadlines.changed(second);
    deadlines.changed(second);
    expect(deadlines.earliest()).toBe(20);
    expect(deadlines.of(second)).toBe(40);
    expect(cores.map(({ asked }) => asked)).toEqual([1, 2, 1]);
  });
});
