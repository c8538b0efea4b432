import type { PeerCondition } from '@starling/core-observe';
import {
  authorityRenewal,
  type CertificateWatch,
  certificateRenewal,
  type Renewal,
  type TlsMaterial,
} from '@starling/identity';
import type { Logger } from 'pino';

/** How often it is looked at the clock. (guess) */
const lookMs = 60_000;

/** What this peer tells the mesh of its certificate and its authorities at `now`, in ms since 1970. */
export function certificateConditions(
  { peer, authorityExpiresAt }: Pick<TlsMaterial, 'peer' | 'authorityExpiresAt'>,
  now: number,
): PeerCondition[] {
  const own = { good: [], late: ['certificateLate'], expired: ['certificateExpired'] } as const;
  const authority = { good: [], late: ['authorityLate'], expired: ['authorityExpired'] } as const;
  return [...own[certificateRenewal(peer, now)], ...authority[authorityRenewal(authorityExpiresAt, now)]];
}

/** Says in the log, once for each certificate, that nobody has renewed it and when it ends, and once that it has ended. */
export class ExpiryNotice {
  readonly #watch: Pick<CertificateWatch, 'current'>;
  readonly #log: Pick<Logger, 'warn' | 'error'>;
  readonly #said = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(watch: Pick<CertificateWatch, 'current'>, log: Pick<Logger, 'warn' | 'error'>) {
    this.#watch = watch;
    this.#log = log;
  }

  start(): void {
    this.look(Date.now());
    this.#timer ??= setInterval(() => this.look(Date.now()), lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** `now` in ms since 1970. */
  look(now: number): void {
    const { peer, authorityExpiresAt } = this.#watch.current;
    this.#tell('the certificate of this peer', peer.expiresAt, certificateRenewal(peer, now));
    this.#tell('an authority that this peer trusts', authorityExpiresAt, authorityRenewal(authorityExpiresAt, now));
  }

  #tell(what: string, expiresAt: number, renewal: Renewal): void {
    if (renewal === 'good') return;
    const key = `${what} ${expiresAt} ${renewal}`;
    if (this.#said.has(key)) return;
    // A renewed one makes what was said of the one before void; two of each are all there can be.
    if (this.#said.size >= 8) this.#said.clear();
    this.#said.add(key);
    const expires = new Date(expiresAt).toISOString();
    if (renewal === 'expired') this.#log.error({ expires }, `${what} HAS EXPIRED: other peers and clients refuse it`);
    else this.#log.warn({ expires }, `${what} expires soon and was not renewed: look at the authority`);
  }
}
