import { expect, it } from 'vitest';
import { addCounts, countMax } from './counts.ts';

it('a sum of counts stops at what the wire takes', () => {
  expect(addCounts(2, 3)).toBe(5);
  expect(addCounts(countMax, 1)).toBe(countMax);
  expect(addCounts(Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
});
