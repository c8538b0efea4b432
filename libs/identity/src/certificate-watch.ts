import { ChangeWatch } from './change-watch.ts';
import type { Identity } from './identity.ts';
import { readTlsDirectory, readTlsKey, type TlsMaterial } from './tls-directory.ts';

export interface CertificateWatchOptions {
  readonly dir: string;
  readonly identity: Identity;
  readonly mesh: string;
  readonly pollMs: number;
  readonly renewed: (material: TlsMaterial) => void;
  /** Told once for each different problem. What was good before stays in use. */
  readonly problem: (problem: string) => void;
}

/** A live peer's view of its TLS directory: the newest material that was good, whoever writes there. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #watch: ChangeWatch;
  #current: TlsMaterial;
  #problem: string | null = null;
  /** Changes that were taken, and that were not to be used. */
  readonly stats = { renewed: 0, rejected: 0 };

  constructor(current: TlsMaterial, options: CertificateWatchOptions) {
    this.#options = options;
    this.#current = current;
    this.#watch = new ChangeWatch(options.dir, options.pollMs, () => this.#look());
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  close(): void {
    this.#watch.close();
  }

  #look(): void {
    const problem = this.#keyProblem() ?? this.#take();
    if (problem !== null && problem !== this.#problem) {
      this.stats.rejected++;
      this.#options.problem(problem);
    }
    this.#problem = problem;
  }

  /** A new key is a new peer. A peer cannot become another one while it runs: it goes on as it is, until a restart. */
  #keyProblem(): string | null {
    const { dir, identity } = this.#options;
    try {
      const key = readTlsKey(dir);
      if (key === null || key.id === identity.id) return null;
      return `${dir}/tls.key is another key, and so another peer (${key.id}): it is used after a restart; until then this peer keeps the old pair`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #take(): string | null {
    const { dir, identity, mesh, renewed } = this.#options;
    const reading = readTlsDirectory(dir, { privateKey: identity.privateKey, mesh });
    if (!reading.ok) return reading.problem;
    const { material } = reading;
    if (material.certificate === this.#current.certificate && material.authorities === this.#current.authorities)
      return null;
    this.#current = material;
    this.stats.renewed++;
    renewed(material);
    return null;
  }
}
