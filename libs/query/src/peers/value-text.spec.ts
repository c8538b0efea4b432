import { expect, it } from 'vitest';
import { peersValueText } from './value-text.ts';

it.each([
  [null, 'number', '–'],
  ['', 'text', '–'],
  ['eu-west-1a', 'text', 'eu-west-1a'],
  [1_234_567, 'number', '1,234,567'],
  [0.123_456, 'number', '0.1235'],
  [12.345_678, 'number', '12.35'],
  [0, 'duration', '0 ms'],
  [0.123_4, 'duration', '0.12 ms'],
  [1.25, 'duration', '1.25 ms'],
  [340, 'duration', '340 ms'],
  [12_345, 'duration', '12.3 s'],
  [239_400, 'duration', '3 m 59 s'],
  [200_000_000, 'duration', '2 d 7 h'],
  [17, 'bytes', '17 B'],
  [0.5, 'bytes', '0.50 B'],
  [3_660_000, 'duration', '1 h 1 m'],
  [1_536, 'bytes', '1.50 KiB'],
  [137_416_704, 'bytes', '131 MiB'],
  ['1.10.0', 'version', '1.10.0'],
] as const)('shows %o as a %s: %s', (value, type, text) => {
  expect(peersValueText(value, type)).toBe(text);
});
