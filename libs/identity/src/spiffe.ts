import type { PeerId } from '@starling/kernel';

/** A mesh's name is a SPIFFE trust domain (SPIFFE-ID §2.1): it stands in certificates, so it has one spelling only. */
export const meshName = /^[a-z0-9._-]{1,63}$/;

const peerPath = /^spiffe:\/\/([a-z0-9._-]{1,63})\/peer(?:\/([a-z2-7]{52}))?$/;

/** What a peer's certificate names it in its one URI SAN: the mesh and the peer. */
export function peerUri(mesh: string, id: PeerId): string {
  return `spiffe://${mesh}/peer/${id}`;
}

/**
 * The mesh and the peer that a URI names; null when it names none. Without an id, `spiffe://<mesh>/peer`, it names whichever
 * peer the key is: an issuer that makes the key itself, as cert-manager does, must write the name before there is one.
 */
export function parsePeerUri(uri: string): { readonly mesh: string; readonly peerId: PeerId | null } | null {
  const [, mesh, peerId = null] = peerPath.exec(uri) ?? [];
  return mesh === undefined ? null : { mesh, peerId };
}

/** What the certificate of a mesh's authority names itself (SPIFFE X.509-SVID §3.1: a signing certificate has no path). */
export function authorityUri(mesh: string): string {
  return `spiffe://${mesh}`;
}
