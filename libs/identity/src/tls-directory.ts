import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  type CertifiedPeer,
  isIssuedBy,
  isKeyOf,
  parseCertificates,
  readPeerCertificate,
  validityProblem,
} from './certificate.ts';
import { type Identity, identityOf } from './identity.ts';
import { IdentityError } from './key-file.ts';
import type { AlternativeNames } from './names.ts';
import { createRequest } from './request.ts';
import { readSmallFile, replaceFile } from './small-file.ts';

/** What TLS needs of one peer: PEM texts, checked to belong together. */
export interface TlsMaterial {
  readonly key: string;
  /** The leaf, and what is between it and an authority. */
  readonly certificate: string;
  /** Who is trusted to say who is a peer; more than one during a change-over. */
  readonly authorities: string;
  readonly peer: CertifiedPeer;
  /** When the first of the authorities expires, ms since 1970. */
  readonly authorityExpiresAt: number;
}

export type TlsReading =
  | { readonly ok: true; readonly material: TlsMaterial }
  /** `missing`: not there yet, or of an earlier key; somebody may bring it. `bad`: there, and not to be used. */
  | { readonly ok: false; readonly kind: 'missing' | 'bad'; readonly problem: string };

/**
 * The files of a peer's TLS directory. `tls.key` is there when somebody else makes keys (cert-manager, a Secret); then it
 * is the peer's identity. Else the peer writes `request.csr`, and an authority answers with `tls.crt`, or with why not in
 * `request.refused`.
 */
export const tlsFiles = (dir: string) => ({
  authorities: join(dir, 'ca.crt'),
  certificate: join(dir, 'tls.crt'),
  key: join(dir, 'tls.key'),
  request: join(dir, 'request.csr'),
  refused: join(dir, 'request.refused'),
});

/** The identity that `tls.key` is; null when there is no such file. Throws an IdentityError when it is no P-256 key. */
export function readTlsKey(dir: string): Identity | null {
  const path = tlsFiles(dir).key;
  let pem: string | null;
  let key: KeyObject;
  try {
    pem = readSmallFile(path);
    if (pem === null) return null;
    key = createPrivateKey(pem);
  } catch (error) {
    throw new IdentityError(`${path} holds no private key: ${(error as Error).message}`, { cause: error });
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new IdentityError(`${path} holds no P-256 key: have it made with ECDSA and 256 bits`);
  }
  return identityOf(key, false);
}

/** Reads and checks what TLS needs: the key's certificate, of this mesh, by one of the authorities, good now. */
export function readTlsDirectory(
  dir: string,
  own: { readonly privateKey: KeyObject; readonly mesh: string },
  now = Date.now(),
): TlsReading {
  const files = tlsFiles(dir);
  const bad = (problem: string): TlsReading => ({ ok: false, kind: 'bad', problem });
  const missing = (problem: string): TlsReading => ({ ok: false, kind: 'missing', problem });
  try {
    const authorities = readSmallFile(files.authorities);
    const certificate = readSmallFile(files.certificate);
    if (authorities === null) return missing(`there is no ${files.authorities}`);
    if (certificate === null) return missing(`there is no ${files.certificate}`);
    const trusted = parseCertificates(authorities).filter(({ ca }) => ca);
    const [leaf, ...between] = parseCertificates(certificate);
    if (trusted.length === 0) return bad(`${files.authorities} holds no certificate of an authority`);
    if (leaf === undefined) return bad(`${files.certificate} holds no certificate`);
    if (!isKeyOf(leaf, own.privateKey)) return missing(`${files.certificate} is of another key`);
    const reading = readPeerCertificate(leaf);
    if (!reading.ok) return bad(`${files.certificate} ${reading.problem}`);
    const { peer } = reading;
    if (peer.mesh !== own.mesh) return bad(`${files.certificate} is for the mesh ${peer.mesh}, not ${own.mesh}`);
    if (!isIssuedBy(leaf, between, trusted)) {
      return missing(`${files.certificate} is by none of the authorities in ${files.authorities}`);
    }
    const problem = validityProblem(peer, now);
    if (problem !== null) return missing(`${files.certificate} ${problem}`);
    return {
      ok: true,
      material: {
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        certificate,
        authorities,
        peer,
        authorityExpiresAt: Math.min(...trusted.map(({ validToDate }) => validToDate.getTime())),
      },
    };
  } catch (error) {
    // Files may be read in the middle of a change that is no single step; the next look tells.
    return bad(`${dir} cannot be read: ${(error as Error).message}`);
  }
}

export interface CertificateWish {
  readonly dir: string;
  readonly identity: Identity;
  readonly mesh: string;
  /** Names for clients of the API, the loopback's included. */
  readonly names: AlternativeNames;
  /** How long to wait for somebody to answer the request. */
  readonly waitMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

const lookEveryMs = 50;

/**
 * The peer's certificate: what lies there if it is good; else asks for one, unless somebody else makes the keys, and waits.
 * Rejects with an IdentityError of one line when none comes in time.
 */
export async function obtainCertificate(wish: CertificateWish): Promise<TlsMaterial> {
  const { dir, identity, mesh, names, waitMs } = wish;
  const files = tlsFiles(dir);
  const own = { privateKey: identity.privateKey, mesh };
  const asksItself = readTlsKey(dir) === null;
  const deadline = performance.now() + waitMs;
  let request = '';
  try {
    const first = readTlsDirectory(dir, own);
    if (first.ok && (!asksItself || (covers(first.material, names) && readSmallFile(files.request) !== null))) {
      return first.material;
    }
    if (asksItself) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      request = await createRequest(identity, names);
      replaceFile(files.request, request);
    }
  } catch (error) {
    throw new IdentityError(`cannot ask for a certificate in ${dir}: ${(error as Error).message}`, { cause: error });
  }
  for (;;) {
    const reading = readTlsDirectory(dir, own);
    if (reading.ok && (!asksItself || covers(reading.material, names))) return reading.material;
    if (wish.signal?.aborted) throw new IdentityError(`no certificate in ${dir}: told to stop before it came`);
    const refused = asksItself ? readRefusal(files.refused, request) : null;
    if (refused !== null)
      throw new IdentityError(`no certificate in ${dir}: the authority refused the request: ${refused}`);
    if (performance.now() >= deadline) {
      const problem = reading.ok ? `${files.certificate} lacks names that are asked for` : reading.problem;
      const who = asksItself
        ? 'does an authority (starling ca serve) watch it?'
        : 'who made tls.key there must bring the rest';
      throw new IdentityError(`no certificate in ${dir} within ${waitMs} ms: ${problem}; ${who}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Whether a certificate has all the names: after a change of configuration the one that is kept may lack some. */
function covers(material: TlsMaterial, names: AlternativeNames): boolean {
  const [leaf] = parseCertificates(material.certificate);
  const hasDns = names.dns.every((name) => material.peer.names.includes(name));
  return leaf !== undefined && hasDns && names.ips.every((ip) => isIP(ip) !== 0 && leaf.checkIP(ip) !== undefined);
}

/** What an authority leaves as `request.refused`: why, and which request it means; an answer to an earlier one may come late. */
export function refusalOf(request: string, problem: string): string {
  return `${problem}\n${createHash('sha256').update(request).digest('hex')}\n`;
}

/** Why this request was refused; null when nobody said so. */
function readRefusal(path: string, request: string): string | null {
  try {
    const text = readSmallFile(path);
    const problem = text?.split('\n', 1)[0] ?? '';
    if (text !== refusalOf(request, problem)) return null;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
    return problem.slice(0, 500).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  } catch {
    return null;
  }
}
