import type { Millis, PeerId, PeerInfo } from '@starling/kernel';

const never = Number.POSITIVE_INFINITY;

/** What is known about one watched neighbour. Plain data: the core decides. */
export class Watch {
  readonly peer: PeerInfo;
  /** The next ping. */
  pingAt: Millis;
  /** When the last ping counts as missed; Infinity once that was judged. */
  ackBy: Millis = never;
  /** When a suspect is dead; Infinity while there is no suspicion. */
  deadAt: Millis = never;
  /** The last ping and its nonce, for the round trip; NaN when no answer is awaited, because no nonce from afar equals it. */
  pingedAt: Millis = Number.NEGATIVE_INFINITY;
  nonce = Number.NaN;
  /** The first ping of those not known to be followed by a sign of life; Infinity when there is none. */
  silentSince: Millis = never;
  misses = 0;
  /** The last sign of life of its own. */
  heardAt: Millis;
  /** A neighbour reached it during this suspicion. */
  isVouchedFor = false;
  /** Suspicions in a row that ended by such a word alone. */
  vouchedCount = 0;
  /** Nonce of our probe requests; NaN before the first. */
  probeNonce = Number.NaN;
  /** Its other watchers know of this silence: we told them, or one of them told us. */
  isShared = false;
  /** Who else watches it, by its own word; null before it has said so. */
  watchers: readonly PeerInfo[] | null = null;
  /** One end is the guardian of the other. */
  isGuarded = true;
  /** Which of our own lists of watchers it was told. */
  toldList = 0;
  /** Smoothed round trip; NaN before the first. */
  rttMs = Number.NaN;
  toldRttMs = Number.NaN;
  toldRttAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(peer: PeerInfo, now: Millis, pingAt: Millis) {
    this.peer = peer;
    this.heardAt = now;
    this.pingAt = pingAt;
  }

  get isSuspect(): boolean {
    return this.deadAt !== never;
  }

  /** Pinged, and nothing heard since. */
  get isSilent(): boolean {
    return this.silentSince !== never && this.heardAt < this.silentSince;
  }

  /** Pinged, and something heard since. */
  get isHeard(): boolean {
    return this.heardAt >= this.silentSince;
  }

  /** Forgets misses and suspicion. */
  calm(): void {
    this.silentSince = never;
    this.misses = 0;
    this.deadAt = never;
    this.isVouchedFor = false;
    this.isShared = false;
  }

  isWatchedBy(peer: PeerId): boolean {
    return this.watchers?.some(({ id }) => id === peer) ?? false;
  }

  nextDeadline(): Millis {
    return Math.min(this.pingAt, this.ackBy, this.deadAt);
  }
}
