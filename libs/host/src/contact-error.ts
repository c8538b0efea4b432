/** Why `Transport.contact` came to nothing: the `reason` of a `ContactError`. */
export type ContactFailure =
  /** Nobody listens there, or the connection broke before both sides had said hello. */
  | 'unreachable'
  /** No hello within the connect deadline: silent, overloaded, or no Starling peer. */
  | 'timeout'
  /** The address is this peer's own. */
  | 'self'
  /** Somebody else answered than was meant. */
  | 'wrong-peer'
  | 'wrong-mesh'
  /** No protocol version in common. */
  | 'wrong-version'
  /** The first frame was no valid hello. */
  | 'bad-hello'
  /** The certificate of the other side, or of this one as the other side sees it, is not to be trusted. */
  | 'untrusted'
  /** A certificate is another peer's than the one that the hello names. */
  | 'not-certified'
  /** One side encrypts and the other does not. */
  | 'tls-mismatch'
  /** The other side is banned here, or this peer there. */
  | 'banned'
  /** The other side is stopping or has too many links. */
  | 'busy'
  /** This transport is not started, or stopping. */
  | 'stopped';

/** What `Transport.contact` rejects with. No state changed. */
export class ContactError extends Error {
  override readonly name = 'ContactError';
  readonly reason: ContactFailure;
  readonly address: string;

  constructor(address: string, reason: ContactFailure, detail: string) {
    super(`${address}: ${detail}`);
    this.address = address;
    this.reason = reason;
  }
}
