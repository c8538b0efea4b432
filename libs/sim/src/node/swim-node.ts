import type { Input, Millis, Outbox, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';

/** SWIM's settings. */
export interface SwimConfig {
  readonly periodMs: Millis;
  readonly pingTimeoutMs: Millis;
  /** Members asked to try one that did not answer: K. */
  readonly probersCount: number;
  /** From suspicion to death; 0: SWIM without suspicion, which believes the first missed period. */
  readonly suspicionMs: Millis;
  /** News in one message. */
  readonly updatesMax: number;
  /** How often each piece of news is sent. */
  readonly retransmits: number;
}

/** DSN 2002 §5: period 2 s; λ log N = 3 ⌈ln (N + 1)⌉ for dissemination and, in periods, for suspicion. */
export function dsn02(members: number): SwimConfig {
  const rounds = 3 * Math.ceil(Math.log(members + 1));
  return {
    ...{ periodMs: 2_000, pingTimeoutMs: 600, probersCount: 1 },
    ...{ suspicionMs: rounds * 2_000, updatesMax: 6, retransmits: rounds },
  };
}

/** What Lifeguard (2017, §V) was compared with: memberlist's SWIM. Probes every second, 0.5 s to answer, three probers, suspicion 5 log10 N s. */
export function lifeguardBaseline(members: number): SwimConfig {
  return {
    ...{ periodMs: 1_000, pingTimeoutMs: 500, probersCount: 3 },
    ...{ suspicionMs: 5_000 * Math.log10(members), updatesMax: 6, retransmits: 4 * Math.ceil(Math.log10(members + 1)) },
  };
}

type State = 'alive' | 'suspect' | 'dead';

interface Update {
  readonly id: PeerId;
  readonly state: State;
  readonly incarnation: number;
}

export type SwimMessage =
  | { readonly kind: 'swimPing' | 'swimAck'; readonly seq: number; readonly updates: readonly Update[] }
  | { readonly kind: 'swimReq'; readonly target: PeerId; readonly seq: number; readonly updates: readonly Update[] };

export interface SwimEvent {
  readonly kind: 'swimDead';
  readonly id: PeerId;
}

interface Member {
  readonly info: PeerInfo;
  state: State;
  incarnation: number;
  deadAt: Millis;
}

interface Probe {
  readonly target: PeerId;
  readonly seq: number;
  askAt: Millis;
}

const never = Number.POSITIVE_INFINITY;
const rank = { alive: 0, suspect: 1, dead: 2 } as const;

/**
 * Plain SWIM (Das, Gupta, Motivala, DSN 2002): a random member is pinged each period, directly and then through others; who
 * does not answer is suspected, and dead unless it says otherwise in time; news travels on pings. The simulator's rival for
 * the failure detector, in the same world. All members know each other from the start.
 */
export class SwimNode implements ProtocolCore<SwimMessage, readonly PeerInfo[], SwimEvent> {
  readonly #config: SwimConfig;
  readonly #self: PeerInfo;
  readonly #rng: Rng;
  readonly #members = new Map<PeerId, Member>();
  readonly #news = new Map<PeerId, { readonly update: Update; sent: number }>();
  /** Pings made for others: our number, who asked, and their number. */
  readonly #relayed = new Map<number, { readonly to: PeerId; readonly seq: number }>();
  readonly #dialled = new Set<PeerId>();
  #order: PeerId[] = [];
  #probe: Probe | null = null;
  #periodAt: Millis = never;
  #seq = 0;
  #incarnation = 0;

  constructor(config: SwimConfig, self: PeerInfo, rng: Rng) {
    this.#config = config;
    this.#self = self;
    this.#rng = rng;
  }

  handle(now: Millis, input: Input<SwimMessage, readonly PeerInfo[]>, out: Outbox<SwimMessage, SwimEvent>): void {
    switch (input.kind) {
      case 'command':
        for (const info of input.command) {
          if (info.id === this.#self.id) continue;
          this.#members.set(info.id, { info, state: 'alive', incarnation: 0, deadAt: never });
        }
        this.#periodAt = now + this.#rng.float() * this.#config.periodMs;
        return;
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        return;
      case 'tick':
        this.#onTick(now, out);
        return;
      case 'linkDown':
        this.#dialled.delete(input.peer);
        return;
      case 'linkUp':
        this.#dialled.add(input.peer.id);
    }
  }

  nextDeadline(): Millis {
    let next = Math.min(this.#periodAt, this.#probe?.askAt ?? never);
    for (const { deadAt } of this.#members.values()) next = Math.min(next, deadAt);
    return next;
  }

  #onMessage(now: Millis, from: PeerId, message: SwimMessage, out: Outbox<SwimMessage, SwimEvent>): void {
    for (const update of message.updates) this.#learn(now, update, out);
    switch (message.kind) {
      case 'swimPing':
        this.#send(from, { kind: 'swimAck', seq: message.seq, updates: this.#gossip() }, out);
        return;
      case 'swimReq': {
        const seq = ++this.#seq;
        this.#relayed.set(seq, { to: from, seq: message.seq });
        this.#send(message.target, { kind: 'swimPing', seq, updates: this.#gossip() }, out);
        return;
      }
      case 'swimAck': {
        const asked = this.#relayed.get(message.seq);
        if (asked !== undefined)
          this.#send(asked.to, { kind: 'swimAck', seq: asked.seq, updates: this.#gossip() }, out);
        if (message.seq === this.#probe?.seq) this.#probe = null;
      }
    }
  }

  #onTick(now: Millis, out: Outbox<SwimMessage, SwimEvent>): void {
    for (const member of this.#members.values()) {
      if (member.deadAt > now) continue;
      this.#learn(now, { id: member.info.id, state: 'dead', incarnation: member.incarnation }, out);
    }
    const probe = this.#probe;
    if (probe !== null && probe.askAt <= now) {
      probe.askAt = never;
      const others = [...this.#members.values()].filter(
        ({ info, state }) => state !== 'dead' && info.id !== probe.target,
      );
      for (const { info } of this.#rng.sample(others, this.#config.probersCount)) {
        this.#send(info.id, { kind: 'swimReq', target: probe.target, seq: probe.seq, updates: this.#gossip() }, out);
      }
    }
    if (this.#periodAt > now) return;
    this.#periodAt = now + this.#config.periodMs;
    if (probe !== null) {
      const { incarnation = 0 } = this.#members.get(probe.target) ?? {};
      const state = this.#config.suspicionMs > 0 ? 'suspect' : 'dead';
      this.#learn(now, { id: probe.target, state, incarnation }, out);
    }
    this.#relayed.clear();
    const target = this.#nextTarget();
    this.#probe = target === undefined ? null : { target, seq: ++this.#seq, askAt: now + this.#config.pingTimeoutMs };
    if (target !== undefined) this.#send(target, { kind: 'swimPing', seq: this.#seq, updates: this.#gossip() }, out);
  }

  /** §4.3: every member once in a random order, then in another. */
  #nextTarget(): PeerId | undefined {
    for (let tries = 0; tries < 2; tries++) {
      for (let id = this.#order.pop(); id !== undefined; id = this.#order.pop()) {
        if (this.#members.get(id)?.state !== 'dead') return id;
      }
      this.#order = this.#rng.shuffle([...this.#members.keys()]);
    }
    return undefined;
  }

  #learn(now: Millis, update: Update, out: Outbox<SwimMessage, SwimEvent>): void {
    const { id, state, incarnation } = update;
    if (id === this.#self.id) {
      if (state === 'alive' || incarnation < this.#incarnation) return;
      this.#incarnation = incarnation + 1;
      this.#news.set(id, { update: { id, state: 'alive', incarnation: this.#incarnation }, sent: 0 });
      return;
    }
    const member = this.#members.get(id);
    if (member === undefined || incarnation < member.incarnation) return;
    if (incarnation === member.incarnation && rank[state] <= rank[member.state]) return;
    if (state === 'dead' && member.state !== 'dead') out.emit({ kind: 'swimDead', id });
    member.state = state;
    member.incarnation = incarnation;
    member.deadAt = state === 'suspect' ? now + this.#config.suspicionMs : never;
    this.#news.set(id, { update, sent: 0 });
  }

  /** §4.1: the news that was sent least. */
  #gossip(): Update[] {
    const news = [...this.#news.values()].sort((a, b) => a.sent - b.sent).slice(0, this.#config.updatesMax);
    for (const each of news) {
      each.sent++;
      if (each.sent >= this.#config.retransmits) this.#news.delete(each.update.id);
    }
    return news.map(({ update }) => update);
  }

  #send(to: PeerId, message: SwimMessage, out: Outbox<SwimMessage, SwimEvent>): void {
    const info = this.#members.get(to)?.info;
    if (info !== undefined && !this.#dialled.has(to)) {
      this.#dialled.add(to);
      out.open(info);
    }
    out.send(to, message);
  }
}
