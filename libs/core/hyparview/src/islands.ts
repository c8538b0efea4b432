import type { Millis, PeerId, PeerInfo, Rng } from '@starling/kernel';
import type { HyParViewConfig } from './config.ts';
import { LostNeighbors } from './lost-neighbors.ts';
import { backedOff, jittered } from './pace.ts';

/**
 * Whom to ask in case it lives on another island. HyParView repairs what breaks, but two full islands have nothing to
 * repair and would stay two for ever. Two hints say that there may be another one: a contact of discovery that is in
 * neither view (*sure* while the passive view has room, since a small mesh is known by heart; else *doubtful* and asked
 * rarely), and a neighbour that was lost. Whoever is heard of through the mesh is on this island, and off the list.
 */
export class Islands {
  readonly #config: HyParViewConfig;
  readonly #rng: Rng;
  /** Made when the first is lost: few peers of a large simulation ever lose one. */
  #lost: LostNeighbors | null = null;
  #hint: PeerInfo | null = null;
  #isHintSure = false;
  #hintAt: Millis = 0;
  #sureAt: Millis = 0;
  #doubtfulAt: Millis = 0;
  #reconnectAt: Millis = 0;
  #reconnects = 0;

  constructor(config: HyParViewConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  /** The first neighbour is there. Most of what is unknown now will be heard of soon, so bridges wait. */
  joined(now: Millis): void {
    this.#sureAt = now + this.#jittered(this.#config.bridgeIntervalMs);
    this.#doubtfulAt = Math.max(this.#doubtfulAt, this.#sureAt);
  }

  /** Discovery found `peer`, which is no neighbour. One hint is kept; a sure one outdoes a doubtful one. */
  suggest(now: Millis, peer: PeerInfo, isSure: boolean): void {
    if (this.#hint !== null && (this.#isHintSure || !isSure)) return;
    this.#hint = peer;
    this.#isHintSure = isSure;
    // Not before now: a deadline in the past looks to a driver as if it were late.
    this.#hintAt = Math.max(now, isSure ? this.#sureAt : this.#doubtfulAt);
  }

  lostNeighbor(now: Millis, peer: PeerInfo): void {
    this.#lost ??= new LostNeighbors(this.#config.lostCapacity, this.#config.lostExpiryMs);
    this.#lost.add(now, peer, this.#rng);
    this.#reconnects = 0;
    this.#reconnectAt = now + this.#jittered(this.#config.reconnectPauseMinMs);
  }

  /** `peer` is on this island, or gone for good. True: it was to be asked, or might have been. */
  settle(peer: PeerId): boolean {
    const wasLost = this.#lost?.delete(peer) === true;
    if (this.#hint?.id !== peer) return wasLost;
    this.#hint = null;
    return true;
  }

  /** Whom to ask now; undefined when nobody is due. */
  due(now: Millis): PeerInfo | undefined {
    const hint = this.#hint;
    if (hint !== null && now >= this.#hintAt) {
      this.#hint = null;
      this.#sureAt = now + this.#jittered(this.#config.bridgeIntervalMs);
      if (!this.#isHintSure) this.#doubtfulAt = now + this.#jittered(this.#config.bridgeDoubtfulIntervalMs);
      return hint;
    }
    if (this.#lost === null || this.#lost.size === 0 || now < this.#reconnectAt) return undefined;
    const { reconnectPauseMinMs, reconnectPauseMaxMs } = this.#config;
    this.#reconnects++;
    this.#reconnectAt = now + this.#jittered(backedOff(reconnectPauseMinMs, reconnectPauseMaxMs, this.#reconnects));
    return this.#lost.pick(now, this.#rng);
  }

  nextDeadline(): Millis {
    const hintAt = this.#hint === null ? Number.POSITIVE_INFINITY : this.#hintAt;
    return this.#lost === null || this.#lost.size === 0 ? hintAt : Math.min(hintAt, this.#reconnectAt);
  }

  #jittered(spanMs: Millis): Millis {
    return jittered(this.#rng, spanMs, this.#config.jitter);
  }
}
