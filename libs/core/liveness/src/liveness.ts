import {
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import { assertLivenessConfig, type LivenessConfig } from './config.ts';
import { guardianOf } from './guardian.ts';
import { LocalHealth } from './local-health.ts';
import type { LivenessCommand, LivenessEvent, LivenessMessage } from './messages.ts';
import { type Probe, Probes } from './probes.ts';
import { type LivenessStats, newLivenessStats } from './stats.ts';
import { Watch } from './watch.ts';

type Out = Outbox<LivenessMessage, LivenessEvent>;
type ProbeMessage = Extract<LivenessMessage, { kind: 'probe' }>;

const never = Number.POSITIVE_INFINITY;

/**
 * Failure detector for open links: tells a dead event loop, a lost host or a one-way network from a quiet neighbour.
 *
 * A watched neighbour that was silent for an interval is pinged. A ping is a sign of life as good as an answer, so one end of
 * an idle link pings and the other answers. One watcher of each peer is its guardian, with a short interval; who misses an
 * answer tells the other watchers, which ping at once, so that all find out as soon as the first. Two misses in a row make a suspect; where the other watchers are not
 * known, neighbours are then asked to try it (SWIM §4.1); and it is dead when nobody who was asked can reach it and nothing
 * is heard from it in time. Whatever it sends is a sign of life. A peer that notices its own slowness stretches every
 * timeout (Lifeguard §IV-A).
 *
 * Deviation: SWIM pings one random member a period and spreads suspicions. Here each peer watches only its few neighbours,
 * and says `dead` only about its own link; the directory decides about membership.
 */
export class Liveness implements ProtocolCore<LivenessMessage, LivenessCommand, LivenessEvent> {
  /** Counters for the layer above. */
  readonly stats: LivenessStats = newLivenessStats();
  readonly #config: LivenessConfig;
  readonly #self: PeerInfo;
  readonly #rng: Rng;
  readonly #watched = new Map<PeerId, Watch>();
  readonly #probes: Probes;
  readonly #health: LocalHealth;
  /** Counts the changes of our own list of watchers. */
  #list = 0;
  #nonce: number;
  /** The next deadline; NaN: an input came since it was found. Asked for after every input of any core, changed by few. */
  #deadline: Millis = Number.NaN;

  constructor(config: LivenessConfig, self: PeerInfo, rng: Rng) {
    assertLivenessConfig(config);
    this.#config = config;
    this.#self = self;
    this.#rng = rng;
    this.#probes = new Probes(config.probesMax, config.probeTimeoutMs);
    this.#health = new LocalHealth(config.localHealthMax, config.retryIntervalMs);
    this.#nonce = rng.below(0x4000);
  }

  /** 0 healthy … `localHealthMax`: how much this peer doubts itself. */
  get localHealth(): number {
    return this.#health.score;
  }

  /** Smoothed round trip to a watched neighbour, in ms; undefined before the first answer. */
  rttOf(peer: PeerId): Millis | undefined {
    const rttMs = this.#watched.get(peer)?.rttMs;
    return rttMs === undefined || Number.isNaN(rttMs) ? undefined : rttMs;
  }

  isSuspect(peer: PeerId): boolean {
    return this.#watched.get(peer)?.isSuspect ?? false;
  }

  /** Any message of `peer`, of whatever core, is a sign of life. Cheap; acts at the next deadline. */
  sawTraffic(now: Millis, peer: PeerId): void {
    const watch = this.#watched.get(peer);
    if (watch !== undefined) watch.heardAt = now;
  }

  handle(now: Millis, input: Input<LivenessMessage, LivenessCommand>, out: Out): void {
    this.#deadline = Number.NaN;
    switch (input.kind) {
      case 'message':
        this.sawTraffic(now, input.from);
        this.#onMessage(now, input.from, input.message, out);
        return;
      case 'linkUp':
        return;
      case 'linkDown':
        this.#onLinkDown(input.peer, out);
        return;
      case 'command':
        this.#onCommand(now, input.command);
        return;
      case 'tick':
        this.#onTick(now, out);
        return;
      default:
        unreachable(input);
    }
  }

  nextDeadline(): Millis {
    if (Number.isNaN(this.#deadline)) this.#deadline = this.#earliest();
    return this.#deadline;
  }

  #earliest(): Millis {
    let next = this.#probes.nextDeadline();
    for (const watch of this.#watched.values()) next = Math.min(next, watch.nextDeadline());
    return next;
  }

  #onMessage(now: Millis, from: PeerId, message: LivenessMessage, out: Out): void {
    switch (message.kind) {
      case 'ping':
        this.#onPing(now, from, message.nonce, out);
        return;
      case 'ack':
        this.#onAck(now, from, message.nonce, out);
        return;
      case 'probe':
        this.#onProbe(now, from, message, out);
        return;
      case 'probeReply':
        this.#onProbeReply(from, message.target, message.nonce, message.alive);
        return;
      case 'watchers':
        this.#onWatchers(from, message.peers, out);
        return;
      default:
        unreachable(message);
    }
  }

  #onPing(now: Millis, from: PeerId, nonce: number, out: Out): void {
    out.send(from, { kind: 'ack', nonce });
    const watch = this.#watched.get(from);
    if (watch === undefined) return;
    this.#tellWatchers(watch, out);
    this.#clearIfHeard(now, watch, out);
    watch.pingAt = this.#nextPingAt(now, now, watch);
  }

  #onAck(now: Millis, from: PeerId, nonce: number, out: Out): void {
    const probe = this.#probes.answer(from, nonce);
    if (probe !== undefined) this.#endProbe(probe, true, out);
    const watch = this.#watched.get(from);
    if (watch === undefined) return;
    this.#clearIfHeard(now, watch, out);
    // Only the newest ping tells a round trip; a late answer to an older one is a sign of life and no more.
    if (nonce !== watch.nonce) return;
    watch.nonce = Number.NaN;
    if (watch.ackBy !== never) this.#health.improve(now);
    watch.ackBy = never;
    watch.pingAt = this.#nextPingAt(now, now, watch);
    this.#measured(now, watch, now - watch.pingedAt, out);
  }

  /** SWIM §4.1, ping-req: try the target for somebody else, over a link of our own if there is none. */
  #onProbe(now: Millis, from: PeerId, { target, nonce, silentMs }: ProbeMessage, out: Out): void {
    if (target.id === '' || target.id === this.#self.id || target.id === from) {
      out.emit({ kind: 'protocolViolation', peer: from, rule: 'probe-target' });
      return;
    }
    const request = { target: target.id, requester: from, requestNonce: nonce };
    const watch = this.#watched.get(target.id);
    const isFellow = watch?.isWatchedBy(from) ?? false;
    // Only for neighbours, and for who watches the same peer: others could make this peer dial, or doubt, at will.
    if (!(this.#watched.has(from) || isFellow) || this.#probes.isFull) {
      this.stats.probesRefused++;
      this.#answerProbe(request, false, out);
      return;
    }
    this.stats.probes++;
    const believedMs = silentMs > 0 ? Math.min(silentMs, this.#config.hintMaxMs) : 0;
    if (watch !== undefined && watch.heardAt > now - believedMs) {
      this.#answerProbe(request, true, out);
      return;
    }
    const ownNonce = this.#nextNonce();
    this.#probes.start(now, ownNonce, request);
    if (watch === undefined) out.open(target);
    else if (isFellow && believedMs > 0) this.#learnSilence(now, watch, now - believedMs);
    out.send(target.id, { kind: 'ping', nonce: ownNonce });
  }

  /** Another watcher's missed ping counts as ours: it was as good, and it was sooner. The probe's ping is our second. */
  #learnSilence(now: Millis, watch: Watch, since: Millis): void {
    if (!watch.isShared) this.stats.silencesLearned++;
    watch.isShared = true;
    watch.silentSince = Math.min(watch.silentSince, since);
    watch.misses = Math.max(watch.misses, 1);
    if (watch.ackBy === never) watch.ackBy = now + this.#config.ackTimeoutMs * this.#health.multiplier;
  }

  #onProbeReply(from: PeerId, target: PeerId, nonce: number, isAlive: boolean): void {
    const watch = this.#watched.get(target);
    // A no is no news: silence means the same.
    if (watch === undefined || !watch.isSilent || watch.probeNonce !== nonce || !isAlive) return;
    // Only these were asked.
    if (this.#watched.has(from) || watch.isWatchedBy(from)) watch.isVouchedFor = true;
  }

  #onWatchers(from: PeerId, peers: readonly PeerInfo[], out: Out): void {
    const watch = this.#watched.get(from);
    if (watch === undefined) return;
    if (peers.length > this.#config.watchedMax || peers.some(({ id }) => id === '' || id === from)) {
      out.emit({ kind: 'protocolViolation', peer: from, rule: 'watchers' });
      return;
    }
    watch.watchers = peers.filter(({ id }) => id !== this.#self.id);
    this.#findGuardians();
  }

  /** Beside a ping or an ack, so that it takes no packet of its own. */
  #tellWatchers(watch: Watch, out: Out): void {
    if (watch.toldList === this.#list) return;
    watch.toldList = this.#list;
    const peers: PeerInfo[] = [];
    for (const { peer } of this.#watched.values()) if (peer !== watch.peer) peers.push(peer);
    out.send(watch.peer.id, { kind: 'watchers', peers });
  }

  #onLinkDown(peer: PeerId, out: Out): void {
    for (let probe = this.#probes.takeOf(peer); probe !== undefined; probe = this.#probes.takeOf(peer)) {
      this.#answerProbe(probe, false, out);
    }
    // The membership core sees the same and takes the neighbour out; until `unwatch` it is simply silent.
  }

  #onCommand(now: Millis, command: LivenessCommand): void {
    switch (command.kind) {
      case 'watch':
        this.#onWatch(now, command.peer);
        return;
      case 'unwatch':
        if (this.#watched.delete(command.peer)) this.#onListChanged();
        return;
      case 'selfLate':
        this.#onSelfLate(now, command.lateMs);
        return;
      default:
        unreachable(command);
    }
  }

  #onWatch(now: Millis, peer: PeerInfo): void {
    if (peer.id === this.#self.id) return;
    if (this.#watched.size >= this.#config.watchedMax && !this.#watched.has(peer.id)) {
      this.stats.unwatchable++;
      return;
    }
    // The first ping at a random point of the interval: neighbours met together are not pinged together.
    this.#watched.set(peer.id, new Watch(peer, now, now + this.#rng.float() * this.#config.guardIntervalMs));
    this.#onListChanged();
  }

  #onListChanged(): void {
    this.#list++;
    this.#findGuardians();
  }

  /** Both ends of a link know both lists, and so agree whether it guards. A list that is not known yet may make it do so. */
  #findGuardians(): void {
    const own = guardianOf(this.#self.id, this.#watched.keys());
    for (const [id, watch] of this.#watched) {
      watch.isGuarded =
        id === own ||
        watch.watchers === null ||
        guardianOf(id, [this.#self.id, ...watch.watchers.map((peer) => peer.id)]) === this.#self.id;
    }
  }

  #intervalMs({ isGuarded }: Watch): Millis {
    return isGuarded ? this.#config.guardIntervalMs : this.#config.pingIntervalMs;
  }

  /** Lifeguard §IV-A: first doubt yourself. What came in while this peer stalled is still to be read. */
  #onSelfLate(now: Millis, lateMs: Millis): void {
    if (!(lateMs >= this.#config.lateMs)) return;
    this.stats.selfLate++;
    this.#health.worsen(now, Math.max(1, Math.floor(Math.min(lateMs, 3_600_000) / this.#config.retryIntervalMs)));
    const earliest = now + this.#config.ackTimeoutMs;
    for (const watch of this.#watched.values()) {
      if (watch.ackBy < earliest) watch.ackBy = earliest;
      if (watch.deadAt < earliest) watch.deadAt = earliest;
    }
  }

  #onTick(now: Millis, out: Out): void {
    const lateMs = now - this.#earliest();
    if (lateMs >= this.#config.lateMs) this.#onSelfLate(now, lateMs);
    for (let probe = this.#probes.expire(now); probe !== undefined; probe = this.#probes.expire(now)) {
      this.#endProbe(probe, false, out);
    }
    for (const watch of this.#watched.values()) {
      if (now >= watch.ackBy) this.#onAckDue(now, watch, out);
      if (now >= watch.deadAt) this.#onVerdict(now, watch, out);
      if (now >= watch.pingAt && this.#watched.has(watch.peer.id)) this.#onPingDue(now, watch, out);
    }
  }

  /** Pings, unless other traffic made it superfluous. Not put off when no ping was answered, though whoever guards it may be another by now. */
  #onPingDue(now: Millis, watch: Watch, out: Out): void {
    this.#clearIfHeard(now, watch, out);
    const nextAt = this.#nextPingAt(now, watch.heardAt, watch);
    if (!watch.isSilent && nextAt > now && now - watch.pingedAt < this.#config.pingAnywayMs) {
      watch.pingAt = nextAt;
      return;
    }
    this.#ping(now, watch, out);
  }

  #ping(now: Millis, watch: Watch, out: Out): void {
    if (watch.silentSince === never) watch.silentSince = now;
    watch.nonce = this.#nextNonce();
    watch.pingedAt = now;
    watch.pingAt = now + Math.min(this.#intervalMs(watch), this.#config.retryIntervalMs);
    // Stretched timeouts may outlast an interval: then the older ping's deadline stands.
    if (watch.ackBy === never) watch.ackBy = now + this.#config.ackTimeoutMs * this.#health.multiplier;
    this.stats.pings++;
    out.send(watch.peer.id, { kind: 'ping', nonce: watch.nonce });
    this.#tellWatchers(watch, out);
  }

  /** Time is up for a ping: did anything come? */
  #onAckDue(now: Millis, watch: Watch, out: Out): void {
    watch.ackBy = never;
    if (!watch.isSilent) {
      this.#clearIfHeard(now, watch, out);
      return;
    }
    this.stats.misses++;
    watch.misses++;
    if (this.#areAllSilent()) this.#health.worsenOnce(now);
    if (!watch.isSuspect) this.#pingOthers(now, watch, out);
    if (!watch.isShared) this.#shareSilence(now, watch, out);
    if (watch.misses >= this.#config.missesMax && !watch.isSuspect) this.#suspect(now, watch, out);
  }

  /** Is it that neighbour, or many, or this peer itself? Those who were not heard since can tell. */
  #pingOthers(now: Millis, { silentSince }: Watch, out: Out): void {
    for (const other of this.#watched.values()) {
      if (other.heardAt < silentSince && other.silentSince === never) this.#ping(now, other, out);
    }
  }

  /** Tells who else watches a silent neighbour, and asks whether it can reach it: they need not wait for their own pings. */
  #shareSilence(now: Millis, watch: Watch, out: Out): void {
    const { tellMax, silentMaxToTell } = this.#config;
    // Who doubts itself alarms nobody.
    if (watch.watchers === null || watch.watchers.length === 0 || this.#health.score > 0) return;
    let silent = 0;
    for (const other of this.#watched.values()) if (other.misses > 0 && other.isSilent) silent++;
    if (silent > silentMaxToTell) return;
    this.stats.silencesTold++;
    watch.isShared = true;
    watch.probeNonce = this.#nextNonce();
    const silentMs = Math.round(now - watch.silentSince);
    for (const fellow of watch.watchers.slice(0, tellMax)) {
      const isLinked = this.#watched.has(fellow.id);
      if (!isLinked) out.open(fellow);
      out.send(fellow.id, { kind: 'probe', target: watch.peer, nonce: watch.probeNonce, silentMs });
      // The link lingers for the answer.
      if (!isLinked && !this.#probes.isProbing(fellow.id)) out.close(fellow.id);
    }
  }

  /** When every neighbour is silent at once, the fault is likely here. Not when many are: that may be half of a network. */
  #areAllSilent(): boolean {
    if (this.#watched.size < 3) return false;
    for (const watch of this.#watched.values()) if (!watch.isSilent) return false;
    return true;
  }

  #suspect(now: Millis, watch: Watch, out: Out): void {
    this.stats.suspicions++;
    // Its other watchers are nearer to the truth than anybody else; only where they are not known, neighbours try it.
    const isAsked = watch.isShared || this.#askNeighbors(watch, out);
    // A peer that stalled needs its round trip on top, to be heard again.
    const rttMs = Number.isNaN(watch.rttMs) ? 0 : watch.rttMs;
    const deadAt = watch.silentSince + this.#config.deadAfterMs * this.#health.multiplier + rttMs;
    // Answers need their time, also when the misses came late. With nobody to ask: one more interval.
    const earliest = now + (isAsked ? this.#config.probeTimeoutMs : this.#config.retryIntervalMs);
    watch.deadAt = Math.max(deadAt, earliest);
  }

  #askNeighbors(watch: Watch, out: Out): boolean {
    const others = [...this.#watched.values()].filter((other) => other !== watch && !other.isSuspect);
    const probers = this.#rng.sample(others, this.#config.probersCount);
    watch.probeNonce = this.#nextNonce();
    for (const { peer } of probers) {
      out.send(peer.id, { kind: 'probe', target: watch.peer, nonce: watch.probeNonce, silentMs: 0 });
    }
    return probers.length > 0;
  }

  #onVerdict(now: Millis, watch: Watch, out: Out): void {
    if (!watch.isSilent) {
      this.#clearIfHeard(now, watch, out);
      return;
    }
    if (watch.isVouchedFor && watch.vouchedCount < this.#config.vouchedMax) {
      watch.vouchedCount++;
      this.#clear(watch, out);
      return;
    }
    this.stats.dead++;
    this.#watched.delete(watch.peer.id);
    this.#onListChanged();
    out.emit({ kind: 'dead', peer: watch.peer.id });
  }

  #clearIfHeard(now: Millis, watch: Watch, out: Out): void {
    if (!watch.isHeard) return;
    watch.vouchedCount = 0;
    if (!watch.isSuspect) {
      watch.calm();
      return;
    }
    // Lifeguard §IV-A: a suspicion that was wrong says as much about the one who raised it.
    this.#health.worsenOnce(now);
    this.#clear(watch, out);
  }

  #clear(watch: Watch, out: Out): void {
    watch.calm();
    this.stats.cleared++;
    out.emit({ kind: 'cleared', peer: watch.peer.id });
  }

  #endProbe(probe: Probe, isAlive: boolean, out: Out): void {
    this.#answerProbe(probe, isAlive, out);
    // Another neighbour may have asked for the same peer.
    if (!this.#watched.has(probe.target) && !this.#probes.isProbing(probe.target)) out.close(probe.target);
  }

  #answerProbe({ target, requester, requestNonce }: Probe, alive: boolean, out: Out): void {
    out.send(requester, { kind: 'probeReply', target, nonce: requestNonce, alive });
  }

  #measured(now: Millis, watch: Watch, sampleMs: Millis, out: Out): void {
    const { rttWeight, rttEventIntervalMs } = this.#config;
    watch.rttMs = Number.isNaN(watch.rttMs) ? sampleMs : watch.rttMs + (sampleMs - watch.rttMs) * rttWeight;
    const ratio = watch.rttMs / watch.toldRttMs;
    const isSame = ratio > 0.5 && ratio < 2;
    if (isSame && now - watch.toldRttAt < rttEventIntervalMs) return;
    watch.toldRttMs = watch.rttMs;
    watch.toldRttAt = now;
    out.emit({ kind: 'rtt', peer: watch.peer.id, rttMs: watch.rttMs });
  }

  /**
   * The end with the lower id pings and the other answers; it would ping only a little later. Turns by chance would cost
   * more: TCP then acknowledges half of the pings at once, with a packet of its own (measured with `ss -ti`, Linux 6). The other end's own
   * round trip is due now and then: for that it comes first once.
   */
  #nextPingAt(now: Millis, heardAt: Millis, watch: Watch): Millis {
    const { jitter, pingAnywayMs } = this.#config;
    const intervalMs = this.#intervalMs(watch);
    if (now - watch.pingedAt >= pingAnywayMs) {
      const latest = watch.pingedAt + pingAnywayMs + intervalMs;
      return Math.min(heardAt + intervalMs * (1 - 2 * jitter), Math.max(now, latest));
    }
    const isPinger = this.#self.id < watch.peer.id;
    return heardAt + intervalMs * (isPinger ? 1 - jitter * this.#rng.float() : 1);
  }

  /** Small, so that it takes two bytes; it need only differ from those of the last seconds. */
  #nextNonce(): number {
    this.#nonce = (this.#nonce + 1) & 0x3fff;
    return this.#nonce;
  }
}
