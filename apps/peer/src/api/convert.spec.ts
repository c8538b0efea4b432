import { toBinary } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { toDuration } from './convert.ts';

describe('a duration', () => {
  it.each([
    [0, 0n, 0],
    [0.0004, 0n, 0],
    [0.75, 0n, 750_000],
    [1_234.567, 1n, 234_567_000],
    [999.9999, 0n, 999_999_000],
    [-3, 0n, 0],
  ])('of %d ms', (ms, seconds, nanos) => {
    expect(toDuration(ms)).toMatchObject({ seconds, nanos });
  });

  it.each([1e17, 1e300, Number.MAX_VALUE])('can be sent, whatever somebody says that took %d ms', (ms) => {
    expect(() => toBinary(DurationSchema, toDuration(ms))).not.toThrow();
  });
});
