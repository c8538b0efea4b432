import { expect, it } from 'vitest';
import { nearestFrame, stepFrame } from './frames.ts';

const times = [10, 20, 30];

it.each([
  [5, 0, null, 20],
  [10, 0, null, 20],
  [20, 1, 10, 30],
  [25, 1, 10, 30],
  [99, 2, 20, null],
])('at %i it is frame %i, with %o before and %o after it', (at, place, before, after) => {
  expect(nearestFrame(times, at)).toBe(place);
  expect(stepFrame(times, at, -1)).toBe(before);
  expect(stepFrame(times, at, 1)).toBe(after);
});

it('is none where nothing is held', () => {
  expect(nearestFrame([], 5)).toBe(-1);
  expect(stepFrame([], 5, 1)).toBeNull();
});
