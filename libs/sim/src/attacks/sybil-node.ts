import type { HyParViewMessage } from '@starling/core-hyparview';
import type { Input, Millis, Outbox, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import {
  isBroadcast,
  type SwarmCommand,
  type SwarmConfig,
  type SwarmEvent,
  type SwarmMessage,
  SwarmNode,
} from '../node/swarm-node.ts';
import type { Adversary } from './adversary.ts';

type Out = Outbox<SwarmMessage, SwarmEvent>;

/** Attackers named in one poisoned sample: as many as an honest shuffle carries. */
const sampleSize = 8;
const cycleMs = 1_000;

/**
 * A peer with a valid identity that wants links. Until the attack begins it is the product. Then it asks for places with
 * the highest priority, takes everybody who asks, names nobody but its fellows, swallows walks, and relays nothing.
 */
export class SybilNode implements ProtocolCore<SwarmMessage, SwarmCommand, SwarmEvent> {
  readonly #adversary: Adversary;
  readonly #self: PeerInfo;
  readonly #rng: Rng;
  readonly #disguise: SwarmNode;
  /** Honest peers that it is linked with. */
  readonly #victims = new Map<PeerId, PeerInfo>();
  #isAttacking = false;
  #nextAt: Millis = 0;

  constructor(adversary: Adversary, config: SwarmConfig, self: PeerInfo, rng: Rng) {
    this.#adversary = adversary;
    this.#self = self;
    this.#rng = rng.child();
    this.#disguise = new SwarmNode(config, self, rng);
    adversary.enlist(self);
  }

  handle(now: Millis, input: Input<SwarmMessage, SwarmCommand>, out: Out): void {
    if (!this.#isAttacking && now < this.#adversary.attacksFrom) {
      this.#disguise.handle(now, input, out);
      return;
    }
    if (!this.#isAttacking) this.#begin(now);
    switch (input.kind) {
      case 'message':
        if (!isBroadcast(input.message)) this.#onMessage(input.from, input.message, out);
        return;
      case 'linkDown':
        this.#victims.delete(input.peer);
        return;
      case 'tick':
        if (now >= this.#nextAt) this.#act(out);
        while (this.#nextAt <= now) this.#nextAt += cycleMs;
        return;
      default:
        return;
    }
  }

  nextDeadline(): Millis {
    if (this.#isAttacking) return this.#nextAt;
    return Math.min(this.#disguise.nextDeadline(), this.#adversary.attacksFrom);
  }

  #begin(now: Millis): void {
    this.#isAttacking = true;
    // Not all in the same instant.
    this.#nextAt = now + this.#rng.float() * cycleMs;
    for (const peer of this.#disguise.membership.activeView()) {
      if (!this.#adversary.has(peer.id)) this.#victims.set(peer.id, peer);
    }
  }

  #act(out: Out): void {
    const { strength, targets } = this.#adversary;
    for (let i = 0; i < strength.requests && targets.length > 0; i++) {
      const target = targets[this.#rng.below(targets.length)] as PeerInfo;
      if (!this.#victims.has(target.id)) this.#demand(target, out);
    }
    for (const victim of this.#victims.keys()) {
      for (let i = 0; i < strength.poison; i++) {
        const fellow = this.#fellows(1)[0] ?? this.#self;
        out.send(victim, { kind: 'shuffle', origin: fellow, ttl: 1, sample: this.#fellows(sampleSize) });
        out.send(victim, { kind: 'forwardJoin', joiner: this.#fellows(1)[0] ?? this.#self, ttl: 0 });
      }
    }
  }

  #demand(target: PeerInfo, out: Out): void {
    out.open(target);
    // A join evicts as well, and sends walks besides.
    if (this.#rng.below(4) === 0) out.send(target.id, { kind: 'join', sender: this.#self });
    else out.send(target.id, { kind: 'neighbor', sender: this.#self, priority: 'high', dropping: null });
  }

  #onMessage(from: PeerId, message: HyParViewMessage, out: Out): void {
    switch (message.kind) {
      case 'join':
      case 'neighbor':
        out.open(message.sender);
        out.send(from, { kind: 'neighborReply', accepted: true, dropped: null });
        this.#link(message.sender);
        return;
      case 'neighborReply': {
        const target = this.#adversary.target(from);
        if (message.accepted && target !== undefined) this.#link(target);
        else if (!this.#victims.has(from)) out.close(from);
        return;
      }
      case 'forwardJoin':
        if (!this.#adversary.has(message.joiner.id)) this.#demand(message.joiner, out);
        return;
      case 'disconnect':
        this.#victims.delete(from);
        out.close(from);
        return;
      case 'shuffle': {
        const { origin } = message;
        if (this.#adversary.has(origin.id)) return;
        out.open(origin);
        out.send(origin.id, { kind: 'shuffleReply', sample: this.#fellows(sampleSize) });
        if (!this.#victims.has(origin.id)) out.close(origin.id);
        return;
      }
      case 'shuffleReply':
        return;
    }
  }

  #link(peer: PeerInfo): void {
    if (!this.#adversary.has(peer.id)) this.#victims.set(peer.id, peer);
  }

  #fellows(count: number): PeerInfo[] {
    const { attackers } = this.#adversary;
    return Array.from({ length: count }, () => attackers[this.#rng.below(attackers.length)] as PeerInfo);
  }
}
