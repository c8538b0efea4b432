import { expect, it } from 'vitest';
import { peersValueText } from './peers-value.ts';

it.each([
  [null, 'number', '–'],
  ['', 'text', '–'],
  ['eu-west-1a', 'text', 'eu-west-1a'],
  [1_234_567, 'number', '1,234,567'],
  [0.123_456, 'number', '0.1235'],
  [12.345_678, 'number', '12.35'],
  [1.25, 'duration', '1.25 ms'],
  [3_660_000, 'duration', '1 h 1 m'],
  [1_536, 'bytes', '1.50 KiB'],
] as const)('shows %o as a %s: %s', (value, type, text) => {
  expect(peersValueText(value, type)).toBe(text);
});
