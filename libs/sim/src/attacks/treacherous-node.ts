import type { Gossip } from '@starling/core-plumtree';
import type { Input, Millis, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import type { Body, MeshCommand, MeshConfig, MeshEvent, MeshOutbox } from '@starling/mesh';
import { MeshNode, type SimMessage } from '../node/mesh-node.ts';
import type { Adversary } from './adversary.ts';

/**
 * What a relay may do wrong. `blackHole`: takes everything and passes nothing on. `falsePromise`: announces everything and
 * serves nothing. `censor`: passes all on but one topic. `spam`: announces messages that there are not. `replay`: sends what it
 * has seen again and again.
 */
export type Treachery = 'blackHole' | 'falsePromise' | 'censor' | 'spam' | 'replay';

export const censoredTopic = 'sim.censored';

const beatMs = 100;
const beatsPerCycle = 10;
/** Links that an attacker wants: as many as there are. */
const linksWanted = 10_000;
const spamItems = 64;
const spamRange = 16;
const replayed = 32;

/**
 * The product with a valid identity and another mind: it keeps all the links it can get, asks honest peers for more of them
 * once the attack has begun, and then does what its treachery says. All else it does as it should.
 */
export class TreacherousNode implements ProtocolCore<SimMessage, MeshCommand, MeshEvent>, MeshOutbox<Body> {
  readonly #adversary: Adversary;
  readonly #treachery: Treachery;
  readonly #self: PeerInfo;
  readonly #rng: Rng;
  readonly #inner: MeshNode;
  readonly #censored = new Set<string>();
  readonly #seen: Gossip<Body>[] = [];
  #out!: MeshOutbox<Body>;
  #isAttacking = false;
  #beats = 0;
  #nextAt: Millis = 0;

  constructor(adversary: Adversary, treachery: Treachery, config: MeshConfig, self: PeerInfo, rng: Rng) {
    this.#adversary = adversary;
    this.#treachery = treachery;
    this.#self = self;
    this.#rng = rng.child();
    const hyparview = {
      ...config.hyparview,
      rankedPlaces: false,
      activeCapacity: linksWanted,
      attemptsMax: linksWanted + 1,
    };
    this.#inner = new MeshNode({ ...config, hyparview }, self, rng);
    adversary.enlist(self);
  }

  handle(now: Millis, input: Input<SimMessage, MeshCommand>, out: MeshOutbox<Body>): void {
    this.#out = out;
    if (!this.#isAttacking && now >= this.#adversary.attacksFrom) {
      this.#isAttacking = true;
      this.#nextAt = now + this.#rng.float() * beatMs;
    }
    if (input.kind === 'message') this.#overhear(now, input.from, input.message);
    if (input.kind === 'tick' && this.#isAttacking && now >= this.#nextAt) this.#beat(now);
    this.#inner.handle(now, input, this);
  }

  nextDeadline(): Millis {
    return Math.min(this.#inner.nextDeadline(), this.#isAttacking ? this.#nextAt : this.#adversary.attacksFrom);
  }

  open(peer: PeerInfo): void {
    this.#out.open(peer);
  }

  close(peer: PeerId): void {
    this.#out.close(peer);
  }

  emit(event: MeshEvent): void {
    this.#out.emit(event);
  }

  send(to: PeerId, message: SimMessage): void {
    const sent = this.#isAttacking ? this.#twisted(message) : message;
    if (sent !== null) this.#out.send(to, sent);
  }

  /** A message as this relay passes it on; null when it does not. */
  #twisted(message: SimMessage): SimMessage | null {
    if (message.area !== 'broadcast') return message;
    const { message: inner } = message;
    switch (this.#treachery) {
      case 'blackHole':
        return inner.kind === 'prune' || inner.kind === 'graft' || inner.kind === 'held' ? message : null;
      case 'falsePromise': {
        if (inner.kind !== 'gossip') return message;
        const { stream, seq, round, tree, entry } = inner;
        return { ...message, message: { kind: 'iHave', items: [{ stream, from: seq, to: seq, round, tree, entry }] } };
      }
      case 'censor':
        if (inner.kind === 'gossip') return this.#censored.has(`${inner.stream} ${inner.seq}`) ? null : message;
        if (inner.kind !== 'iHave') return message;
        // A run that has one of them is left out as a whole.
        return {
          ...message,
          message: {
            kind: 'iHave',
            items: inner.items.filter(({ stream, from }) => !this.#censored.has(`${stream} ${from}`)),
          },
        };
      default:
        return message;
    }
  }

  #overhear(now: Millis, from: PeerId, message: SimMessage): void {
    if (message.area === 'broadcast' && message.message.kind === 'gossip') {
      const gossip = message.message;
      if (gossip.body.kind === 'user' && gossip.body.topic === censoredTopic) {
        this.#censored.add(`${gossip.stream} ${gossip.seq}`);
      }
      if (this.#treachery === 'replay' && this.#seen.push(gossip) > replayed) this.#seen.shift();
    }
    // A place was given: to the product inside it looks as if the other one had asked.
    const target = this.#adversary.target(from);
    if (!this.#isAttacking || target === undefined || message.area !== 'membership') return;
    if (message.message.kind !== 'neighborReply' || !message.message.accepted) return;
    if (this.#inner.mesh.root.membership.isNeighbor(from)) return;
    const asked = { kind: 'neighbor', sender: target, priority: 'high', dropping: null } as const;
    this.#inner.handle(now, { kind: 'message', from, message: { area: 'membership', swarm: 0, message: asked } }, this);
  }

  #beat(now: Millis): void {
    while (this.#nextAt <= now) this.#nextAt += beatMs;
    const { strength, targets } = this.#adversary;
    if (this.#beats++ % beatsPerCycle === 0) {
      for (let i = 0; i < strength.requests && targets.length > 0; i++) {
        this.#demand(targets[this.#rng.below(targets.length)] as PeerInfo);
      }
    }
    if (this.#treachery !== 'spam' && this.#treachery !== 'replay') return;
    for (const { id } of this.#inner.mesh.root.membership.activeView()) {
      if (this.#adversary.has(id)) continue;
      if (this.#treachery === 'spam') this.#out.send(id, this.#invented());
      else for (const gossip of this.#seen) this.#out.send(id, { area: 'broadcast', swarm: 0, message: gossip });
    }
  }

  #demand(target: PeerInfo): void {
    if (this.#inner.mesh.root.membership.isNeighbor(target.id)) return;
    this.#out.open(target);
    const message = { kind: 'neighbor', sender: this.#self, priority: 'high', dropping: null } as const;
    this.#out.send(target.id, { area: 'membership', swarm: 0, message });
  }

  #invented(): SimMessage {
    const items = Array.from({ length: spamItems }, () => {
      const from = 1 + this.#rng.below(1_000_000);
      return {
        stream: `invented-${this.#rng.below(1_000)}~1`,
        from,
        to: from + spamRange - 1,
        round: 1,
        tree: 0,
        entry: 0,
      };
    });
    return { area: 'broadcast', swarm: 0, message: { kind: 'iHave', items } };
  }
}
