import { createHash } from 'node:crypto';
import { StarlingError } from '@starling/client';

/** Opaque to clients: version 1, the id after which to go on, and a check so that a typo is an error rather than an odd page. */
export function toPageToken(afterId: string): string {
  return Buffer.from(`1:${checkOf(afterId)}:${afterId}`).toString('base64url');
}

/** The id that a token stands for; '' for no token. Throws INVALID_PAGE_TOKEN. */
export function fromPageToken(token: string): string {
  if (token === '') return '';
  if (token.length <= 256 && /^[A-Za-z0-9_-]+$/.test(token)) {
    const [version, check, ...rest] = Buffer.from(token, 'base64url').toString().split(':');
    const afterId = rest.join(':');
    if (version === '1' && afterId !== '' && check === checkOf(afterId)) return afterId;
  }
  const description = 'is none that this method gave: begin again without one';
  throw new StarlingError(`page_token ${description}`, {
    reason: 'INVALID_PAGE_TOKEN',
    violations: [{ field: 'page_token', description }],
  });
}

function checkOf(text: string): string {
  return createHash('sha256').update(`page ${text}`).digest('base64url').slice(0, 6);
}
