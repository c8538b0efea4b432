import type { PeerId, PeerInfo } from '@starling/kernel';

/**
 * Application-level pings on links that are open: they tell a dead event loop from a dead socket. Pings as in SWIM (Das et
 * al., DSN 2002), self-doubt as in Lifeguard (Dadgar et al., 2017).
 */
export type LivenessMessage =
  | { readonly kind: 'ping'; readonly nonce: number }
  | { readonly kind: 'ack'; readonly nonce: number }
  /**
   * Asks a peer to try `target` for the sender (SWIM's ping-req): a neighbour, over a link of its own if it has none, or one
   * that watches it too. The latter also takes note that `target` has been silent for `silentMs` although it was pinged.
   */
  | { readonly kind: 'probe'; readonly target: PeerInfo; readonly nonce: number; readonly silentMs: number }
  | { readonly kind: 'probeReply'; readonly target: PeerId; readonly nonce: number; readonly alive: boolean }
  /** From a watched neighbour, beside its next ping or ack when they have changed: who else watches it. */
  | { readonly kind: 'watchers'; readonly peers: readonly PeerInfo[] };

export type LivenessCommand =
  /** Watch this neighbour from now on. */
  | { readonly kind: 'watch'; readonly peer: PeerInfo }
  | { readonly kind: 'unwatch'; readonly peer: PeerId }
  /** The driver noticed that it was itself late by `lateMs`: doubt yourself before others (Lifeguard §IV). */
  | { readonly kind: 'selfLate'; readonly lateMs: number };

export type LivenessEvent =
  | { readonly kind: 'rtt'; readonly peer: PeerId; readonly rttMs: number }
  /** Missed pings and nobody who was asked could reach it. */
  | { readonly kind: 'dead'; readonly peer: PeerId }
  /** A suspicion that was raised and taken back. */
  | { readonly kind: 'cleared'; readonly peer: PeerId }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
