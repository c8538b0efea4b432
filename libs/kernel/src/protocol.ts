/** Opaque peer identity: compared and used as a map key, never parsed. base32 of SHA-256 of the peer's public key. */
export type PeerId = string;

/**
 * A point on, or a span of, the host's clock, in milliseconds; may carry a fraction. The clock is read once from the wall
 * (ms since 1970) when the process starts and runs monotonically from there, so one number serves deadlines and, within
 * the skew of the machines' clocks, comparison with other peers' times. In the simulator it starts at 0.
 */
export type Millis = number;

/** The last moment that a protobuf timestamp names, the end of the year 9999, in ms since 1970. (timestamp.proto) */
export const timestampMsMax: Millis = 253_402_300_799_999;

/** What one peer tells others about itself. Everything but `id` is a hint that a later `incarnation` replaces. */
export interface PeerInfo {
  readonly id: PeerId;
  /** `host:port` where the peer takes links. */
  readonly address: string;
  /** `host:port` of the client API; empty when the peer has none. */
  readonly apiAddress: string;
  /** Start time of the process in ms since 1970, raised by one for each refutation: of two infos the higher wins. */
  readonly incarnation: number;
  /** Failure domain; empty when unknown. */
  readonly zone: string;
  /** A human name (the pod's), for people only; never compared. */
  readonly name: string;
  /** What it runs, as `1.4.0`, for people only; absent: not known, as of peers too old to say. */
  readonly version?: string;
}

/**
 * Records a core's decisions. It never calls back into the core, so a core may call it at any point of `handle`.
 * `M` is the core's message union, `E` its event union.
 */
export interface Outbox<M, E> {
  /** Makes sure that a link to `peer` exists or is being dialled. Idempotent. Failure comes back as `linkDown`. */
  open(peer: PeerInfo): void;
  /** Queues `message` for a peer whose link is up or opening. Without a link it is dropped and counted by the host. */
  send(to: PeerId, message: M): void;
  /** This core needs the link no longer. The host closes it, after flushing, once no core needs it. */
  close(peer: PeerId): void;
  /** States a fact for the layer above. */
  emit(event: E): void;
}

/**
 * Why a link went, or never came up: `refused` by its host, by itself or by whoever has that address now; `unanswered` in
 * time, though the peer may well be there; `lost` broke; `closed` was ended on purpose by either side.
 */
export type LinkDownReason = 'refused' | 'unanswered' | 'lost' | 'closed';

/** There was no link: what failed is a dial. */
export function isFailedDial(reason: LinkDownReason): boolean {
  return reason === 'refused' || reason === 'unanswered';
}

/** Everything that can happen to a core. Serialisable, so that a failing run can be written down and replayed. */
export type Input<M, C> =
  | { readonly kind: 'message'; readonly from: PeerId; readonly message: M }
  | { readonly kind: 'linkUp'; readonly peer: PeerInfo }
  | { readonly kind: 'linkDown'; readonly peer: PeerId; readonly reason: LinkDownReason }
  | { readonly kind: 'command'; readonly command: C }
  | { readonly kind: 'tick' };

/**
 * A protocol without input and output: input and time go in, decisions come out through the outbox.
 *
 * The driver promises: one caller at a time; `now` never goes back; `linkUp` comes before the first message of a link
 * and `linkDown` after its last. A late, early or extra `tick` is harmless. After each `handle` the driver flushes the
 * outbox and asks for `nextDeadline` again.
 */
export interface ProtocolCore<M, C, E, O extends Outbox<M, E> = Outbox<M, E>> {
  handle(now: Millis, input: Input<M, C>, out: O): void;
  /** When the core wants a `tick`; Infinity when nothing is pending. */
  nextDeadline(): Millis;
}
