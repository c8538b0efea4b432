import type { KeyObject } from 'node:crypto';
import { type AlternativeNames, namesMax } from './names.ts';
import { loadX509, p256 } from './x509.ts';

/** A signed request for a certificate, PEM (PKCS#10): the signature proves who holds the key, which stays where it is. */
export async function createRequest(
  keys: {
    readonly privateKey: KeyObject;
    readonly publicKey: KeyObject;
  },
  names: AlternativeNames,
): Promise<string> {
  const x509 = await loadX509();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'O=Starling',
    keys: {
      privateKey: keys.privateKey.toCryptoKey(p256, false, ['sign']),
      publicKey: keys.publicKey.toCryptoKey(p256, true, ['verify']),
    },
    signingAlgorithm: p256,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        ...names.dns.map((value) => ({ type: 'dns' as const, value })),
        ...names.ips.map((value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  });
  return `${request.toString('pem')}\n`;
}

/** What a request asks for, once it is known that its sender holds the key. */
export type RequestReading =
  | { readonly ok: true; readonly spki: Uint8Array; readonly names: AlternativeNames }
  | { readonly ok: false; readonly problem: string };

/** Reads a request of whoever. Never throws. What is asked for beside a key and names (uses, other names) is ignored. */
export async function readRequest(pem: string): Promise<RequestReading> {
  const x509 = await loadX509();
  try {
    const request = new x509.Pkcs10CertificateRequest(pem);
    const { name, namedCurve } = request.publicKey.algorithm as { name?: string; namedCurve?: string };
    if (name !== p256.name || namedCurve !== p256.namedCurve) return { ok: false, problem: 'its key is not P-256' };
    if (!(await request.verify())) return { ok: false, problem: 'its signature is not by its key' };
    const names = request.extensions.flatMap((extension) =>
      extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.toJSON() : [],
    );
    if (names.length > namesMax) return { ok: false, problem: `it asks for more than ${namesMax} names` };
    const strange = names.find(({ type }) => type !== 'dns' && type !== 'ip');
    if (strange !== undefined) return { ok: false, problem: `it asks for a name of type ${strange.type}` };
    const of = (type: string): string[] => names.filter((each) => each.type === type).map(({ value }) => String(value));
    return { ok: true, spki: new Uint8Array(request.publicKey.rawData), names: { dns: of('dns'), ips: of('ip') } };
  } catch {
    return { ok: false, problem: 'it is no request for a certificate' };
  }
}
