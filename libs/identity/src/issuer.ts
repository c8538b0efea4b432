import { createPublicKey, type X509Certificate } from 'node:crypto';
import type { Authority, IssuePolicy } from './authority.ts';
import { isIssuedBy, parseCertificates, readPeerCertificate } from './certificate.ts';
import { ChangeWatch } from './change-watch.ts';
import { peerIdOf } from './identity.ts';
import type { AlternativeNames } from './names.ts';
import { readRequest } from './request.ts';
import { readSmallFile, replaceFile } from './small-file.ts';
import { refusalOf, tlsFiles } from './tls-directory.ts';

/** What an issuer says of one directory, for a log. */
export type IssuerEvent =
  | { readonly kind: 'issued'; readonly dir: string; readonly peerId: string; readonly expiresAt: number }
  | { readonly kind: 'refused' | 'failed'; readonly dir: string; readonly problem: string };

export interface IssuerOptions {
  /** Read again at each look, so that an authority can be replaced. Throws an IdentityError when there is none. */
  readonly authority: () => Authority;
  readonly policy: IssuePolicy;
  /** The TLS directories of peers. */
  readonly dirs: readonly string[];
  /** How often to look for what no notice told, and for what is to be renewed. */
  readonly pollMs: number;
  readonly on: (event: IssuerEvent) => void;
}

/**
 * Answers the requests in peers' TLS directories, and renews what it issued when two thirds of its time are over. The
 * authority's key is needed only where this runs; the peers' keys never leave them.
 */
export class Issuer {
  readonly #options: IssuerOptions;
  readonly #watches: ChangeWatch[] = [];
  readonly #problems = new Map<string, string>();
  readonly #due = new Set<string>();
  readonly #answers = new Map<string, Answer>();
  #sweeping: Promise<void> | null = null;
  #closed = false;

  constructor(options: IssuerOptions) {
    this.#options = options;
  }

  /** Looks at once, and from now on whenever something changes. Resolves when the first look is over. */
  async start(): Promise<void> {
    for (const dir of this.#options.dirs) {
      this.#watches.push(new ChangeWatch(dir, this.#options.pollMs, () => void this.sweep([dir])));
    }
    await this.sweep();
  }

  /** Directories that could not be served at the last look, with why: empty when all is well. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
  }

  /** Looks at these directories, one after the other; what changes meanwhile is seen by another look right after. */
  sweep(dirs: readonly string[] = this.#options.dirs): Promise<void> {
    for (const dir of dirs) this.#due.add(dir);
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    for (const dir of this.#due) {
      if (this.#closed) return;
      this.#due.delete(dir);
      try {
        await this.#serve(dir, this.#options.authority());
      } catch (error) {
        this.#tell(dir, 'failed', (error as Error).message);
      }
    }
  }

  async #serve(dir: string, authority: Authority): Promise<void> {
    const files = tlsFiles(dir);
    const request = readSmallFile(files.request);
    if (request === null) return;
    const { policy, on } = this.#options;
    if (readSmallFile(files.authorities) !== authority.bundle) replaceFile(files.authorities, authority.bundle);
    const now = Date.now();
    const certificate = readSmallFile(files.certificate);
    const before = this.#answers.get(dir);
    const isSame =
      before?.request === request && before.certificate === certificate && before.authority === authority.certificate;
    const renewAt = isSame ? before.renewAt : await renewalOf(request, certificate, authority, policy);
    if (now < renewAt) {
      this.#answers.set(dir, { request, certificate, authority: authority.certificate, renewAt });
      this.#problems.delete(dir);
      return;
    }
    const issued = await authority.issue(request, policy, now);
    if (!issued.ok) {
      const refusal = refusalOf(request, issued.problem);
      if (readSmallFile(files.refused) !== refusal) replaceFile(files.refused, refusal);
      this.#tell(dir, 'refused', issued.problem);
      return;
    }
    replaceFile(files.certificate, issued.certificate);
    this.#problems.delete(dir);
    on({ kind: 'issued', dir, peerId: issued.peerId, expiresAt: issued.expiresAt });
  }

  /** Each problem once, until it changes or is over. */
  #tell(dir: string, kind: 'refused' | 'failed', problem: string): void {
    if (this.#problems.get(dir) === problem) return;
    this.#problems.set(dir, problem);
    this.#options.on({ kind, dir, problem });
  }
}

/** What was found at the last look: reading files is cheap, checking signatures is not. */
interface Answer {
  readonly request: string;
  readonly certificate: string | null;
  readonly authority: string;
  readonly renewAt: number;
}

/**
 * When a certificate must be replaced, ms since 1970: after two thirds of its time, unless its authority ends with it; −∞ when
 * it is not what the request asks for.
 */
async function renewalOf(
  request: string,
  certificate: string | null,
  authority: Authority,
  policy: IssuePolicy,
): Promise<number> {
  const never = Number.NEGATIVE_INFINITY;
  if (certificate === null) return never;
  try {
    const [leaf] = parseCertificates(certificate);
    if (leaf === undefined || !isIssuedBy(leaf, [], parseCertificates(authority.certificate))) return never;
    const reading = readPeerCertificate(leaf);
    const wanted = await readRequest(request);
    if (!reading.ok || !wanted.ok) return never;
    const { peer } = reading;
    const id = peerIdOf(createPublicKey({ key: Buffer.from(wanted.spki), type: 'spki', format: 'der' }));
    if (peer.peerId !== id || peer.mesh !== authority.mesh || !hasNames(leaf, wanted.names)) return never;
    // A further certificate would end with the authority as well: from then on there is none at all, which is said.
    if (peer.expiresAt >= authority.expiresAt) return authority.expiresAt;
    return peer.expiresAt - Math.min(policy.lifetimeMs, peer.expiresAt - peer.validFrom) / 3;
  } catch {
    return never;
  }
}

function hasNames(leaf: X509Certificate, { dns, ips }: AlternativeNames): boolean {
  return (
    dns.every((name) => leaf.checkHost(name, { wildcards: false }) !== undefined) &&
    ips.every((ip) => leaf.checkIP(ip) !== undefined)
  );
}
