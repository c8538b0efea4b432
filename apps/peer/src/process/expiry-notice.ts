import type { CertificateWatch } from '@starling/identity';
import type { Logger } from 'pino';

/** How often it is looked at the clock. (guess) */
const lookMs = 60_000;
/** With less than this share of its time left a certificate should have been renewed: an issuer does it with a third left. */
const lateShare = 1 / 6;
/** Authorities live for years and are replaced by people. */
const authorityLateMs = 30 * 86_400_000;

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
    const lateMs = (peer.expiresAt - peer.validFrom) * lateShare;
    this.#judge('the certificate of this peer', peer.expiresAt, lateMs, now);
    this.#judge('an authority that this peer trusts', authorityExpiresAt, authorityLateMs, now);
  }

  #judge(what: string, expiresAt: number, lateMs: number, now: number): void {
    const level = now >= expiresAt ? 'error' : now >= expiresAt - lateMs ? 'warn' : null;
    if (level === null) return;
    const key = `${what} ${expiresAt} ${level}`;
    if (this.#said.has(key)) return;
    // A renewed one makes what was said of the one before void; two of each are all there can be.
    if (this.#said.size >= 8) this.#said.clear();
    this.#said.add(key);
    const expires = new Date(expiresAt).toISOString();
    if (level === 'error') this.#log.error({ expires }, `${what} HAS EXPIRED: other peers and clients refuse it`);
    else this.#log.warn({ expires }, `${what} expires soon and was not renewed: look at the authority`);
  }
}
