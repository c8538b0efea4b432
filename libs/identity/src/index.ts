export { base32 } from './base32.ts';
export { createIdentity, type Identity, loadIdentity, peerIdOf } from './identity.ts';
export { IdentityError } from './key-file.ts';
