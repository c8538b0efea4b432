import type { Millis, PeerId, PeerInfo, Rng } from '@starling/kernel';

const never = Number.POSITIVE_INFINITY;

export interface AntiEntropyConfig {
  /** Between two comparisons while messages come. 10 s: guess, a dial and two digests. */
  readonly intervalMs: Millis;
  /** … while none do: then there is hardly anything to miss, but that may be what neighbours want. 2 min: measured (idle-cost, 2026-11-27), 7 B/s of an idle peer. */
  readonly idleIntervalMs: Millis;
  /** … while neighbours are seen to keep messages back. 1 s: guess. */
  readonly bypassIntervalMs: Millis;
  /** How long neighbours are bypassed before it is looked again whether they need be. 4 min: guess; doubles each time that they do. With 60 s the looks alone made one message in a hundred late. */
  readonly bypassMinMs: Millis;
  /** The longest such time. 16 min: guess; a look takes a few seconds, in which messages are late. */
  readonly bypassMaxMs: Millis;
  /** Rounds of such a look. 8: guess, several messages where there are some. */
  readonly probeRounds: number;
  /** Peers at a time that brought something, or lacked something of ours, and are followed. 3: guess, one may go, and two more are a way around for each other. */
  readonly helpersMax: number;
}

export const defaultAntiEntropyConfig: AntiEntropyConfig = {
  intervalMs: 10_000,
  idleIntervalMs: 120_000,
  bypassIntervalMs: 1_000,
  bypassMinMs: 240_000,
  bypassMaxMs: 960_000,
  probeRounds: 8,
  helpersMax: 3,
};

/** `follow`: what comes to either is to be pushed to the other. */
export interface Comparison {
  readonly peer: PeerInfo;
  readonly follow: boolean;
}

/**
 * When this peer compares what it holds with members that are no neighbours, and with whom. Mostly with a random one now and then, which
 * finds nothing. Once such a member brought what no neighbour had, or lacked what was published here, the neighbours are *bypassed*: those
 * members and this peer push to each other what comes. After a while it is looked, without that, whether the neighbours still keep something
 * back; as a circuit breaker closes, and with a longer while each time that they do.
 */
export class AntiEntropy {
  readonly #config: AntiEntropyConfig;
  readonly #rng: Rng;
  /** Who brought something, and who lacked something, which it may only say; of each the last one last. */
  readonly #helpers: PeerId[] = [];
  readonly #listeners: PeerId[] = [];
  #nextAt: Millis = never;
  #bypassUntil: Millis = 0;
  /** How long the last one was to last, and when it was last needed. */
  #bypassMs: Millis;
  #neededAt: Millis = Number.NEGATIVE_INFINITY;
  /** Of a look that is under way. */
  #probesLeft = 0;
  /** A message came since the last round. */
  #hasNews = false;
  /** None did before it, so that the next round is far. */
  #isIdle = false;

  constructor(config: AntiEntropyConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
    this.#bypassMs = config.bypassMinMs;
  }

  /** Whether neighbours are taken to keep messages back. */
  get isBypassing(): boolean {
    return this.#bypassUntil > 0 || this.#probesLeft > 0;
  }

  /** There is a neighbour. */
  start(now: Millis): void {
    if (this.#nextAt === never) this.#nextAt = now + this.#jittered(this.#config.intervalMs);
  }

  stop(): void {
    this.#nextAt = never;
  }

  nextDeadline(): Millis {
    return this.#nextAt;
  }

  /** A message came, or was published here. */
  heard(now: Millis): void {
    this.#hasNews = true;
    if (!this.#isIdle) return;
    this.#isIdle = false;
    this.#nextAt = Math.min(this.#nextAt, now + this.#jittered(this.#config.intervalMs));
  }

  /** Whom to compare with now; nobody when it is not time. `member`: that member, if it may be asked; `random`: one of them. */
  due(
    now: Millis,
    member: (id: PeerId) => PeerInfo | undefined,
    random: () => PeerInfo | undefined,
  ): readonly Comparison[] {
    if (now < this.#nextAt) return [];
    const { intervalMs, idleIntervalMs, bypassIntervalMs } = this.#config;
    this.#advance(now);
    const comparisons = new Map<PeerId, Comparison>();
    // Also when all is well again: who is known to have passed something on is the first to ask whether it stays so.
    if (this.isBypassing || this.#wasNeeded(now)) {
      for (const peer of this.#partners(member)) {
        comparisons.set(peer.id, { peer, follow: this.#bypassUntil > 0 });
      }
    }
    const other = random();
    if (other !== undefined && !comparisons.has(other.id)) comparisons.set(other.id, { peer: other, follow: false });
    this.#isIdle = !this.#hasNews && !this.isBypassing;
    this.#hasNews = false;
    this.#nextAt =
      now + (this.isBypassing ? bypassIntervalMs : this.#jittered(this.#isIdle ? idleIntervalMs : intervalMs));
    return [...comparisons.values()];
  }

  /** A peer that is no neighbour brought messages that no neighbour had, or lacked some of this peer's own. */
  learned(now: Millis, peer: PeerId, brought: number, lacked: number): void {
    if (brought === 0 && lacked === 0) return;
    this.#note(brought > 0 ? this.#helpers : this.#listeners, peer);
    if (this.#bypassUntil > 0) return;
    const { bypassMinMs, bypassMaxMs } = this.#config;
    // On another's word alone it does not grow longer.
    if (!this.#wasNeeded(now)) this.#bypassMs = bypassMinMs;
    else if (brought > 0) this.#bypassMs = Math.min(bypassMaxMs, 2 * this.#bypassMs);
    this.#probesLeft = 0;
    this.#bypassUntil = now + this.#bypassMs;
    this.#neededAt = this.#bypassUntil;
    this.#nextAt = now;
  }

  #wasNeeded(now: Millis): boolean {
    return now < this.#neededAt + this.#config.bypassMaxMs;
  }

  /** Bypassing, looking, done. */
  #advance(now: Millis): void {
    if (this.#bypassUntil > 0) {
      if (now < this.#bypassUntil) return;
      this.#bypassUntil = 0;
      this.#probesLeft = this.#config.probeRounds;
    } else if (this.#probesLeft > 0) this.#probesLeft--;
  }

  /** Those that brought something first. */
  #partners(member: (id: PeerId) => PeerInfo | undefined): PeerInfo[] {
    const partners = new Map<PeerId, PeerInfo>();
    for (const id of [...this.#helpers, ...this.#listeners]) {
      const peer = member(id);
      if (peer !== undefined && partners.size < this.#config.helpersMax) partners.set(id, peer);
    }
    return [...partners.values()];
  }

  #note(peers: PeerId[], peer: PeerId): void {
    const at = peers.indexOf(peer);
    if (at >= 0) peers.splice(at, 1);
    peers.push(peer);
    if (peers.length > this.#config.helpersMax) peers.shift();
  }

  #jittered(spanMs: Millis): Millis {
    return spanMs * (0.75 + 0.5 * this.#rng.float());
  }
}
