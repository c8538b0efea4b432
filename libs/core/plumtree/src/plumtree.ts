import {
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import { checkPlumtreeConfig, type PlumtreeConfig } from './config.ts';
import { DigestRepair } from './digest-repair.ts';
import { MessageStore } from './message-store.ts';
import {
  ephemeralStream,
  type Gossip,
  type PlumtreeCommand,
  type PlumtreeEvent,
  type PlumtreeMessage,
  type SeqRange,
  type StreamId,
} from './messages.ts';
import { type Missing, MissingMessages } from './missing.ts';
import { Neighbor } from './neighbor.ts';
import { newStats, type PlumtreeStats } from './stats.ts';
import { type StreamState, StreamTable } from './stream-table.ts';
import { digestRuleBroken, gossipRuleBroken, iHaveRuleBroken, rangesRuleBroken } from './validity.ts';

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;
type IHaveItem = SeqRange & { readonly round: number };
const never = Number.POSITIVE_INFINITY;

/**
 * Epidemic broadcast trees: Leitão, Pereira, Rodrigues, SRDS 2007 (TR-07-14). Payloads are pushed along the eager links,
 * which prune themselves to a tree; the other links carry announcements, by which a hole in the tree is noticed and
 * grafted. `DigestRepair` adds what announcements cannot reach.
 *
 * Deviation: an id is (stream, number), so that duplicate suppression is a watermark per stream, not a set of ids.
 */
export class Plumtree<B> implements ProtocolCore<PlumtreeMessage<B>, PlumtreeCommand<B>, PlumtreeEvent<B>> {
  /** What is held for grafts, pulls and replays. */
  readonly store: MessageStore<B>;
  readonly stats: PlumtreeStats = newStats();
  readonly #config: PlumtreeConfig;
  readonly #own: StreamState;
  readonly #ownEphemeral: StreamState;
  readonly #streams: StreamTable;
  readonly #repair: DigestRepair<B>;
  readonly #sizeOf: (body: B) => number;
  readonly #byId = new Map<PeerId, Neighbor>();
  /** The same neighbours in the order in which they came: what loops go by. */
  readonly #neighbors: Neighbor[] = [];
  // The rest is made when first needed: the simulator runs a hundred thousand of these.
  #recent: MessageStore<B> | null = null;
  #missing: MissingMessages | null = null;
  #holed: Set<StreamState> | null = null;
  #sweepAt: Millis = never;
  /** Announcements that wait for company; one list for all lazy neighbours. */
  #announcements: IHaveItem[] = [];
  #announceAt: Millis = never;

  /** `sizeOf` gives the bytes that a body takes in the store. `self.stream` must be new with every start. */
  constructor(
    config: PlumtreeConfig,
    self: { readonly id: PeerId; readonly stream: StreamId },
    rng: Rng,
    sizeOf: (body: B) => number,
  ) {
    checkPlumtreeConfig(config);
    this.#config = config;
    this.#sizeOf = sizeOf;
    const { holdBytesMax, holdCountMax, holdMs } = config;
    this.store = new MessageStore({ bytesMax: holdBytesMax, countMax: holdCountMax, ageMs: holdMs }, sizeOf);
    this.#streams = new StreamTable(config.streamsMax);
    this.#own = this.#streams.addOwn(self.stream);
    this.#ownEphemeral = this.#streams.addOwn(ephemeralStream(self.stream));
    this.#repair = new DigestRepair(config, this.#streams, this.store, this.stats, rng, this.#neighbors);
  }

  /** Neighbours that payloads are pushed to, in the order in which they came. */
  eagerPeers(): PeerId[] {
    return this.#neighbors.filter((neighbor) => neighbor.isEager).map((neighbor) => neighbor.id);
  }

  /** Neighbours that only announcements are sent to. */
  lazyPeers(): PeerId[] {
    return this.#neighbors.filter((neighbor) => !neighbor.isEager).map((neighbor) => neighbor.id);
  }

  /** The place of a neighbour in the tree; null when it is none. */
  roleOf(peer: PeerId): 'eager' | 'lazy' | null {
    const neighbor = this.#byId.get(peer);
    return neighbor === undefined ? null : neighbor.isEager ? 'eager' : 'lazy';
  }

  /** Payloads that this neighbour pushed and that were known, since it became one. */
  duplicatesFrom(peer: PeerId): number {
    return this.#byId.get(peer)?.duplicates ?? 0;
  }

  /** Streams whose watermark is kept, and those forgotten because there were too many. */
  get streams(): { readonly known: number; readonly evicted: number } {
    return { known: this.#streams.size, evicted: this.#streams.evicted };
  }

  handle(now: Millis, input: Input<PlumtreeMessage<B>, PlumtreeCommand<B>>, out: Out<B>): void {
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        this.#onTick(now, out);
        break;
      case 'linkUp':
      case 'linkDown':
        break; // Membership says who is a neighbour.
      default:
        unreachable(input);
    }
  }

  nextDeadline(): Millis {
    let at = Math.min(this.#announceAt, this.#sweepAt, this.#repair.nextDeadline());
    if (this.#missing !== null) at = Math.min(at, this.#missing.nextDeadline());
    return at;
  }

  #onMessage(now: Millis, from: PeerId, message: PlumtreeMessage<B>, out: Out<B>): void {
    if (message.kind === 'gossip') {
      this.#onGossip(now, from, message, out);
      return;
    }
    const neighbor = this.#byId.get(from);
    if (neighbor === undefined) {
      // A neighbour of a moment ago, or a peer that has not been made one: it will be told everything if it becomes one.
      this.stats.strangers++;
      return;
    }
    switch (message.kind) {
      case 'iHave':
        this.#onIHave(now, neighbor, message.items, out);
        break;
      case 'graft':
        this.#onGraft(neighbor, message.ranges, out);
        break;
      case 'prune':
        this.#onPrune(neighbor);
        break;
      case 'digest':
        this.#onDigest(now, neighbor, message, out);
        break;
      case 'pull':
        this.#onPull(neighbor, message.ranges, out);
        break;
      case 'held':
        this.#onHeld(neighbor, message, out);
        break;
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: PlumtreeCommand<B>, out: Out<B>): void {
    switch (command.kind) {
      case 'broadcast':
        this.#broadcast(now, command, out);
        break;
      case 'neighborUp':
        this.#neighborUp(now, command.peer, out);
        break;
      case 'neighborDown':
        this.#neighborDown(now, command.peer, out);
        break;
      default:
        unreachable(command);
    }
  }

  #onTick(now: Millis, out: Out<B>): void {
    if (this.#announceAt <= now) this.#flushAnnouncements(out);
    if (this.#missing !== null && this.#missing.nextDeadline() <= now) this.#graftMissing(now, this.#missing, out);
    this.#repair.tick(now, out);
    if (this.#sweepAt <= now) this.#sweep(now, out);
  }

  // Algorithm 1: eager push and lazy push

  /** Algorithm 1, Broadcast. */
  #broadcast(now: Millis, command: Extract<PlumtreeCommand<B>, { kind: 'broadcast' }>, out: Out<B>): void {
    const state = command.ephemeral ? this.#ownEphemeral : this.#own;
    const seq = state.floor + 1;
    state.add(seq, now);
    const wantHeld = command.wantHeld && !command.ephemeral;
    const stream = state.id;
    const message: Gossip<B> = {
      kind: 'gossip',
      stream,
      seq,
      round: 0,
      publishedAt: now,
      wantHeld: false,
      repair: false,
      body: command.body,
    };
    this.stats.published++;
    this.#keep(now, state, message);
    this.stats.delivered++;
    out.emit({ kind: 'delivered', message, from: null });
    this.#push({ ...message, round: 1, wantHeld }, null, out);
    // Only eager links would answer `held`; the others get a copy that says nothing about the tree.
    if (wantHeld) this.#pushOutsideTree({ ...message, round: 1, wantHeld, repair: true }, out);
    this.#announce(now, stream, seq, 1, out);
  }

  /** Algorithm 1, Receive GOSSIP. The hot path. */
  #onGossip(now: Millis, from: PeerId, message: Gossip<B>, out: Out<B>): void {
    const broken = gossipRuleBroken(message);
    if (broken !== null) {
      this.#violation(from, broken, out);
      return;
    }
    const { stream, seq, round } = message;
    const neighbor = this.#byId.get(from);
    const state = this.#streams.getOrAdd(stream, now);
    const answersPull = message.repair && neighbor !== undefined && this.#repair.answersPull(now, neighbor, state);
    if (state.isOwn && seq > state.floor) {
      this.#violation(from, 'gossip of a message never published', out);
      return;
    }
    const hadHoles = state.hasHoles;
    if (!state.add(seq, now)) {
      this.#onDuplicate(now, neighbor, state, message, out);
      return;
    }
    if (state.hasHoles) this.#noteHoles(now, state, hadHoles, out);
    const missing = state.missing === null ? undefined : this.#missing?.settle(state, seq);
    if (message.publishedAt < now - this.#config.acceptOlderMs) {
      // Done with, so that nobody is asked for it again.
      this.stats.refused++;
      return;
    }
    state.lastAt = now;
    const isHeld = this.#keep(now, state, message);
    if (message.wantHeld && isHeld && !state.isEphemeral) out.send(from, { kind: 'held', stream, seq });
    this.stats.delivered++;
    out.emit({ kind: 'delivered', message, from });
    if (answersPull) {
      // Not pushed on, for most neighbours have it: what a pull brings is told to them by digest.
      this.stats.pulled++;
      return;
    }
    if (message.repair) state.repairedTo = Math.max(state.repairedTo, seq);
    else if (neighbor !== undefined) this.#becomeParent(now, neighbor, missing, round, out);
    this.#push(message, from, out);
    this.#announce(now, stream, seq, round + 1, out);
  }

  /** Algorithm 1: a payload that came twice means that the link closes a circle. */
  #onDuplicate(now: Millis, neighbor: Neighbor | undefined, state: StreamState, message: Gossip<B>, out: Out<B>): void {
    this.stats.duplicates++;
    if (message.wantHeld && this.store.get(message.stream, message.seq) !== undefined && neighbor !== undefined) {
      out.send(neighbor.id, { kind: 'held', stream: message.stream, seq: message.seq });
    }
    if (neighbor === undefined) return;
    neighbor.duplicates++;
    // Deviation: the paper has no traffic outside the tree. A copy that overtook the tree must not cost a tree link.
    if (message.repair || message.seq <= state.repairedTo) return;
    // A pusher that was pruned a moment ago cannot know yet.
    if (!neighbor.isEager && now - neighbor.prunedAt < this.#config.pruneRepeatMs) return;
    this.#prune(now, neighbor, out);
  }

  #prune(now: Millis, neighbor: Neighbor, out: Out<B>): void {
    neighbor.isEager = false;
    neighbor.prunedAt = now;
    this.stats.prunesSent++;
    out.send(neighbor.id, { kind: 'prune' });
  }

  /** EagerPush: one shared object for all. `message` is as it came; nobody gets it back. */
  #push(message: Gossip<B>, except: PeerId | null, out: Out<B>): void {
    let relayed: Gossip<B> | null = except === null ? message : null;
    for (const neighbor of this.#neighbors) {
      if (!neighbor.isEager || neighbor.id === except) continue;
      relayed ??= relay(message, message.repair);
      this.stats.gossipsSent++;
      out.send(neighbor.id, relayed);
    }
  }

  #pushOutsideTree(message: Gossip<B>, out: Out<B>): void {
    for (const neighbor of this.#neighbors) {
      if (neighbor.isEager) continue;
      this.stats.gossipsSent++;
      out.send(neighbor.id, message);
    }
  }

  /** LazyPush, by way of the batch (SRDS'07 §3.4 "a policy to piggyback"). `round` is what the receiver would get. */
  #announce(now: Millis, stream: StreamId, seq: number, round: number, out: Out<B>): void {
    if (!this.#hasLazy()) return;
    const items = this.#announcements;
    const last = items[items.length - 1];
    if (
      last !== undefined &&
      last.stream === stream &&
      last.to === seq - 1 &&
      last.round === round &&
      seq - last.from < this.#config.iHaveRangeMax
    ) {
      items[items.length - 1] = { stream, from: last.from, to: seq, round };
    } else {
      items.push({ stream, from: seq, to: seq, round });
    }
    if (this.#announceAt === never) this.#announceAt = now + this.#config.iHaveBatchMs;
    if (items.length >= this.#config.iHaveItemsMax) this.#flushAnnouncements(out);
  }

  #hasLazy(): boolean {
    for (const neighbor of this.#neighbors) if (!neighbor.isEager) return true;
    return false;
  }

  /** Algorithm 1, Dispatch: the same list for every lazy neighbour. Who gave us one of them knows it and skips it. */
  #flushAnnouncements(out: Out<B>): void {
    const items = this.#announcements;
    this.#announcements = [];
    this.#announceAt = never;
    if (items.length === 0) return;
    const message = { kind: 'iHave', items } as const;
    for (const neighbor of this.#neighbors) {
      if (neighbor.isEager) continue;
      this.stats.iHavesSent++;
      out.send(neighbor.id, message);
    }
  }

  // Algorithm 2: tree repair

  /** Algorithm 2, Receive IHAVE. */
  #onIHave(now: Millis, neighbor: Neighbor, items: readonly IHaveItem[], out: Out<B>): void {
    const { iHaveItemsMax, iHaveRangeMax } = this.#config;
    const broken = iHaveRuleBroken(items, iHaveItemsMax, iHaveRangeMax);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.stats.iHavesReceived++;
    for (const { stream, from, to, round } of items) {
      const state = this.#streams.getOrAdd(stream, now);
      if (state.isOwn || to <= state.floor) continue;
      for (let seq = from; seq <= to; seq++) {
        if (state.has(seq)) continue;
        this.#missing ??= new MissingMessages(this.#config);
        if (!this.#missing.announced(now, state, seq, neighbor.id, round)) this.stats.shed++;
      }
    }
  }

  /** Algorithm 2, Timer: graft the first announcer, and the next one after the second, shorter timeout. */
  #graftMissing(now: Millis, missing: MissingMessages, out: Out<B>): void {
    const grafts = new Map<Neighbor, SeqRange[]>();
    for (let entry = missing.expire(now); entry !== undefined; entry = missing.expire(now)) {
      const announcer = this.#nextAnnouncer(entry);
      if (announcer === undefined || entry.state.has(entry.seq)) {
        missing.settle(entry.state, entry.seq);
        if (announcer === undefined) this.stats.abandoned++;
        continue;
      }
      let ranges = grafts.get(announcer);
      if (ranges === undefined || ranges.length >= this.#config.pullRangesMax) {
        if (ranges !== undefined) this.#graft(announcer, ranges, out);
        ranges = [];
        grafts.set(announcer, ranges);
      }
      addToRanges(ranges, entry.state.id, entry.seq);
      missing.askedOne(now, entry);
    }
    for (const [announcer, ranges] of grafts) this.#graft(announcer, ranges, out);
  }

  #nextAnnouncer(entry: Missing): Neighbor | undefined {
    for (let next = entry.announcers.shift(); next !== undefined; next = entry.announcers.shift()) {
      const neighbor = this.#byId.get(next.peer);
      if (neighbor !== undefined) return neighbor;
    }
    return undefined;
  }

  #graft(neighbor: Neighbor, ranges: readonly SeqRange[], out: Out<B>): void {
    this.#makeEager(neighbor, out);
    this.stats.graftsSent++;
    out.send(neighbor.id, { kind: 'graft', ranges });
  }

  /** Algorithm 2, Receive GRAFT. No ranges: only the link is meant (§3.8). */
  #onGraft(neighbor: Neighbor, ranges: readonly SeqRange[], out: Out<B>): void {
    const broken = rangesRuleBroken(ranges, this.#config.pullRangesMax);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.stats.graftsReceived++;
    this.#makeEager(neighbor, out);
    this.#repair.serve(neighbor, this.store, ranges, out);
    if (this.#recent !== null) this.#repair.serve(neighbor, this.#recent, ranges, out);
  }

  /** Algorithm 1, Receive PRUNE. */
  #onPrune(neighbor: Neighbor): void {
    this.stats.prunesReceived++;
    neighbor.isEager = false;
  }

  /** Who gave us a message first is our parent for its origin; §3.8 prefers an announcer that is much nearer. */
  #becomeParent(now: Millis, neighbor: Neighbor, missing: Missing | undefined, round: number, out: Out<B>): void {
    this.#makeEager(neighbor, out);
    if (missing === undefined) return;
    for (const { peer, round: announced } of missing.announcers) {
      const nearer = this.#byId.get(peer);
      if (nearer === undefined || nearer === neighbor) continue;
      if (round - announced < this.#config.optimizationThreshold) continue;
      this.stats.optimizations++;
      this.#graft(nearer, [], out);
      this.#prune(now, neighbor, out);
      return;
    }
  }

  #makeEager(neighbor: Neighbor, out: Out<B>): void {
    if (neighbor.isEager) return;
    // It was lazy when the waiting announcements were noted: it is owed them.
    if (this.#announcements.length > 0) {
      this.stats.iHavesSent++;
      out.send(neighbor.id, { kind: 'iHave', items: this.#announcements.slice() });
    }
    neighbor.isEager = true;
    neighbor.prunedAt = Number.NEGATIVE_INFINITY;
  }

  // Algorithm 3: overlay changes

  /** Algorithm 3, neighborUp: a new link is eager. */
  #neighborUp(now: Millis, peer: PeerId, out: Out<B>): void {
    if (this.#byId.has(peer)) return;
    const neighbor = new Neighbor(peer);
    this.#byId.set(peer, neighbor);
    this.#neighbors.push(neighbor);
    this.#expire(now);
    this.#repair.neighborUp(now, neighbor, out);
  }

  /** Algorithm 3, neighborDown. What it announced is skipped when its turn comes. */
  #neighborDown(now: Millis, peer: PeerId, out: Out<B>): void {
    const neighbor = this.#byId.get(peer);
    if (neighbor === undefined) return;
    this.#byId.delete(peer);
    this.#neighbors.splice(this.#neighbors.indexOf(neighbor), 1);
    this.#repair.neighborDown(now, neighbor, out);
  }

  // Beyond the paper: digests, pulls, held

  #onDigest(
    now: Millis,
    neighbor: Neighbor,
    message: Extract<PlumtreeMessage<B>, { kind: 'digest' }>,
    out: Out<B>,
  ): void {
    const { digestStreamsMax, pullRangesMax, digestRunsMax } = this.#config;
    const broken = digestRuleBroken(message.streams, Math.max(digestStreamsMax, pullRangesMax * digestRunsMax));
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.#repair.onDigest(now, neighbor, message.streams, message.last, out);
  }

  #onPull(neighbor: Neighbor, ranges: readonly SeqRange[], out: Out<B>): void {
    const broken = rangesRuleBroken(ranges, this.#config.pullRangesMax);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.#repair.onPull(neighbor, ranges, out);
  }

  #onHeld(neighbor: Neighbor, { stream, seq }: { readonly stream: StreamId; readonly seq: number }, out: Out<B>): void {
    if (stream !== this.#own.id || !(seq >= 1 && seq <= this.#own.floor)) {
      this.#violation(neighbor.id, 'held of a message never published', out);
      return;
    }
    out.emit({ kind: 'held', seq, by: neighbor.id });
  }

  /** Holds a message for those who ask for it later. False: it is too large. */
  #keep(now: Millis, state: StreamState, message: Gossip<B>): boolean {
    const isKept = this.#storeOf(state).add(now, message);
    if (!state.isEphemeral && isKept) this.#repair.changed(now, state);
    // Expiry is looked at now and then, not for each message.
    if (this.#sweepAt === never) this.#sweepAt = now + this.#sweepMs;
    return isKept;
  }

  #storeOf(state: StreamState): MessageStore<B> {
    if (!state.isEphemeral) return this.store;
    if (this.#recent === null) {
      const { ephemeralBytesMax, ephemeralCountMax, ephemeralHoldMs } = this.#config;
      const bounds = { bytesMax: ephemeralBytesMax, countMax: ephemeralCountMax, ageMs: ephemeralHoldMs };
      this.#recent = new MessageStore(bounds, this.#sizeOf);
    }
    return this.#recent;
  }

  /** How far behind expiry may be. */
  get #sweepMs(): Millis {
    return this.#config.ephemeralHoldMs / 2;
  }

  #expire(now: Millis): void {
    this.store.expire(now);
    this.#recent?.expire(now);
  }

  #sweep(now: Millis, out: Out<B>): void {
    this.#expire(now);
    for (const state of this.#holed ?? []) {
      while (state.lowestHoleSince <= now - this.#config.holdMs) this.#giveUpLowestHole(state, out);
      if (!state.hasHoles) this.#holed?.delete(state);
    }
    const isIdle = this.store.size === 0 && (this.#recent?.size ?? 0) === 0 && (this.#holed?.size ?? 0) === 0;
    // With held messages alone there is nothing to do before the oldest expires.
    const isPatient = (this.#recent?.size ?? 0) === 0 && (this.#holed?.size ?? 0) === 0;
    this.#sweepAt = isIdle
      ? never
      : isPatient
        ? Math.max(this.store.nextExpiry(), now + this.#sweepMs)
        : now + this.#sweepMs;
  }

  #noteHoles(now: Millis, state: StreamState, hadHoles: boolean, out: Out<B>): void {
    while (state.holes > this.#config.holesMax) this.#giveUpLowestHole(state, out);
    if (hadHoles) return;
    this.#holed ??= new Set();
    this.#holed.add(state);
    this.#sweepAt = Math.min(this.#sweepAt, now + this.#sweepMs);
  }

  #giveUpLowestHole(state: StreamState, out: Out<B>): void {
    const hole = state.giveUpLowest();
    // From number 1 it is no loss but history: the stream was met when it was under way.
    if (hole === null || hole.from === 1 || state.isEphemeral) return;
    this.stats.lost += hole.to - hole.from + 1;
    out.emit({ kind: 'lost', range: { stream: state.id, from: hole.from, to: hole.to } });
  }

  #violation(peer: PeerId, rule: string, out: Out<B>): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }
}

/** The message as it goes on: one link further. */
function relay<B>(message: Gossip<B>, repair: boolean): Gossip<B> {
  const { stream, seq, round, publishedAt, body } = message;
  return { kind: 'gossip', stream, seq, round: round + 1, publishedAt, wantHeld: false, repair, body };
}

function addToRanges(ranges: SeqRange[], stream: StreamId, seq: number): void {
  const last = ranges[ranges.length - 1];
  if (last !== undefined && last.stream === stream && last.to === seq - 1) {
    ranges[ranges.length - 1] = { stream, from: last.from, to: seq };
  } else {
    ranges.push({ stream, from: seq, to: seq });
  }
}
