import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { fromStatus, toStatus } from './error-status.ts';
import { invalidRequest, StarlingError } from './errors.ts';

function asServiceError(answer: { code: status; details: string; metadata: Metadata }): ServiceError {
  return Object.assign(new Error(`${answer.code}: ${answer.details}`), answer);
}

describe('errors on the wire', () => {
  it('come out as they went in, with every detail', () => {
    const error = new StarlingError('too many subscriptions', {
      reason: 'TOO_MANY_SUBSCRIPTIONS',
      retryAfterMs: 1500,
      metadata: { limit: '2' },
      help: 'https://starling.dev/limits',
    });
    const back = fromStatus(asServiceError(toStatus(error)));
    expect(back).toMatchObject({
      message: 'too many subscriptions',
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_SUBSCRIPTIONS',
      retryAfterMs: 1500,
      metadata: { limit: '2' },
      help: 'https://starling.dev/limits',
    });
  });

  it('name every field that breaks its rule', () => {
    const violations = [
      { field: 'topic', description: 'must not be empty' },
      { field: 'headers', description: 'are too many' },
    ];
    const back = fromStatus(asServiceError(toStatus(invalidRequest(violations))));
    expect(back.message).toBe('topic must not be empty (and 1 more)');
    expect(back.code).toBe('INVALID_ARGUMENT');
    expect(back.violations).toEqual(violations);
  });

  it.each([
    [
      'a thousand fields',
      Array.from({ length: 1_000 }, (_, i) => ({ field: `ids[${i}]`, description: 'must not be empty' })),
    ],
    ['a long text', [{ field: 'text', description: `asks for "${'a'.repeat(5_000)}"` }]],
    ['a text of which each character takes nine bytes', [{ field: 'text', description: '漢'.repeat(1_000) }]],
    ['half a character', [{ field: 'text', description: `${'😀'.repeat(600)}\ud83d` }]],
  ])('are no larger than clients in C take, with %s', (_what, violations) => {
    const answer = toStatus(invalidRequest(violations));
    const [bytes] = answer.metadata.get('grpc-status-details-bin') as [Buffer];
    expect(encodeURI(answer.details).length + bytes.toString('base64').length).toBeLessThan(6 * 1_024);
    const back = fromStatus(asServiceError(answer));
    expect(back).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
    expect(back.violations[0]?.field).toBe(violations[0]?.field);
    expect(back.message.slice(0, 50)).toBe(invalidRequest(violations).message.slice(0, 50));
  });

  it('hide what a defect of the peer said', () => {
    const answer = toStatus(new TypeError('secret'));
    expect(answer.code).toBe(status.INTERNAL);
    expect(answer.details).not.toContain('secret');
  });

  it.each([
    [status.UNAVAILABLE, 'UNAVAILABLE', 'UNREACHABLE'],
    [status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'NO_ANSWER'],
    [status.UNIMPLEMENTED, 'UNIMPLEMENTED', 'UNKNOWN_METHOD'],
    [status.DATA_LOSS, 'DATA_LOSS', 'OTHER'],
  ])('that gRPC made itself (%i) get a reason too', (code, name, reason) => {
    const back = fromStatus(asServiceError({ code, details: 'x', metadata: new Metadata() }));
    expect(back).toMatchObject({ code: name, reason });
  });

  it('survive a broken trailer', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    expect(fromStatus(asServiceError({ code: status.NOT_FOUND, details: 'gone', metadata }))).toMatchObject({
      code: 'NOT_FOUND',
      message: 'gone',
    });
  });

  it('are made of anything that was thrown', () => {
    expect(fromStatus('text')).toMatchObject({ reason: 'OTHER', message: 'text' });
  });
});
