import { type KeyObject, X509Certificate } from 'node:crypto';
import type { PeerId } from '@starling/kernel';
import { peerIdOf } from './identity.ts';
import { parsePeerUri } from './spiffe.ts';

/** What a certificate says about who holds its key. */
export interface CertifiedPeer {
  readonly mesh: string;
  readonly peerId: PeerId;
  /** Names and addresses for clients that check host names, as they stand in the certificate. */
  readonly names: readonly string[];
  /** Ms since 1970. */
  readonly validFrom: number;
  readonly expiresAt: number;
}

export type CertificateReading =
  | { readonly ok: true; readonly peer: CertifiedPeer }
  | { readonly ok: false; readonly problem: string };

/** Certificates in one file: a leaf with its intermediates, or the authorities of a mesh. A bundle above it is not read. */
const certificatesMax = 16;
const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Who a leaf certificate speaks of. Its chain and its time are judged elsewhere: by TLS, and by `validityProblem`.
 * The id is that of the certificate's own key, and none other may be written: not even an authority can give one peer's id to another's key.
 */
export function readPeerCertificate(certificate: X509Certificate): CertificateReading {
  const names = alternativeNames(certificate.subjectAltName ?? '');
  const uris = names.filter((name) => name.startsWith('URI:')).map((name) => name.slice(4));
  // SPIFFE X.509-SVID §2: exactly one URI.
  if (uris.length !== 1) return { ok: false, problem: `has ${uris.length} URIs instead of one that names the peer` };
  const named = parsePeerUri(uris[0] ?? '');
  if (named === null) return { ok: false, problem: 'names no peer of a mesh' };
  if (certificate.ca) return { ok: false, problem: "is an authority's, not a peer's" };
  const id = peerIdOf(certificate.publicKey);
  if (named.peerId !== null && id !== named.peerId)
    return { ok: false, problem: `names peer ${named.peerId}, but its key is that of ${id}` };
  const peer = {
    mesh: named.mesh,
    peerId: id,
    names: names.filter((name) => !name.startsWith('URI:')).map((name) => name.replace(/^(?:DNS|IP Address):/, '')),
    validFrom: certificate.validFromDate.getTime(),
    expiresAt: certificate.validToDate.getTime(),
  };
  return { ok: true, peer };
}

/** The same, of a certificate as it came in a handshake. */
export function readPeerCertificateDer(der: Uint8Array): CertificateReading {
  try {
    return readPeerCertificate(new X509Certificate(der));
  } catch {
    return { ok: false, problem: 'cannot be read' };
  }
}

/** Why a certificate is not good at `now` (ms since 1970); null when it is. */
export function validityProblem(peer: Pick<CertifiedPeer, 'validFrom' | 'expiresAt'>, now: number): string | null {
  if (now >= peer.expiresAt) return `expired at ${new Date(peer.expiresAt).toISOString()}`;
  if (now < peer.validFrom) return `is not valid before ${new Date(peer.validFrom).toISOString()}`;
  return null;
}

/** All certificates of a PEM file, at most 16. Throws when one cannot be read, or there are more. */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(pemBlock) ?? [];
  if (blocks.length > certificatesMax) throw new Error(`has more than ${certificatesMax} certificates`);
  return blocks.map((block) => new X509Certificate(block));
}

/** Whether `leaf` is signed, over the intermediates that came with it, by one of the authorities. Says nothing about time. */
export function isIssuedBy(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): boolean {
  let at = leaf;
  for (let depth = 0; depth <= intermediates.length; depth++) {
    const below = at;
    const signed = (above: X509Certificate): boolean => below.checkIssued(above) && below.verify(above.publicKey);
    if (authorities.some(signed)) return true;
    const next = intermediates.find((above) => above.ca && signed(above));
    if (next === undefined) return false;
    at = next;
  }
  return false;
}

export function isKeyOf(certificate: X509Certificate, privateKey: KeyObject): boolean {
  return certificate.checkPrivateKey(privateKey);
}

/** Node separates them by commas, and quotes a name that has one. */
function alternativeNames(text: string): readonly string[] {
  return (text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []).map((name) => name.trim());
}
