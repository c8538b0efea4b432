import { createPrivateKey, generateKeyPairSync, type X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Authority, type Issued } from './authority.ts';
import {
  isIssuedBy,
  parseCertificates,
  readPeerCertificate,
  readPeerCertificateDer,
  validityProblem,
} from './certificate.ts';
import { createIdentity, type Identity } from './identity.ts';
import { NamePolicy, namesOf } from './names.ts';
import { createRequest } from './request.ts';
import { renewedAuthority } from './rooted-authority.test-support.ts';
import { loadX509, p256 } from './x509.ts';

const day = 86_400_000;
const policy = { names: new NamePolicy(['*.peers.mesh.svc', 'api.example', '10.0.0.0/8']), lifetimeMs: day };
let authority: Authority;
let identity: Identity;

beforeAll(async () => {
  authority = await Authority.create('prod');
  identity = createIdentity();
});

/** A new peer's key, and what the authority gives it. */
async function certificatesOf(by: Authority) {
  const peer = createIdentity();
  const issued = await by.issue(await createRequest(peer, namesOf([])), policy);
  if (!issued.ok) throw new Error(issued.problem);
  return { key: peer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), chain: issued.certificate };
}

/** What each side has against the other's certificate; null when nothing. */
function handshake(...sides: readonly { key?: string; chain?: string; ca?: string | undefined }[]) {
  const [server, client] = sides.map(({ key, chain, ca }) => ({ key, cert: chain, ca, rejectUnauthorized: false }));
  return new Promise<{ server: unknown; client: unknown }>((resolve, reject) => {
    const outcome: { server?: unknown; client?: unknown } = {};
    const listener = createServer({ ...server, requestCert: true }, (socket) => {
      outcome.server = socket.authorizationError ?? null;
      socket.end();
    });
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as AddressInfo;
      const socket = connect({ ...client, port, host: '127.0.0.1', checkServerIdentity: () => undefined });
      socket.on('secureConnect', () => {
        outcome.client = socket.authorizationError ?? null;
      });
      socket.on('error', reject).on('close', () => {
        listener.close();
        resolve({ server: outcome.server, client: outcome.client });
      });
      socket.resume();
    });
  });
}

function certificateOf(issued: Issued) {
  if (!issued.ok) throw new Error(issued.problem);
  const [certificate] = parseCertificates(issued.certificate);
  if (certificate === undefined) throw new Error('no certificate');
  return certificate;
}

const request = (...names: string[]): Promise<string> => createRequest(identity, namesOf(names));

describe('an authority', () => {
  it('gives the key of a request the certificate of its own id, in its own mesh', async () => {
    const leaf = certificateOf(await authority.issue(await request('p-0.peers.mesh.svc', '10.1.2.3'), policy));
    const reading = readPeerCertificate(leaf);
    expect(reading).toMatchObject({ ok: true, peer: { mesh: 'prod', peerId: identity.id } });
    expect(leaf.subjectAltName).toContain(`URI:spiffe://prod/peer/${identity.id}`);
    for (const name of ['localhost', 'p-0.peers.mesh.svc']) expect(leaf.checkHost(name), name).toBe(name);
    for (const ip of ['127.0.0.1', '::1', '10.1.2.3']) expect(leaf.checkIP(ip), ip).toBeDefined();
    expect(leaf.checkPrivateKey(identity.privateKey)).toBe(true);
    expect(leaf.ca).toBe(false);
    // id-kp-serverAuth, id-kp-clientAuth: it is shown at both ends of a link.
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(isIssuedBy(leaf, [], parseCertificates(authority.bundle))).toBe(true);
    const stranger = await Authority.create('prod');
    expect(isIssuedBy(leaf, [], parseCertificates(stranger.bundle))).toBe(false);
  });

  it('signs in a way that its own certificate knows again, whoever made that: tools name a key in different ways', async () => {
    const x509 = await loadX509();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const foreign = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=made elsewhere',
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + day),
      signingAlgorithm: p256,
      keys: {
        privateKey: privateKey.toCryptoKey(p256, false, ['sign']),
        publicKey: publicKey.toCryptoKey(p256, true, ['verify']),
      },
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        // Go names a key by 20 bytes of its SHA-256, where RFC 5280 suggests SHA-1.
        new x509.SubjectKeyIdentifierExtension('0102030405060708090a0b0c0d0e0f1011121314'),
      ],
    });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const other = Authority.of('prod', foreign.toString('pem'), pem);
    const leaf = certificateOf(await other.issue(await request(), policy));
    expect(isIssuedBy(leaf, [], parseCertificates(other.bundle))).toBe(true);
  });

  it('under a root shows what is between, so that who trusts the root knows its leaves before knowing of it', async () => {
    const { root, before, after } = await renewedAuthority();
    // One peer has heard of the authority's new key, the other not yet.
    const [old, young] = [Authority.of('prod', ...before, root), Authority.of('prod', ...after, root)];
    const shown = await Promise.all([old, young].map((each) => certificatesOf(each)));
    expect(shown.map(({ chain }) => parseCertificates(chain).length)).toEqual([2, 2]);
    for (const [server, client] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const outcome = await handshake(
        { ...shown[server], ca: [old, young][server]?.bundle },
        { ...shown[client], ca: [old, young][client]?.bundle },
      );
      expect(outcome).toEqual({ server: null, client: null });
    }
    const [leaf] = parseCertificates(shown[1]?.chain ?? '');
    expect(isIssuedBy(leaf as X509Certificate, [], parseCertificates(old.bundle))).toBe(false);
  });

  it('under a root that nobody trusts is none: links end a chain at a root only', async () => {
    const { before } = await renewedAuthority();
    expect(() => Authority.of('prod', ...before)).toThrow(/is under a root, which peers must trust, too/);
  });

  it('gives it for as long as it was told, and never longer than it lives itself', async () => {
    const now = Date.now();
    const leaf = certificateOf(await authority.issue(await request(), policy, now));
    expect(Math.abs(leaf.validToDate.getTime() - now - day)).toBeLessThan(1_000);
    const old = await Authority.create('prod', now - day, day + 60_000);
    const short = certificateOf(await old.issue(await request(), policy, now));
    expect(Math.abs(short.validToDate.getTime() - now - 60_000)).toBeLessThan(1_000);
    expect(await old.issue(await request(), policy, now + 2 * day)).toEqual({
      ok: false,
      problem: 'the authority itself has expired',
    });
  });

  it.each([
    ['another name', 'elsewhere.example'],
    ['two labels where one is allowed', 'a.b.peers.mesh.svc'],
    ['the suffix itself', 'peers.mesh.svc'],
    ['an address outside', '192.168.0.1'],
  ])('refuses %s', async (_what, name) => {
    const issued = await authority.issue(await request(name), policy);
    expect(issued).toEqual({ ok: false, problem: `the name ${name} is not allowed` });
  });

  it('refuses a request that was changed after it was signed: only the holder of a key gets its certificate', async () => {
    const pem = await request();
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    der[der.indexOf(Buffer.from('localhost'))] = 'm'.charCodeAt(0);
    const bent = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    const issued = await authority.issue(bent, { ...policy, names: new NamePolicy(['mocalhost']) });
    expect(issued).toEqual({ ok: false, problem: 'its signature is not by its key' });
  });

  it('refuses keys of another kind, and names that a peer cannot have', async () => {
    const x509 = await loadX509();
    const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const other = await x509.Pkcs10CertificateRequestGenerator.create({
      keys: {
        privateKey: privateKey.toCryptoKey(p384, false, ['sign']),
        publicKey: publicKey.toCryptoKey(p384, true, ['verify']),
      },
      signingAlgorithm: p384,
    });
    expect(await authority.issue(other.toString('pem'), policy)).toEqual({
      ok: false,
      problem: 'its key is not P-256',
    });

    const claim = await x509.Pkcs10CertificateRequestGenerator.create({
      keys: {
        privateKey: identity.privateKey.toCryptoKey(p256, false, ['sign']),
        publicKey: identity.publicKey.toCryptoKey(p256, true, ['verify']),
      },
      signingAlgorithm: p256,
      extensions: [
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://prod/peer/${'a'.repeat(52)}` }]),
      ],
    });
    const issued = await authority.issue(claim.toString('pem'), policy);
    expect(issued).toEqual({ ok: false, problem: 'it asks for a name of type url' });
  });

  it('throws for no request, whatever its bytes', async () => {
    const good = await request();
    const bytes = fc.oneof(
      fc.string(),
      fc
        .record({ at: fc.nat(good.length - 1), with: fc.string({ maxLength: 3 }) })
        .map((change) => good.slice(0, change.at) + change.with + good.slice(change.at + 1)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        const issued = await authority.issue(text, policy);
        expect(typeof issued.ok).toBe('boolean');
      }),
      { numRuns: 100 },
    );
  });

  it('is itself again from what was kept, and nothing else', async () => {
    const again = Authority.of('prod', authority.certificate, authority.key);
    const leaf = certificateOf(await again.issue(await request(), policy));
    expect(isIssuedBy(leaf, [], parseCertificates(authority.bundle))).toBe(true);
    expect(() => Authority.of('other', authority.certificate, authority.key)).toThrow(
      /spiffe:\/\/prod, not of spiffe:\/\/other/,
    );
    const key = createIdentity().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => Authority.of('prod', authority.certificate, key)).toThrow(/key is not that of its certificate/);
    const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { privateKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    for (const [other, kind] of [
      [rsa, 'rsa'],
      [p384, 'secp384r1'],
    ] as const) {
      const pem = other.export({ type: 'pkcs8', format: 'pem' }).toString();
      const problem = `the authority's key is of ${kind}: it must be of P-256 (prime256v1)`;
      expect(() => Authority.of('prod', authority.certificate, pem)).toThrow(problem);
    }
    expect(() => Authority.of('prod', 'x', authority.key)).toThrow(/no certificate of an authority/);
    expect(createPrivateKey(authority.key).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    await expect(Authority.create('Prod')).rejects.toThrow(/no name of a mesh/);
  });
});

describe("a peer's certificate", () => {
  it('has its time', async () => {
    const now = Date.now();
    const leaf = certificateOf(await authority.issue(await request(), policy, now));
    const reading = readPeerCertificate(leaf);
    if (!reading.ok) throw new Error(reading.problem);
    expect(validityProblem(reading.peer, now)).toBeNull();
    expect(validityProblem(reading.peer, now + 2 * day)).toMatch(/^expired at /);
    expect(validityProblem(reading.peer, now - day)).toMatch(/^is not valid before /);
  });

  it('is not an authority, nor what cannot be read', () => {
    const [own] = parseCertificates(authority.certificate);
    expect(readPeerCertificateDer(own?.raw ?? Buffer.alloc(0))).toMatchObject({ ok: false });
    expect(readPeerCertificateDer(Buffer.from('garbage'))).toEqual({ ok: false, problem: 'cannot be read' });
  });

  async function signed(uris: readonly string[]) {
    const x509 = await loadX509();
    const key = createPrivateKey(authority.key).toCryptoKey(p256, false, ['sign']);
    const holder = createIdentity();
    const made = await x509.X509CertificateGenerator.create({
      serialNumber: '40',
      subject: 'CN=forged',
      issuer: new x509.X509Certificate(authority.certificate).subjectName,
      notBefore: new Date(),
      notAfter: new Date(Date.now() + day),
      signingAlgorithm: p256,
      publicKey: holder.publicKey.toCryptoKey(p256, true, ['verify']),
      signingKey: key,
      extensions: [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))],
    });
    return { holder, reading: readPeerCertificateDer(Buffer.from(made.rawData)) };
  }

  it("cannot have another peer's id, not even from the authority", async () => {
    const { reading } = await signed([`spiffe://prod/peer/${identity.id}`]);
    expect(reading).toMatchObject({ ok: false, problem: expect.stringMatching(/its key is that of/) });
  });

  it('need not name the peer: whoever made the key before the name may name the mesh only', async () => {
    const { reading, holder } = await signed(['spiffe://prod/peer']);
    expect(reading).toMatchObject({ ok: true, peer: { mesh: 'prod', peerId: holder.id } });
  });

  it.each([
    [[], /has 0 URIs/],
    [['spiffe://prod/peer', 'spiffe://test/peer'], /has 2 URIs/],
    [['spiffe://prod/ns/default/sa/default'], /names no peer/],
    [['https://prod/peer'], /names no peer/],
    [['spiffe://Prod/peer'], /names no peer/],
    [['spiffe://prod/peer/short'], /names no peer/],
  ])('has exactly one URI, of a peer: %j', async (uris, problem) => {
    const { reading } = await signed(uris);
    expect(reading).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
  });
});

describe('names', () => {
  it.each(['', '*', '*.', 'A.example', 'a..b', '-a', '10.0.0.0/33', 'x/8', '1.2.3'.concat('.4/x')])(
    '%j is no pattern',
    (pattern) => {
      expect(() => new NamePolicy([pattern])).toThrow(/neither|no network/);
    },
  );
});
