import { describeProblem, type PeersQuery, parsePeersQuery } from '@starling/query';
import type { QueryPeersRequest } from '@starling/wire';
import { apiLimits, durationOr, Violations } from './validate.ts';

export interface PeersWish {
  readonly query: PeersQuery;
  readonly timeoutMs: number;
}

/** Throws INVALID_REQUEST; a malformed text with its place. */
export function checkQueryPeers(request: QueryPeersRequest): PeersWish {
  const violations = new Violations();
  const parsed = parsePeersQuery(request.text);
  violations.check(parsed.ok, 'text', parsed.ok ? '' : describeProblem(parsed));
  if (!parsed.ok) violations.tell({ text_at: String(parsed.at), text_end: String(parsed.end) });
  const timeoutMs = durationOr(request.timeout, apiLimits.queryTimeoutDefaultMs);
  violations.check(
    timeoutMs > 0 && timeoutMs <= apiLimits.queryTimeoutMaxMs,
    'timeout',
    `must be above 0 and at most ${apiLimits.queryTimeoutMaxMs / 1000} s`,
  );
  violations.done();
  if (!parsed.ok) throw new Error('a malformed text was let through');
  return { query: parsed.query, timeoutMs };
}
