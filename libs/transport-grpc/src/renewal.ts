/** The part of what is left of a certificate, from its end, in which a link that begins with it is dialled anew. Issuers renew after two thirds, so by then there is a newer one. */
const share = 1 / 4;
/** With less left a link lasts to the end. A second: guess. */
const leftMinMs = 1_000;

/**
 * When a link that begins `now` with a certificate good until `expiresAt` is to be dialled anew; both in ms since 1970, `random` in [0, 1).
 * Peers that were started together have certificates that end together: links go one by one over the last quarter, or else a whole
 * mesh would lose all its links within a second. Where nobody renews the certificate, each link comes back with an eighth of the time, on average.
 */
export function renewalTime(expiresAt: number, now: number, random: number): number {
  const left = expiresAt - now;
  return left < leftMinMs ? expiresAt : expiresAt - left * share * (1 - random);
}
