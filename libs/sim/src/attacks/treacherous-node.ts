import type { Gossip } from '@starling/core-plumtree';
import type { Input, Millis, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import type { Body, MeshCommand, MeshConfig, MeshEvent, MeshOutbox } from '@starling/mesh';
import { numberOf, payloadOf } from '../checkers/messages.ts';
import { MeshNode, type SimMessage } from '../node/mesh-node.ts';
import type { Adversary } from './adversary.ts';

/**
 * What a relay may do wrong. `blackHole`: takes everything and passes nothing on. `falsePromise`: announces everything and
 * serves nothing. `censor`: passes all on but one topic. `spam`: announces messages that there are not. `replay`: sends what it
 * has seen again and again. `forge`: alters what others publish, and publishes in their names. `flood`: publishes as fast as
 * it can.
 */
export type Treachery = 'blackHole' | 'falsePromise' | 'censor' | 'spam' | 'replay' | 'forge' | 'flood';

export const censoredTopic = 'sim.censored';

const beatMs = 100;
const beatsPerCycle = 10;
/** Links that an attacker wants: as many as there are. */
const linksWanted = 10_000;
const spamItems = 64;
const spamRange = 16;
const replayed = 32;
/** Numbers that no honest peer gives to a payload begin here. */
const forgedFrom = 1_000_000;
export const floodTopic = 'sim.flood';
/** Messages that one attacker publishes at each beat: 2,000 a second. */
const floodPerBeat = 200;

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
    // Whoever floods does not hold itself to what others allow.
    const plumtree = { ...config.plumtree, originWorkPerSecond: 1e12, originWorkBurst: 1e12 };
    this.#inner = new MeshNode({ ...config, hyparview, plumtree }, self, rng);
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
      case 'forge': {
        if (inner.kind !== 'gossip' || inner.round === 1 || inner.body.kind !== 'user') return message;
        const payload = payloadOf(forgedFrom + numberOf(inner.body.payload));
        return { ...message, message: { ...inner, body: { ...inner.body, payload } } };
      }
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
      const isKept = this.#treachery === 'replay' || (this.#treachery === 'forge' && gossip.body.kind === 'user');
      if (isKept && this.#seen.push(gossip) > replayed) this.#seen.shift();
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
    if (this.#treachery === 'flood') {
      for (let i = 0; i < floodPerBeat; i++) this.#publish(now);
      return;
    }
    if (this.#treachery !== 'spam' && this.#treachery !== 'replay' && this.#treachery !== 'forge') return;
    const forged = this.#treachery === 'forge' ? this.#forged() : null;
    for (const { id } of this.#inner.mesh.root.membership.activeView()) {
      if (this.#adversary.has(id)) continue;
      if (forged !== null) this.#out.send(id, forged);
      else if (this.#treachery === 'spam') this.#out.send(id, this.#invented());
      else if (this.#treachery === 'replay')
        for (const gossip of this.#seen) this.#out.send(id, { area: 'broadcast', swarm: 0, message: gossip });
    }
  }

  #demand(target: PeerInfo): void {
    if (this.#inner.mesh.root.membership.isNeighbor(target.id)) return;
    this.#out.open(target);
    const message = { kind: 'neighbor', sender: this.#self, priority: 'high', dropping: null } as const;
    this.#out.send(target.id, { area: 'membership', swarm: 0, message });
  }

  #publish(now: Millis): void {
    const message = { topic: floodTopic, payload: payloadOf(0), headers: {}, wantHeld: false } as const;
    const command: MeshCommand = { kind: 'publish', requestId: 0, ...message };
    this.#inner.handle(now, { kind: 'command', command }, this);
  }

  /** A message in the name of somebody who was heard, with a number far ahead: what lies below it is history when it is believed. */
  #forged(): SimMessage | null {
    const seen = this.#seen[this.#rng.below(Math.max(1, this.#seen.length))];
    if (seen === undefined || seen.body.kind !== 'user') return null;
    const seq = seen.seq + 1_000 + 2 * this.#rng.below(1_000_000);
    const body = { ...seen.body, payload: payloadOf(2 * forgedFrom + seq) };
    return { area: 'broadcast', swarm: 0, message: { ...seen, seq, round: 1, repair: false, body } };
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
