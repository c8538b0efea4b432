import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, Issuer, NamePolicy } from '@starling/identity';

/** An authority that answers in directories of this machine, as `starling ca serve` does. */
export class TestIssuer {
  readonly root = mkdtempSync(join(tmpdir(), 'starling-tls-'));
  /** What an operator calls with. */
  readonly token = 'starling_operator_of-this-test';
  authority: Authority;
  readonly #lifetimeMs: number;
  readonly #issuers: Issuer[] = [];

  private constructor(authority: Authority, lifetimeMs: number) {
    this.authority = authority;
    this.#lifetimeMs = lifetimeMs;
    this.writeBundle();
    const hash = createHash('sha256').update(this.token).digest('hex');
    writeFileSync(join(this.root, 'tokens'), `operator test sha256:${hash}\n`, { mode: 0o600 });
  }

  static async create(mesh = 'starling', lifetimeMs = 3_600_000): Promise<TestIssuer> {
    return new TestIssuer(await Authority.create(mesh), lifetimeMs);
  }

  get caFile(): string {
    return join(this.root, 'ca.pem');
  }

  writeBundle(): void {
    writeFileSync(this.caFile, this.authority.bundle);
  }

  /** Settings of a peer whose directory is answered, and that knows the token. */
  async peer(name: string): Promise<Readonly<Record<string, string>>> {
    const dir = join(this.root, name);
    mkdirSync(dir, { recursive: true });
    const issuer = new Issuer({
      authority: () => this.authority,
      policy: { names: new NamePolicy(['api.example']), lifetimeMs: this.#lifetimeMs },
      dirs: [dir],
      pollMs: 200,
      on: () => {},
    });
    this.#issuers.push(issuer);
    await issuer.start();
    return { STARLING_TLS_DIR: dir, STARLING_TOKENS_FILE: join(this.root, 'tokens') };
  }

  close(): void {
    for (const issuer of this.#issuers) issuer.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
