import type { Input, Millis, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import type { NetworkModel } from './network.ts';
import type { SimPeer } from './peer.ts';

/** What the world asks of whoever runs it. */
export interface WorldOptions<M, C, E> {
  /** Decides everything: same seed, same trace hash. */
  readonly seed: number;
  readonly network: NetworkModel;
  /** Builds the core of a peer that starts (again). `rng` is its own. */
  readonly boot: (info: PeerInfo, rng: Rng, now: Millis) => ProtocolCore<M, C, E>;
  /** A number that tells messages apart in the trace hash. */
  readonly tagOf: (message: M) => number;
  /** Bytes on the wire, all framing included; without it bytes are not counted and bandwidth is infinite. */
  readonly sizeOf?: (message: M) => number;
  /** A message as a faulty neighbour would send it; null when it comes as nothing a decoder accepts. */
  readonly garble?: (message: M, rng: Rng) => M | null;
}

/** Watches a world from outside. Called between inputs, never inside a core; may look at everything and change nothing. */
export interface WorldObserver<M, C, E> {
  /** A core stated a fact. */
  event?(peer: SimPeer<M, C, E>, event: E, now: Millis): void;
  /** A core has handled an input. */
  handled?(peer: SimPeer<M, C, E>, now: Millis, input: Input<M, C>): void;
  /** A message goes onto a link. */
  sent?(from: SimPeer<M, C, E>, to: SimPeer<M, C, E>, message: M, now: Millis): void;
  started?(peer: SimPeer<M, C, E>, now: Millis): void;
  stopped?(peer: SimPeer<M, C, E>, now: Millis): void;
}

/** One who watches what is sent. */
export type SentObserver<M, C, E> = Required<Pick<WorldObserver<M, C, E>, 'sent'>>;

/** One who watches every input. */
export type HandledObserver<M, C, E> = Required<Pick<WorldObserver<M, C, E>, 'handled'>>;

/** What has happened so far, in numbers. */
export interface WorldStats {
  /** Events taken from the queue. */
  events: number;
  messages: number;
  bytes: number;
  /** Sent without a link. */
  dropped: number;
  /** Under way on a link that broke. */
  lost: number;
  dials: number;
  garbled: number;
}

/** The tag of a message that has a `kind`, cheaply: enough for a difference to show. */
export function tagOfKind(message: { readonly kind: string }): number {
  const { kind: name } = message;
  return (name.charCodeAt(0) << 16) | (name.charCodeAt(name.length - 1) << 8) | name.length;
}
