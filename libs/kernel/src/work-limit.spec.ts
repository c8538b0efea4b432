import { expect, it } from 'vitest';
import { WorkLimit } from './work-limit.ts';

it('a limit gives a second what it says, however it is asked, and forgets sources beyond its bound', () => {
  const limit = new WorkLimit(10, 2);
  let taken = 0;
  for (let now = 0; now < 10_000; now += 7) if (limit.take(now, 'a') === 0) taken++;
  expect(taken).toBeGreaterThanOrEqual(100);
  expect(taken).toBeLessThanOrEqual(110);
  for (let i = 0; i < 10; i++) limit.take(20_000, 'b');
  expect(limit.take(20_000, 'b')).toBeGreaterThan(0);
  limit.take(20_000, 'c');
  limit.take(20_000, 'd');
  expect(limit.take(20_000, 'b')).toBe(0);
});
