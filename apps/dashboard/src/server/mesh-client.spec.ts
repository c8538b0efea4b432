import { StarlingError, toStatus } from '@starling/client';
import { describe, expect, it } from 'vitest';
import { problemOf } from './mesh-client.ts';

describe('what a failed call says', () => {
  it('has the fields, and the place in a question', () => {
    const metadata = { text_at: '5', text_end: '8' };
    const violations = [{ field: 'text', description: 'has no such field' }];
    const status = toStatus(
      new StarlingError('text has no such field', { reason: 'INVALID_REQUEST', violations, metadata }),
    );
    expect(problemOf(status)).toEqual({
      code: 'INVALID_ARGUMENT',
      message: 'text has no such field',
      reason: 'INVALID_REQUEST',
      fields: violations,
      place: { at: 5, end: 8 },
    });
  });

  it.each([
    ['none', {}],
    ['half of one', { text_at: '5' }],
    ['one that is none', { text_at: 'x', text_end: '-1' }],
    ['one backwards', { text_at: '5', text_end: '4' }],
  ])('names no place when there is %s', (_, metadata) => {
    expect(problemOf(toStatus(new StarlingError('no', { reason: 'INVALID_REQUEST', metadata })))).not.toHaveProperty(
      'place',
    );
  });

  it('never throws', () => {
    expect(problemOf({})).toMatchObject({ code: 'UNKNOWN', fields: [] });
  });
});
