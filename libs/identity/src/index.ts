export { Authority, type Issued, type IssuePolicy } from './authority.ts';
export { initAuthority, readAuthority } from './authority-directory.ts';
export { base32 } from './base32.ts';
export {
  type CertificateReading,
  type CertifiedPeer,
  parseCertificates,
  readPeerCertificateDer,
  validityProblem,
} from './certificate.ts';
export { CertificateWatch, type CertificateWatchOptions } from './certificate-watch.ts';
export { createIdentity, type Identity, isPeerId, loadIdentity, peerIdOf } from './identity.ts';
export { Issuer, type IssuerEvent, type IssuerOptions } from './issuer.ts';
export { authorityKeyOf, type Joined, type JoinWish, joinMesh, renewMembership } from './join-client.ts';
export { type JoinEvent, type JoinRefusal, JoinServer, joinRefusals } from './join-server.ts';
export { JoinTokens, joinTokensMax } from './join-tokens.ts';
export { IdentityError } from './key-file.ts';
export { MessageSigning } from './message-signing.ts';
export { type AlternativeNames, isDnsName, NamePolicy, namesOf } from './names.ts';
export { OperatorKey, OperatorKeys, type OperatorSignature } from './operator-key.ts';
export { publisherOf, RecordVerification, signRecord } from './record-signing.ts';
export {
  authorityLateMs,
  authorityRenewal,
  certificateLateShare,
  certificateRenewal,
  type Renewal,
} from './renewal.ts';
export { createRequest } from './request.ts';
export { meshName, parsePeerUri, peerUri } from './spiffe.ts';
export {
  obtainCertificate,
  readTlsDirectory,
  readTlsKey,
  type TlsMaterial,
  type TlsReading,
  tlsFiles,
} from './tls-directory.ts';
