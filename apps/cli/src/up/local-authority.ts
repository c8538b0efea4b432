import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Issuer, initAuthority, NamePolicy, readAuthority } from '@starling/identity';
import { authorityFile } from '../authority-file.ts';

/** The mesh of `starling up`. */
export const localMeshName = 'local';
const lifetimeMs = 24 * 3_600_000;
const pollMs = 5_000;

/** Where a peer of the local mesh and its authority meet. */
export function tlsDirectory(data: string, index: number): string {
  return join(data, 'peers', String(index), 'tls');
}

/** The authority of the local mesh: its key in `DATA/ca/`, its certificate also as `DATA/ca.pem`; answers all local peers. */
export class LocalAuthority {
  /** What clients trust. */
  readonly file: string;
  readonly #issuer: Issuer;

  private constructor(file: string, issuer: Issuer) {
    this.file = file;
    this.#issuer = issuer;
  }

  /** Reads or makes the authority, and begins to answer so many peers. Rejects with an IdentityError. */
  static async start(data: string, peers: number): Promise<LocalAuthority> {
    const dir = join(data, 'ca');
    const { authority } = await initAuthority(dir, localMeshName);
    const file = join(data, authorityFile);
    if (readIfThere(file) !== authority.bundle) writeFileSync(file, authority.bundle);
    const dirs = Array.from({ length: peers }, (_, index) => tlsDirectory(data, index));
    for (const each of dirs) mkdirSync(each, { recursive: true, mode: 0o700 });
    const issuer = new Issuer({
      authority: () => readAuthority(dir, localMeshName) ?? authority,
      policy: { names: new NamePolicy([]), lifetimeMs },
      dirs,
      pollMs,
      on: (event) => {
        if (event.kind !== 'issued') console.error(`starling: no certificate in ${event.dir}: ${event.problem}`);
      },
    });
    await issuer.start();
    return new LocalAuthority(file, issuer);
  }

  close(): void {
    this.#issuer.close();
  }
}

/** A mesh that does not encrypt has no authority: nobody is to look for one. The key stays, for the next time. */
export function forgetAuthority(data: string): void {
  rmSync(join(data, authorityFile), { force: true });
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
