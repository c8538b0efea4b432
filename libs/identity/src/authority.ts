import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  type X509Certificate,
} from 'node:crypto';
import type { PeerId } from '@starling/kernel';
import { parseCertificates } from './certificate.ts';
import { peerIdOf } from './identity.ts';
import { IdentityError } from './key-file.ts';
import { type AlternativeNames, loopbackNames, type NamePolicy } from './names.ts';
import { readRequest } from './request.ts';
import { authorityUri, meshName, peerUri } from './spiffe.ts';
import { loadX509, p256 } from './x509.ts';

export interface IssuePolicy {
  readonly names: NamePolicy;
  /** How long a certificate is good for, in ms; never longer than its authority. */
  readonly lifetimeMs: number;
}

export type Issued =
  /** `certificate`: the leaf, and what is between it and a root, if there is anything. */
  | { readonly ok: true; readonly certificate: string; readonly peerId: PeerId; readonly expiresAt: number }
  | { readonly ok: false; readonly problem: string };

/** Clocks of peers and of their authority may differ by so much. */
const clockSkewMs = 5 * 60_000;
const authorityLifetimeMs = 10 * 365 * 86_400_000;

/** One mesh's authority: says by its signature which keys are peers of the mesh. */
export class Authority {
  readonly mesh: string;
  /** Its own certificate, PEM. */
  readonly certificate: string;
  /** Its private key, PEM (PKCS#8). */
  readonly key: string;
  /**
   * What stands between its leaves and a root, PEM: its own certificate, and those that came with it; empty when it is a root
   * itself. Whoever trusts the root then knows its leaves, also before hearing of this authority: when it is renewed with
   * another key, peers hear of that one after the other.
   */
  readonly chain: string;
  /** Everything that peers trust, PEM: its own certificate, and others' during a change-over. */
  readonly bundle: string;
  readonly expiresAt: number;
  readonly #key: KeyObject;
  readonly #parsed: X509Certificate;

  private constructor(mesh: string, certificate: string, key: KeyObject, trusted: string) {
    const [parsed] = parseCertificates(certificate);
    if (parsed === undefined || !parsed.ca) throw new IdentityError('the authority has no certificate of an authority');
    const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
    if (kind !== 'ec' || details?.namedCurve !== 'prime256v1') {
      throw new IdentityError(
        `the authority's key is of ${details?.namedCurve ?? kind}: it must be of P-256 (prime256v1)`,
      );
    }
    if (!parsed.checkPrivateKey(key)) throw new IdentityError("the authority's key is not that of its certificate");
    const named = /URI:(spiffe:\/\/[^,\s]+)/.exec(parsed.subjectAltName ?? '')?.[1];
    if (named !== undefined && named !== authorityUri(mesh)) {
      throw new IdentityError(`the authority is that of ${named}, not of ${authorityUri(mesh)}`);
    }
    this.mesh = mesh;
    this.certificate = certificate;
    this.key = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.chain = parsed.checkIssued(parsed) ? '' : `${certificate.trim()}\n`;
    this.bundle = trusted.trim() === '' ? certificate : `${certificate.trim()}\n${trusted.trim()}\n`;
    const isRooted = parseCertificates(this.bundle).some((each) => each.checkIssued(each));
    if (!isRooted) {
      // OpenSSL ends a chain at a root only, and Node's servers cannot be told otherwise.
      throw new IdentityError('the authority is under a root, which peers must trust, too: bring it as trusted.crt');
    }
    this.expiresAt = parsed.validToDate.getTime();
    this.#key = key;
    this.#parsed = parsed;
  }

  /** A new authority with a new key, good for ten years. Throws an IdentityError when the mesh's name is none. */
  static async create(mesh: string, now = Date.now(), lifetimeMs = authorityLifetimeMs): Promise<Authority> {
    if (!meshName.test(mesh)) throw new IdentityError(`"${mesh}" is no name of a mesh: a-z, 0-9, ".", "_" and "-"`);
    const x509 = await loadX509();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: p256.namedCurve });
    const keys = {
      privateKey: privateKey.toCryptoKey(p256, false, ['sign']),
      publicKey: publicKey.toCryptoKey(p256, true, ['verify']),
    };
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ O: ['Starling'] }, { CN: [`mesh ${mesh}, ${randomBytes(4).toString('hex')}`] }],
      notBefore: new Date(now - clockSkewMs),
      notAfter: new Date(now + lifetimeMs),
      signingAlgorithm: p256,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: authorityUri(mesh) }]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Authority(mesh, `${certificate.toString('pem')}\n`, privateKey, '');
  }

  /** One that was kept: PEM texts. Throws an IdentityError when they do not belong together. */
  static of(mesh: string, certificate: string, key: string, trusted = ''): Authority {
    try {
      return new Authority(mesh, certificate, createPrivateKey(key), trusted);
    } catch (error) {
      if (error instanceof IdentityError) throw error;
      throw new IdentityError(`the authority's files cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Trusts others beside itself; the same authority otherwise. */
  trusting(others: string): Authority {
    return new Authority(this.mesh, this.certificate, this.#key, others);
  }

  /**
   * A certificate for who holds the key of the request, or why not. The identity follows from the key alone: whatever a
   * request says of itself, it gets the certificate of its own id. Never throws for what a request holds.
   */
  async issue(request: string, policy: IssuePolicy, now = Date.now()): Promise<Issued> {
    const wanted = await readRequest(request);
    if (!wanted.ok) return wanted;
    const refused = policy.names.firstRefused(wanted.names);
    if (refused !== null) return { ok: false, problem: `the name ${refused} is not allowed` };
    const publicKey = createPublicKey({ key: Buffer.from(wanted.spki), type: 'spki', format: 'der' });
    const expiresAt = Math.min(now + policy.lifetimeMs, this.expiresAt);
    if (expiresAt <= now) return { ok: false, problem: 'the authority itself has expired' };
    const peerId = peerIdOf(publicKey);
    const certificate = await this.#sign(publicKey, peerId, wanted.names, now, expiresAt);
    return { ok: true, certificate: `${certificate}${this.chain}`, peerId, expiresAt };
  }

  async #sign(
    publicKey: KeyObject,
    peerId: PeerId,
    names: AlternativeNames,
    now: number,
    expiresAt: number,
  ): Promise<string> {
    const x509 = await loadX509();
    const key = publicKey.toCryptoKey(p256, true, ['verify']);
    const dns = new Set([...loopbackNames.dns, ...names.dns]);
    const ips = new Set([...loopbackNames.ips, ...names.ips]);
    const issuer = new x509.X509Certificate(this.#parsed.raw);
    // As the authority's certificate says: how it is made from the key differs between tools, and a chain whose two differ is refused.
    const issuerKeyId = issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ O: ['Starling'] }, { CN: [peerId] }],
      issuer: issuer.subjectName,
      notBefore: new Date(now - clockSkewMs),
      notAfter: new Date(expiresAt),
      signingAlgorithm: p256,
      publicKey: key,
      signingKey: this.#key.toCryptoKey(p256, false, ['sign']),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'url', value: peerUri(this.mesh, peerId) },
          ...[...dns].map((value) => ({ type: 'dns' as const, value })),
          ...[...ips].map((value) => ({ type: 'ip' as const, value })),
        ]),
        await x509.SubjectKeyIdentifierExtension.create(key),
        ...(issuerKeyId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(issuerKeyId)]),
      ],
    });
    return `${certificate.toString('pem')}\n`;
  }
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 126 random bits. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
