/** With less than this share of its time left a certificate should have been renewed: an issuer does it with a third left. */
export const certificateLateShare = 1 / 6;

/** Left of an authority's time, in ms, when people should replace it: they live for years. */
export const authorityLateMs = 30 * 86_400_000;

/** `late`: whoever renews it ought to have done so. */
export type Renewal = 'good' | 'late' | 'expired';

/** How a peer's certificate stands at `now`. All in ms since 1970. */
export function certificateRenewal(
  { validFrom, expiresAt }: { readonly validFrom: number; readonly expiresAt: number },
  now: number,
): Renewal {
  return renewalOf(expiresAt, (expiresAt - validFrom) * certificateLateShare, now);
}

/** How an authority that expires at `expiresAt` stands at `now`. All in ms since 1970. */
export function authorityRenewal(expiresAt: number, now: number): Renewal {
  return renewalOf(expiresAt, authorityLateMs, now);
}

function renewalOf(expiresAt: number, lateMs: number, now: number): Renewal {
  if (now >= expiresAt) return 'expired';
  return now >= expiresAt - lateMs ? 'late' : 'good';
}
