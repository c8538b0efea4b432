import type { Millis, PeerInfo, Rng } from '@starling/kernel';
import type { SimPeer } from '../engine/peer.ts';
import type { World } from '../engine/world.ts';
import type { WorldObserver } from '../engine/world-port.ts';

/** How peers find their first neighbours, as data. */
export interface DiscoveryModel {
  /** From the question to the answer. */
  readonly answerMs: Millis;
  /** How many random peers an answer names; 0: the first peer of all, as in the papers. The first peer asked gets none. */
  readonly contacts: number;
  /** Asked again this often whether needed or not, so that islands hear of each other; Infinity: only when needed. */
  readonly refreshMs: Millis;
}

/** HyParView §5.1: every peer joins through the same contact. */
export const singleContact: DiscoveryModel = { answerMs: 0, contacts: 0, refreshMs: Number.POSITIVE_INFINITY };

/** A headless service's DNS name and the product's discovery loop: a few addresses are dialled, those that answer are told. */
export const clusterDns: DiscoveryModel = { answerMs: 5, contacts: 5, refreshMs: 30_000 };

/** What discovery gives to a core. Every command union here has it. */
type ContactsCommand = { readonly kind: 'contacts'; readonly peers: readonly PeerInfo[] };

/** Answers `contactsNeeded`, as a host's discovery does, and asks again from time to time. */
export class Discovery<M, C, E extends { readonly kind: string }> implements WorldObserver<M, C, E> {
  /** False while DNS answers nothing. */
  isAvailable = true;
  readonly #world: World<M, C, E>;
  readonly #model: DiscoveryModel;
  readonly #rng: Rng;

  constructor(world: World<M, C, E>, model: DiscoveryModel) {
    this.#world = world;
    this.#model = model;
    this.#rng = world.rng.child();
    world.observe(this);
  }

  started(peer: SimPeer<M, C, E>, now: Millis): void {
    this.#ask(peer, now);
    if (this.#model.refreshMs < Number.POSITIVE_INFINITY) this.#refresh(peer, now, peer.info.incarnation);
  }

  event(peer: SimPeer<M, C, E>, event: E, now: Millis): void {
    if (event.kind === 'contactsNeeded') this.#ask(peer, now);
  }

  #refresh(peer: SimPeer<M, C, E>, now: Millis, incarnation: number): void {
    this.#world.at(now + this.#model.refreshMs * (0.75 + this.#rng.float() / 2), () => {
      if (!peer.isUp || peer.info.incarnation !== incarnation) return;
      this.#answer(peer);
      this.#refresh(peer, this.#world.now, incarnation);
    });
  }

  #ask(peer: SimPeer<M, C, E>, now: Millis): void {
    this.#world.at(now + this.#model.answerMs, () => this.#answer(peer));
  }

  #answer(peer: SimPeer<M, C, E>): void {
    if (!this.isAvailable) return;
    const peers = this.#contactsFor(peer);
    if (peers.length > 0) this.#world.command(peer, { kind: 'contacts', peers } as ContactsCommand as C);
  }

  #contactsFor(peer: SimPeer<M, C, E>): PeerInfo[] {
    const { peers } = this.#world;
    const contacts: PeerInfo[] = [];
    if (this.#model.contacts === 0) {
      const first = peers.find((other) => other.isUp);
      return first === undefined || first === peer ? [] : [first.info];
    }
    // Only who answers the dial is told of.
    for (let tries = 0; contacts.length < this.#model.contacts && tries < 4 * this.#model.contacts; tries++) {
      const other = peers[this.#rng.below(peers.length)] as SimPeer<M, C, E>;
      if (other === peer || contacts.includes(other.info)) continue;
      if (this.#world.reaches(peer, other)) contacts.push(other.info);
    }
    return contacts;
  }
}
