import type { Millis, Outbox, PeerId, Rng } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';
import type { MessageStore } from './message-store.ts';
import type { PlumtreeEvent, PlumtreeMessage, SeqRange, StreamDigest, StreamId } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import { Outsider, type Outsiders } from './outsiders.ts';
import type { PlumtreeStats } from './stats.ts';
import type { StreamState, StreamTable } from './stream-table.ts';
import { nextRound } from './validity.ts';

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;
const never = Number.POSITIVE_INFINITY;

/**
 * What the paper leaves open: announcements reach only the links that exist when they are made, so a partition that
 * outlasts every timer, or a restart, would lose messages that others still hold. Whenever two peers become neighbours
 * each tells what it holds, and each pulls what it lacks: in bounded requests, one at a time per neighbour, and a stream
 * from one neighbour at a time. What a pull brought is told on at once, so that a healed island fills up hop by hop.
 *
 * Then a cheap guard for what was lost with every timer: streams that changed are told to each neighbour once more, one
 * neighbour every `digestIntervalMs`. When nothing changes nothing is said.
 */
export class DigestRepair<B> {
  readonly #config: PlumtreeConfig;
  readonly #streams: StreamTable;
  readonly #store: MessageStore<B>;
  readonly #stats: PlumtreeStats;
  readonly #rng: Rng;
  readonly #isOver: (now: Millis, stream: StreamId) => boolean;
  readonly #neighbors: readonly Neighbor[];
  readonly #outsiders: Outsiders<B>;
  /** Streams with digests left, in the order in which they changed. */
  #changed: StreamState[] = [];
  #changesAt: Millis = never;
  #rotation = 0;
  /** The earliest of the neighbours' deadlines. */
  #neighborsAt: Millis = never;

  /** `neighbors` is the live list of the owner; `isOver`: too much came from the origin of this stream to ask for more now. */
  constructor(
    config: PlumtreeConfig,
    streams: StreamTable,
    store: MessageStore<B>,
    stats: PlumtreeStats,
    rng: Rng,
    neighbors: readonly Neighbor[],
    outsiders: Outsiders<B>,
    isOver: (now: Millis, stream: StreamId) => boolean,
  ) {
    this.#isOver = isOver;
    this.#config = config;
    this.#streams = streams;
    this.#store = store;
    this.#stats = stats;
    this.#rng = rng;
    this.#neighbors = neighbors;
    this.#outsiders = outsiders;
  }

  nextDeadline(): Millis {
    return Math.min(this.#neighborsAt, this.#changesAt);
  }

  /** A message of this stream was first seen: later digests are to name it. */
  changed(now: Millis, state: StreamState): void {
    if (this.#neighbors.length === 0) return; // Whoever comes is told everything.
    if (state.digestsLeft === 0) this.#changed.push(state);
    state.digestsLeft = this.#neighbors.length;
    if (this.#changesAt === never) this.#armChanges(now);
  }

  neighborUp(now: Millis, neighbor: Neighbor, out: Out<B>): void {
    neighbor.toTell = [...this.#store.streams()];
    this.#tellPage(now, neighbor, out);
    this.#reschedule();
  }

  neighborDown(now: Millis, neighbor: Neighbor, out: Out<B>): void {
    this.#release(now, neighbor);
    this.#pumpAll(now, out);
  }

  /**
   * Anti-entropy with a peer that is no neighbour (Demers et al., PODC 1987, back up their rumours by it): neighbours that keep
   * messages to themselves are not the only ones who know of them. `follow`: what comes to either of the two is pushed to the other, until
   * a comparison without it.
   */
  compare(now: Millis, peer: PeerId, follow: boolean, out: Out<B>): void {
    this.#stats.comparisons++;
    const outsider = this.#outsiderOf(now, peer, out);
    // A page of nothing that is not the last, which no neighbour sends, says that it is meant so.
    this.#tell(outsider, [], false, out);
    this.#tellOutsider(now, outsider, out);
    // What says that a link is to be eager or lazy in a tree says it here as well, where there is no tree.
    if (follow) out.send(peer, { kind: 'graft', ranges: [], tree: 0 });
    else if (outsider.isFollowed) out.send(peer, { kind: 'prune', tree: 0, yieldTo: null });
    outsider.isFollowed = follow;
    this.#reschedule();
  }

  /**
   * A page of a checked digest of a peer that is no neighbour: it begins a comparison, or goes on with one. False: neither, it is about a
   * link that was there a moment ago.
   */
  onOutsiderDigest(now: Millis, peer: PeerId, streams: readonly StreamDigest[], last: boolean, out: Out<B>): boolean {
    const begins = !last && streams.length === 0;
    if (!begins && this.#outsiders.find(peer) === undefined) return false;
    const outsider = this.#outsiderOf(now, peer, out);
    const { comparisonMs } = this.#config;
    outsider.endsAt = now + comparisonMs;
    // What it told before has its time yet (`comparisonGraceMs`); what is new to it may be on its way here too, and is told again.
    if (!last || outsider.wants.length === 0) this.onDigest(now, outsider, streams, last, out);
    // Both tell once, whoever began.
    if (last && now - outsider.toldAt >= comparisonMs / 8) this.#tellOutsider(now, outsider, out);
    this.#reschedule();
    return true;
  }

  /** Serves a checked pull of a peer that is being compared with. False: this one is not. */
  onOutsiderPull(now: Millis, peer: PeerId, ranges: readonly SeqRange[], out: Out<B>): boolean {
    const outsider = this.#outsiders.find(peer);
    if (outsider === undefined) return false;
    const { comparisonMs, pullMessagesMax } = this.#config;
    outsider.endsAt = now + comparisonMs;
    let lacked = 0;
    for (const { stream, from, to } of ranges) {
      if (this.#streams.get(stream)?.isOwn) lacked += this.#store.range(stream, from, to, pullMessagesMax).length;
    }
    this.#outsiders.refill(now);
    this.onPull(outsider, ranges, out);
    if (lacked > 0) {
      this.#stats.lackedByOutsiders += lacked;
      out.emit({ kind: 'compared', peer, brought: 0, lacked, isOver: false });
    }
    return true;
  }

  /** A message of this stream that nobody had brought came from a peer that is no neighbour, with `repair`. */
  outsiderBrought(now: Millis, peer: PeerId, stream: StreamId, out: Out<B>): void {
    const outsider = this.#outsiders.find(peer);
    if (outsider === undefined) return;
    const { comparisonMs, pullTimeoutMs } = this.#config;
    outsider.endsAt = now + comparisonMs;
    // What is pushed may only be ahead of the tree.
    if (!isAskedFor(outsider, stream)) return;
    outsider.hasAnswered = true;
    outsider.answerBy = now + pullTimeoutMs;
    this.#stats.broughtByOutsiders++;
    out.emit({ kind: 'compared', peer, brought: 1, lacked: 0, isOver: false });
  }

  /** Its link is gone, or it is a neighbour now. */
  outsiderGone(now: Millis, peer: PeerId, out: Out<B>): void {
    const outsider = this.#outsiders.find(peer);
    if (outsider !== undefined) this.#part(now, outsider, out);
  }

  /** Does a message with `repair` from this neighbour answer a pull, rather than a graft? Notes that the answer goes on. */
  answersPull(now: Millis, neighbor: Neighbor, state: StreamState): boolean {
    if (state.repair?.pulledFrom !== neighbor.id) return false;
    neighbor.hasAnswered = true;
    neighbor.answerBy = now + this.#config.pullTimeoutMs;
    return true;
  }

  /** A page of a digest that has been checked. */
  onDigest(now: Millis, neighbor: Neighbor, streams: readonly StreamDigest[], last: boolean, out: Out<B>): void {
    // The answer to a pull ends with a digest of the streams asked for. One that crossed our pull may be taken for it:
    // then something is asked twice, no more.
    const isRepeated = last && neighbor instanceof Outsider;
    const isAnswer = !isRepeated && streams.some((run) => isAskedFor(neighbor, run.stream));
    if (isAnswer) this.#endAnswer(now, neighbor, streams, out);
    else this.#noteWants(now, neighbor, streams);
    if (last) neighbor.hasTold = true;
    this.#pumpAll(now, out);
  }

  /** Serves what is held, up to the credit, then says what is held of the streams asked for. */
  onPull(neighbor: Neighbor, ranges: readonly SeqRange[], out: Out<B>): void {
    this.serve(neighbor, this.#store, ranges, out);
    const runs: StreamDigest[] = [];
    let asked: StreamId | null = null;
    for (const { stream } of ranges) {
      if (stream === asked) continue;
      asked = stream;
      if (this.#store.runs(stream, this.#config.digestRunsMax, runs) > 0) continue;
      const seen = this.#streams.get(stream)?.floor ?? 0;
      runs.push({ stream, from: seen + 1, seen });
    }
    this.#tell(neighbor, runs, false, out);
  }

  /** Sends what `store` holds of `ranges`: at least one message, then as many as the credit covers. */
  serve(neighbor: Neighbor, store: MessageStore<B>, ranges: readonly SeqRange[], out: Out<B>): void {
    let messagesLeft = this.#config.pullMessagesMax;
    let credit = this.#config.repairBytesMax;
    for (const { stream, from, to } of ranges) {
      for (const message of store.range(stream, from, to, messagesLeft)) {
        if (credit <= 0) return;
        const bytes = store.bytesOf(message);
        if (neighbor instanceof Outsider && !this.#outsiders.spend(bytes)) return;
        credit -= bytes;
        messagesLeft--;
        this.#stats.gossipsSent++;
        out.send(neighbor.id, { ...message, round: nextRound(message.round), wantHeld: false, repair: true });
      }
    }
  }

  tick(now: Millis, out: Out<B>): void {
    if (this.#changesAt <= now) this.#tellChanges(now, out);
    if (this.#neighborsAt > now) return;
    for (const neighbor of this.#everybody()) {
      if (neighbor.tellAt <= now) this.#tellPage(now, neighbor, out);
      if (neighbor.asked !== null && neighbor.answerBy <= now) this.#giveUpAnswer(now, neighbor);
    }
    for (const outsider of this.#outsiders.all.filter(({ endsAt }) => endsAt <= now)) this.#part(now, outsider, out);
    this.#pumpAll(now, out);
  }

  // Telling

  #tellPage(now: Millis, neighbor: Neighbor, out: Out<B>): void {
    const { digestStreamsMax, digestRunsMax, digestPageMs } = this.#config;
    const streams = neighbor.toTell ?? [];
    const page: StreamDigest[] = [];
    while (neighbor.told < streams.length && page.length <= digestStreamsMax - digestRunsMax) {
      this.#store.runs(streams[neighbor.told] as StreamId, digestRunsMax, page);
      neighbor.told++;
    }
    const last = neighbor.told >= streams.length;
    if (last) {
      neighbor.toTell = null;
      neighbor.told = 0;
    }
    neighbor.tellAt = last ? never : now + digestPageMs;
    this.#tell(neighbor, page, last, out);
  }

  #armChanges(now: Millis): void {
    this.#changesAt = now + this.#config.digestIntervalMs * (0.5 + this.#rng.float());
  }

  /** Tells the next neighbour in turn what changed, until each has been told. */
  #tellChanges(now: Millis, out: Out<B>): void {
    this.#changesAt = never;
    const { digestStreamsMax, digestRunsMax } = this.#config;
    const neighbor = this.#neighbors[this.#rotation++ % Math.max(1, this.#neighbors.length)];
    const left: StreamState[] = [];
    const page: StreamDigest[] = [];
    for (const state of this.#changed) {
      if (neighbor === undefined) {
        // Alone: whoever comes is told everything.
        state.digestsLeft = 0;
        continue;
      }
      if (page.length <= digestStreamsMax - digestRunsMax) {
        this.#store.runs(state.id, digestRunsMax, page);
        state.digestsLeft--;
      }
      if (state.digestsLeft > 0) left.push(state);
    }
    this.#changed = left;
    if (neighbor !== undefined && page.length > 0) this.#tell(neighbor, page, false, out);
    if (left.length > 0) this.#armChanges(now);
  }

  #tell(neighbor: Neighbor, streams: readonly StreamDigest[], last: boolean, out: Out<B>): void {
    this.#stats.digestsSent++;
    out.send(neighbor.id, { kind: 'digest', streams, last });
  }

  // Pulling

  #noteWants(now: Millis, neighbor: Neighbor, streams: readonly StreamDigest[]): void {
    for (const { stream, from, seen } of streams) {
      if (seen < from) continue;
      const state = this.#streams.get(stream);
      if (state !== undefined && (state.isOwn || state.absent(from, seen, 1).length === 0)) continue;
      if (neighbor.wants.length >= this.#config.wantsMax) this.#stats.shed++;
      else neighbor.wants.push({ stream, from, to: seen });
    }
    if (neighbor.wants.length === 0 || neighbor.pullAt !== never) return;
    const { comparisonGraceMs, comparisonLateMs } = this.#config;
    if (neighbor instanceof Outsider)
      neighbor.pullAt = now + (neighbor.isFollowed ? comparisonGraceMs : comparisonLateMs);
    else neighbor.pullAt = neighbor.hasTold ? now + this.#config.digestGraceMs : now;
  }

  /** The neighbour has answered to the end: what it still holds of the ranges is asked for again, the rest it does not have. */
  #endAnswer(now: Millis, neighbor: Neighbor, streams: readonly StreamDigest[], out: Out<B>): void {
    const asked = neighbor.asked ?? [];
    const { hasAnswered } = neighbor;
    this.#release(now, neighbor);
    neighbor.strikes = hasAnswered ? 0 : neighbor.strikes + 1;
    if (neighbor.strikes >= this.#config.strikesMax) {
      // It says that it holds what it does not give. Others may.
      neighbor.wants = [];
      neighbor.strikes = 0;
      return;
    }
    const again: SeqRange[] = [];
    for (const range of asked) {
      for (const run of streams) {
        if (run.stream !== range.stream || run.seen < range.from || run.from > range.to) continue;
        again.push({
          stream: range.stream,
          from: Math.max(range.from, run.from),
          to: Math.min(range.to, run.seen),
        });
      }
    }
    neighbor.wants = [...again, ...neighbor.wants];
    neighbor.pullAt = now;
    if (hasAnswered && !(neighbor instanceof Outsider)) this.#tellOn(neighbor, asked, out);
  }

  #giveUpAnswer(now: Millis, neighbor: Neighbor): void {
    const asked = neighbor.asked ?? [];
    this.#release(now, neighbor);
    neighbor.strikes++;
    // To the end of the line, so that another neighbour that holds the same is asked first.
    neighbor.wants = neighbor.strikes >= this.#config.strikesMax ? [] : [...neighbor.wants, ...asked];
    neighbor.pullAt = now + this.#config.pullTimeoutMs;
  }

  #release(now: Millis, neighbor: Neighbor): void {
    if (neighbor.asked === null) return;
    for (const { stream } of neighbor.asked) {
      const repair = this.#streams.get(stream)?.repair;
      if (repair?.pulledFrom === neighbor.id) repair.pulledFrom = null;
    }
    neighbor.asked = null;
    neighbor.answerBy = never;
    neighbor.hasAnswered = false;
    for (const other of this.#everybody()) {
      if (!other.isWaiting) continue;
      other.isWaiting = false;
      other.pullAt = now;
    }
  }

  /** What a pull brought concerns the other neighbours too. It is told, not pushed: most of them will have it. */
  #tellOn(source: Neighbor, asked: readonly SeqRange[], out: Out<B>): void {
    if (this.#neighbors.length < 2) return;
    const runs: StreamDigest[] = [];
    let told: StreamId | null = null;
    for (const { stream } of asked) {
      if (stream === told || runs.length > this.#config.digestStreamsMax - this.#config.digestRunsMax) continue;
      told = stream;
      this.#store.runs(stream, this.#config.digestRunsMax, runs);
    }
    if (runs.length === 0) return;
    for (const neighbor of this.#neighbors) if (neighbor !== source) this.#tell(neighbor, runs, false, out);
  }

  #pumpAll(now: Millis, out: Out<B>): void {
    for (const neighbor of this.#everybody()) this.#pump(now, neighbor, out);
    this.#reschedule();
  }

  /** Asks a neighbour for the next of what it holds and we lack, unless an answer of it is under way. */
  #pump(now: Millis, neighbor: Neighbor, out: Out<B>): void {
    if (neighbor.asked === null && neighbor.pullAt <= now && neighbor.wants.length > 0) this.#pull(now, neighbor, out);
    if (neighbor.wants.length === 0) neighbor.pullAt = never;
    if (neighbor instanceof Outsider) return;
    if (neighbor.isCaughtUp || !neighbor.hasTold || neighbor.asked !== null || neighbor.wants.length > 0) return;
    neighbor.isCaughtUp = true;
    out.emit({ kind: 'caughtUp', peer: neighbor.id });
  }

  #pull(now: Millis, neighbor: Neighbor, out: Out<B>): void {
    const { pullRangesMax, pullMessagesMax, pullTimeoutMs } = this.#config;
    const ranges: SeqRange[] = [];
    const later: SeqRange[] = [];
    let messagesLeft = pullMessagesMax;
    let at = 0;
    for (; at < neighbor.wants.length && ranges.length < pullRangesMax && messagesLeft > 0; at++) {
      const want = neighbor.wants[at] as SeqRange;
      const state = this.#streams.getOrAdd(want.stream, now);
      // What an outsider has and the tree is about to bring is not asked for: there will be another comparison.
      const absent = state
        .absent(want.from, want.to, pullRangesMax - ranges.length)
        .filter(
          ({ from }) => !(neighbor instanceof Outsider && state.isComing(now, from, this.#config.comparisonLateMs)),
        );
      if (absent.length === 0) continue;
      const pulledFrom = state.repair?.pulledFrom ?? null;
      const isPulledElsewhere = pulledFrom !== null && pulledFrom !== neighbor.id && !(neighbor instanceof Outsider);
      if (isPulledElsewhere || this.#isOver(now, want.stream)) {
        later.push(want);
        continue;
      }
      let end = want.from - 1;
      for (const { from, to } of absent) {
        if (messagesLeft <= 0) break;
        end = Math.min(to, from + messagesLeft - 1);
        messagesLeft -= end - from + 1;
        ranges.push({ stream: want.stream, from, to: end });
      }
      if (!(neighbor instanceof Outsider)) state.repairing().pulledFrom = neighbor.id;
      if (end < want.to) later.push({ stream: want.stream, from: end + 1, to: want.to });
    }
    neighbor.wants = at === neighbor.wants.length ? later : [...later, ...neighbor.wants.slice(at)];
    if (ranges.length === 0) {
      // All of it is here by now, or is being pulled from others: look again when one of them is done.
      neighbor.isWaiting = neighbor.wants.length > 0;
      neighbor.pullAt = neighbor.isWaiting ? now + pullTimeoutMs : never;
      return;
    }
    neighbor.asked = ranges;
    neighbor.answerBy = now + pullTimeoutMs;
    this.#stats.pullsSent++;
    out.send(neighbor.id, { kind: 'pull', ranges });
  }

  #reschedule(): void {
    let at = never;
    for (const neighbor of this.#neighbors) at = Math.min(at, neighbor.nextDeadline());
    for (const outsider of this.#outsiders.all) at = Math.min(at, outsider.nextDeadline());
    this.#neighborsAt = at;
  }

  // Outsiders

  /** Neighbours and outsiders: whoever may be asked. */
  #everybody(): readonly Neighbor[] {
    const outsiders = this.#outsiders.all;
    return outsiders.length === 0 ? this.#neighbors : [...this.#neighbors, ...outsiders];
  }

  /** The one that was there for longest makes room. */
  #outsiderOf(now: Millis, peer: PeerId, out: Out<B>): Outsider {
    const known = this.#outsiders.find(peer);
    if (known !== undefined) return known;
    const [oldest] = this.#outsiders.all;
    if (oldest !== undefined && this.#outsiders.all.length >= this.#config.outsidersMax) this.#part(now, oldest, out);
    return this.#outsiders.add(now, peer);
  }

  /** Tells what was heard of last: one page. */
  #tellOutsider(now: Millis, outsider: Outsider, out: Out<B>): void {
    outsider.toldAt = now;
    outsider.toTell = this.#outsiders.latest(now);
    outsider.told = 0;
    this.#tellPage(now, outsider, out);
  }

  #part(now: Millis, outsider: Outsider, out: Out<B>): void {
    this.#release(now, outsider);
    this.#outsiders.remove(outsider);
    out.emit({ kind: 'compared', peer: outsider.id, brought: 0, lacked: 0, isOver: true });
  }
}

function isAskedFor({ asked }: Neighbor, stream: StreamId): boolean {
  return asked?.some((range) => range.stream === stream) ?? false;
}
