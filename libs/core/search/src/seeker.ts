import { addCounts, countMax, type Millis, type Outbox, type PeerId, type Rng } from '@starling/kernel';
import type { SearchConfig } from './config.ts';
import { byNearness, guidedPlan } from './guided.ts';
import type {
  FinishReason,
  Hit,
  QueryCost,
  QuestionTerms,
  SearchEvent,
  SearchMessage,
  SeekStrategy,
  SeekTally,
  SpanList,
  SpanState,
} from './messages.ts';
import { ringPlan } from './ring.ts';
import { type Branch, branchCostMin, crossingCost, Seek } from './seek.ts';
import type { SeekPlan } from './seek-strategy.ts';
import { cutTo, isSpanList, Trace } from './trace.ts';
import { walkPlan } from './walk.ts';

type Out = Outbox<SearchMessage, SearchEvent>;
export type SeekMessage = Extract<SearchMessage, { kind: 'seek' }>;
export type FoundMessage = Extract<SearchMessage, { kind: 'found' }>;

const never = Number.POSITIVE_INFINITY;
/** What a step costs at most: the `seek`, its answer, and a `cancel` in case. */
const stepCost = crossingCost + branchCostMin;
const declinedTally: SeekTally = {
  declined: true,
  asked: 0,
  answered: 0,
  messages: 0,
  bytes: 0,
  missing: 0,
  walkers: 0,
  edges: 0,
};

/** What the seeker needs of the search around it. */
export interface SeekerSide {
  readonly config: SearchConfig;
  readonly selfId: PeerId;
  readonly rng: Rng;
  sizeOf(message: SearchMessage): number;
  /** All links, in an order that the seed decides. */
  links(): readonly PeerId[];
  /** What digests say of a link: see `LinkDigests`. */
  nearness(peer: PeerId, terms: QuestionTerms): number;
  degree(peer: PeerId): number;
  ask(queryId: string, text: string, limit: number, out: Out): void;
  /** Hits of an own query; how many of them were new. */
  say(queryId: string, hits: readonly Hit[], out: Out): void;
  /** Hits that an own query still wants. */
  wanted(queryId: string): number;
  /** The way that a round of an own query took. */
  traced(queryId: string, round: number, trace: SpanList, out: Out): void;
  /** An own query is over. */
  ended(now: Millis, queryId: string, cost: QueryCost, reason: FinishReason, out: Out): void;
  violation(peer: PeerId, rule: string, out: Out): void;
}

/** What happened so far; each `…Shed`, `…Dropped`, `…Late` and `…Evicted` counts a bound that was reached. */
export interface SeekerStats {
  rounds: number;
  seeksSent: number;
  declined: number;
  hitsDropped: number;
  answersLate: number;
  parkedEvicted: number;
}

/** The origin's account of an own seek. */
interface Account {
  readonly budget: number;
  left: number;
  depth: number;
  readonly deadline: Millis;
  cost: QueryCost;
  /** Peers that its traces may still name. */
  spansLeft: number;
}

/**
 * Walks, rings and guided walks: all one tree that grows by rounds. A peer belongs to a query's tree by the first link over which
 * it hears of it, and declines the others, so no peer is searched twice and nothing goes in circles. A round passes down the
 * tree to where walkers stand, lets them take their steps, and comes back with hits, with what was spent, and with who was lost.
 *
 * The budget is strict because it is paid in advance: whoever passes a query on sets aside all that its branch may spend. A
 * branch that dies is taken to have spent it all.
 */
export class Seeker {
  readonly #side: SeekerSide;
  readonly #plans: Readonly<Record<SeekStrategy, SeekPlan>>;
  readonly #working = new Map<string, Seek>();
  /** Between rounds, or through. In the order of parking. */
  readonly #parked = new Map<string, Seek>();
  readonly #accounts = new Map<string, Account>();
  #sweepAt: Millis = never;
  readonly stats: SeekerStats = {
    rounds: 0,
    seeksSent: 0,
    declined: 0,
    hitsDropped: 0,
    answersLate: 0,
    parkedEvicted: 0,
  };

  constructor(side: SeekerSide) {
    this.#side = side;
    const { config } = side;
    this.#plans = { walk: walkPlan(config), ring: ringPlan(config), guided: guidedPlan(config) };
  }

  /** Seeks in a round, own ones included. */
  get workingCount(): number {
    return this.#working.size;
  }

  get parkedCount(): number {
    return this.#parked.size;
  }

  nextDeadline(): Millis {
    let next = this.#sweepAt;
    for (const seek of this.#working.values()) next = Math.min(next, seek.deadline, seek.flushAt);
    return next;
  }

  /** Begins an own query. */
  start(
    now: Millis,
    question: {
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly terms: QuestionTerms;
      readonly trace: boolean;
    },
    strategy: SeekStrategy,
    budget: number,
    deadline: Millis,
    out: Out,
  ): void {
    const { queryId, text, limit, terms, trace: isTraced } = question;
    const plan = this.#plans[strategy];
    const errand = { queryId, text, terms, plan, parent: null, hops: 0, expiresAt: deadline, isTraced };
    const seek = new Seek(errand, limit);
    const cost = { asked: 0, answered: 0, messages: 0, bytes: 0, missing: 0 };
    const spansLeft = this.#side.config.traceSpansTotalMax;
    this.#accounts.set(queryId, { budget, left: budget, depth: 0, deadline, cost, spansLeft });
    this.#working.set(queryId, seek);
    seek.waiting = plan.walkers;
    const steps = plan.steps(0);
    this.#begin(now, seek, 1, steps, limit, budget, this.#roundEnd(now, deadline));
    this.stats.rounds++;
    seek.askedLocally();
    this.#side.ask(queryId, text, limit, out);
  }

  /** Ends an own query. */
  cancel(now: Millis, queryId: string, out: Out): void {
    const seek = this.#working.get(queryId);
    if (seek !== undefined && seek.errand.parent === null) this.#conclude(now, seek, 'cancelled', out);
  }

  onSeek(now: Millis, from: PeerId, message: SeekMessage, isShed: boolean, out: Out): void {
    const { config } = this.#side;
    const rule = this.#brokenRule(message);
    if (rule !== null) {
      this.#side.violation(from, rule, out);
      return;
    }
    const { queryId, round, budget } = message;
    const known = this.#working.get(queryId) ?? this.#parked.get(queryId);
    const roundEnd = now + Math.min(message.roundMs, message.timeoutMs, config.timeoutMaxMs);
    const limit = Math.min(message.limit, config.limitMax);
    if (known !== undefined) {
      if (known.errand.parent !== from || round <= known.round || this.#working.has(queryId)) {
        // Whoever sends it has it: no walker need try this link the other way.
        known.tried.add(from);
        this.#decline(from, queryId, round, out);
        return;
      }
      this.#parked.delete(queryId);
      this.#working.set(queryId, known);
      this.#begin(now, known, round, message.steps, limit, budget - branchCostMin, roundEnd);
      this.#goOn(now, known, out);
      this.#finishIfDone(now, known, out);
      return;
    }
    // Our own query from before a restart, or a branch of which this peer has forgotten what it knew.
    if (queryId.startsWith(`${this.#side.selfId}/`)) {
      this.#decline(from, queryId, round, out);
      return;
    }
    if (isShed || message.resume) {
      const asked = message.resume ? 0 : 1;
      const done = { ...declinedTally, declined: false, asked, missing: message.walkers };
      // One that was forgotten had to make room for others.
      const way = message.trace === true && new Trace(this.#side.selfId, from, now, 1).list(now, 'shed', 0);
      out.send(from, { kind: 'found', queryId, round, hits: [], done, ...(way && { trace: way }) });
      return;
    }
    const { text, terms, hops, trace: isTraced = false } = message;
    const plan = this.#plans[message.strategy];
    const expiresAt = now + Math.min(message.timeoutMs, config.timeoutMaxMs);
    const seek = new Seek({ queryId, text, terms, plan, parent: from, hops, expiresAt, isTraced }, limit);
    seek.waiting = message.walkers;
    this.#begin(now, seek, round, message.steps, limit, budget - branchCostMin, roundEnd);
    this.#working.set(queryId, seek);
    seek.askedLocally();
    this.#side.ask(queryId, text, limit, out);
  }

  onFound(now: Millis, from: PeerId, message: FoundMessage, out: Out): void {
    const { queryId, round, hits, done, trace } = message;
    const seek = this.#working.get(queryId);
    const branch = seek?.branches.get(from);
    if (seek === undefined || branch === undefined || !branch.isPending || seek.round !== round) {
      this.stats.answersLate++;
      return;
    }
    const isFine =
      hits.length <= this.#side.config.limitMax &&
      branch.grant >= 1 &&
      (trace === undefined || isSpanList(trace, from, this.#side.config.traceSpansMax)) &&
      (done === null || isTally(done, branch, seek.errand.plan.width));
    if (!isFine) {
      this.#side.violation(from, 'found', out);
      return;
    }
    seek.received(branch, this.#side.sizeOf(message));
    this.#take(now, seek, hits, out);
    if (done === null) {
      if (trace !== undefined) seek.trace?.heard(from, trace);
    } else if (seek.done(from, branch, done)) {
      this.stats.declined++;
      seek.trace?.declined(from);
    } else seek.trace?.done(now, from, trace ?? { spans: [], cut: 0 });
    if (done !== null) this.#depart(now, seek, out);
    this.#finishIfDone(now, seek, out);
  }

  /** True when it was a seek's. */
  onCancel(now: Millis, from: PeerId, queryId: string, out: Out): boolean {
    const seek = this.#working.get(queryId) ?? this.#parked.get(queryId);
    if (seek === undefined || seek.errand.parent !== from) return false;
    this.#abandon(now, seek, out);
    return true;
  }

  /** True when it was a seek's. `failed`: the index has no answer to give. */
  onLocalHits(now: Millis, queryId: string, hits: readonly Hit[], failed: boolean, out: Out): boolean {
    const seek = this.#working.get(queryId) ?? this.#parked.get(queryId);
    if (seek === undefined) return false;
    if (!seek.isLocalPending) return true;
    if (failed) seek.failedLocally();
    else seek.answeredLocally();
    this.#take(now, seek, hits, out);
    // Too late for its round: what was found goes along with the next one.
    if (!this.#working.has(queryId)) {
      seek.lateHits += hits.length;
      return true;
    }
    seek.trace?.local(now, hits.length, true);
    this.#depart(now, seek, out);
    this.#finishIfDone(now, seek, out);
    return true;
  }

  onLinkDown(now: Millis, peer: PeerId, out: Out): void {
    for (const seek of [...this.#parked.values()]) {
      if (seek.errand.parent === peer) this.#abandon(now, seek, out);
      else seek.lost(peer);
    }
    for (const seek of [...this.#working.values()]) {
      // Nobody is left to answer to.
      if (seek.errand.parent === peer) this.#abandon(now, seek, out);
      else if (seek.branches.has(peer)) {
        if (seek.branches.get(peer)?.isPending === true) seek.trace?.lost(now, peer, 'broken');
        seek.lost(peer);
        this.#finishIfDone(now, seek, out);
      }
    }
  }

  onTime(now: Millis, out: Out): void {
    for (const seek of [...this.#working.values()]) {
      if (now >= seek.deadline) this.#giveUp(now, seek, out);
      else if (now >= seek.flushAt) this.#flushEarly(now, seek, out);
    }
    if (now < this.#sweepAt) return;
    for (const [queryId, seek] of this.#parked) if (now >= seek.errand.expiresAt) this.#parked.delete(queryId);
    this.#sweepAt = this.#parked.size === 0 ? never : now + this.#side.config.parkedSweepMs;
  }

  /** A round comes by again. Where walkers left one after another, those behind them stay until none is left here: near first. */
  #goOn(now: Millis, seek: Seek, out: Out): void {
    const isPatient = seek.errand.plan.fanout < Number.POSITIVE_INFINITY;
    if (!isPatient) this.#resume(now, seek, out);
    this.#depart(now, seek, out);
    if (isPatient && !seek.hasPending) this.#resume(now, seek, out);
  }

  /** Lets walkers that stand here go on. */
  #depart(now: Millis, seek: Seek, out: Out): void {
    const { plan, terms } = seek.errand;
    const { rng } = this.#side;
    const nearness = (peer: PeerId): number => this.#side.nearness(peer, terms);
    if (
      seek.hasEnough ||
      seek.isLocalPending ||
      (seek.steps < 1 && plan.sight === 0) ||
      !(this.#timeToPassOn(now, seek) > 0)
    )
      return;
    while (seek.waiting > 0 && !seek.isExpecting && seek.canAfford(branchCostMin)) {
      const untried = this.#side.links().filter((peer) => !seek.tried.has(peer));
      if (untried.length === 0) {
        // Deviation: a walker that could only go back ends here; whoever is behind it was asked by others.
        seek.waiting = 0;
        return;
      }
      // Whose steps are over goes on only to what is in sight.
      const open = seek.steps > 0 ? untried : byNearness({ untried, nearness, rng }).slice(0, seek.waiting);
      if (open.length === 0) return;
      const degree = (peer: PeerId): number => this.#side.degree(peer);
      const wanted = Math.max(1, seek.limit);
      const isBlind = plan.sight > 0 && !open.some((peer) => nearness(peer) > 0);
      if (isBlind && seek.linksLeft < 1) return;
      const linksMax = seek.linksLeft;
      const departures = plan.depart({ untried: open, walkers: seek.waiting, linksMax, wanted, rng, nearness, degree });
      const payable = departures.slice(0, Math.floor(seek.purse / stepCost));
      let standing = payable.reduce((sum, { walkers }) => sum + walkers, 0);
      if (payable.length === 0) return;
      const stride = Math.min(seek.steps, seek.stride);
      if (isBlind) {
        seek.linksLeft -= payable.length;
        seek.stride = stride;
      }
      if (plan.width === 1) seek.waiting -= standing;
      else if (payable.length === departures.length) seek.waiting = 0;
      for (const [at, { to, walkers }] of payable.entries()) {
        const spare = seek.purse - stepCost * (payable.length - at);
        const steps = Math.max(0, (isBlind ? stride : seek.steps) - 1);
        const useful = stepCost * walkers * (steps + plan.sight) * plan.width;
        const grant = branchCostMin + Math.min(useful, Math.floor((spare * walkers) / standing));
        standing -= walkers;
        this.#send(now, seek, to, walkers, steps, grant, out);
      }
      if (plan.width > 1) return;
    }
  }

  #resume(now: Millis, seek: Seek, out: Out): void {
    if (seek.steps < 1 || !(this.#timeToPassOn(now, seek) > 0)) return;
    const { plan } = seek.errand;
    const behind: { readonly peer: PeerId; readonly branch: Branch; readonly least: number }[] = [];
    let free = seek.purse;
    let walkers = seek.waiting;
    const branches = this.#side.rng.shuffle([...seek.branches]).filter(([, branch]) => branch.walkers > 0);
    // Those first where no round has been for the longest time.
    if (plan.fanout < branches.length) branches.sort(([, a], [, b]) => a.round - b.round);
    for (const [peer, branch] of branches) {
      if (behind.length >= seek.linksLeft) break;
      // The way to the walkers and back, and one step at least.
      const least = branchCostMin + stepCost * branch.edges;
      if (free < crossingCost + least + stepCost) continue;
      free -= crossingCost + least;
      walkers += branch.walkers;
      behind.push({ peer, branch, least });
    }
    for (const { peer, branch, least } of behind) {
      const useful = stepCost * branch.walkers * (seek.steps + plan.sight) * plan.width;
      const extra = Math.min(useful, Math.floor((free * branch.walkers) / Math.max(1, walkers)));
      free -= extra;
      walkers -= branch.walkers;
      this.#send(now, seek, peer, branch.walkers, seek.steps, least + extra, out);
    }
  }

  #send(now: Millis, seek: Seek, to: PeerId, walkers: number, steps: number, grant: number, out: Out): void {
    const { queryId, text, terms, plan, hops, expiresAt, isTraced } = seek.errand;
    const message: SeekMessage = {
      kind: 'seek',
      queryId,
      strategy: plan.name,
      round: seek.round,
      text,
      limit: seek.limit,
      timeoutMs: expiresAt - now,
      roundMs: this.#timeToPassOn(now, seek),
      hops: hops + 1,
      steps,
      // As many as a branch says that it has, and no more than anybody takes.
      walkers: Math.min(walkers, this.#side.config.budgetMax),
      budget: grant,
      terms,
      resume: seek.branches.has(to),
      ...(isTraced && { trace: true }),
    };
    seek.trace?.asked(now, to);
    const isPromising = plan.sight > 0 && this.#side.nearness(to, terms) > 0;
    seek.sent(to, walkers, grant, this.#side.sizeOf(message), isPromising);
    this.stats.seeksSent++;
    out.send(to, message);
  }

  /** What a branch may take of the round's time; not above 0: the walkers stay, and may go on in the next round. */
  #timeToPassOn(now: Millis, { errand, deadline }: Seek): Millis {
    const { seekHopMarginMs, seekHopShare, stepsMax } = this.#side.config;
    if (errand.hops >= stepsMax || errand.expiresAt <= now) return 0;
    const left = deadline - now;
    return left - Math.max(seekHopMarginMs, left * seekHopShare);
  }

  #take(now: Millis, seek: Seek, hits: readonly Hit[], out: Out): void {
    const { config } = this.#side;
    for (const hit of hits) {
      const chars = hit.document.length;
      if (chars > config.hitCharsMax || !Number.isFinite(hit.score)) {
        this.stats.hitsDropped++;
        continue;
      }
      const { best } = seek;
      if (!best.isEmpty && best.chars + chars > config.answerCharsMax && !this.#flushEarly(now, seek, out)) {
        // What does not fit and cannot be paid for is said to be missing.
        this.stats.hitsDropped++;
        seek.withheld();
        continue;
      }
      seek.found++;
      if (best.add(hit) && seek.flushAt === never) seek.flushAt = now + config.flushMs;
    }
  }

  /** Passes on what waits before the round is over, when that can be paid. */
  #flushEarly(now: Millis, seek: Seek, out: Out): boolean {
    const { queryId, parent } = seek.errand;
    seek.flushAt = never;
    if (parent !== null && seek.purse < 1) return false;
    const hits = seek.best.take();
    if (parent === null) this.#side.say(queryId, hits, out);
    else if (hits.length > 0) {
      seek.purse--;
      const trace = seek.trace?.soFar(now, seek.spent);
      out.send(parent, { kind: 'found', queryId, round: seek.round, hits, done: null, ...(trace && { trace }) });
    }
    return true;
  }

  #finishIfDone(now: Millis, seek: Seek, out: Out): void {
    if (this.#working.get(seek.errand.queryId) !== seek) return;
    if (seek.errand.parent === null && this.#hasEnough(now, seek, out)) this.#conclude(now, seek, 'limit', out);
    else if (!seek.isLocalPending && !seek.hasPending) this.#endRound(now, seek, 'done', out);
  }

  /** Whether the origin need not wait for the rest of the round. */
  #hasEnough(now: Millis, seek: Seek, out: Out): boolean {
    const { queryId } = seek.errand;
    if (seek.isLocalPending || seek.best.waiting < this.#side.wanted(queryId)) return false;
    this.#flushEarly(now, seek, out);
    return this.#side.wanted(queryId) === 0;
  }

  /** The round's time is up: whoever has not answered is missing. */
  #giveUp(now: Millis, seek: Seek, out: Out): void {
    const message = { kind: 'cancel', queryId: seek.errand.queryId } as const;
    for (const [peer, branch] of [...seek.branches]) {
      if (!branch.isPending) continue;
      seek.trace?.lost(now, peer, 'missing');
      seek.late(peer, this.#side.sizeOf(message));
      out.send(peer, message);
    }
    this.#endRound(now, seek, 'deadline', out);
  }

  #endRound(now: Millis, seek: Seek, reason: 'done' | 'deadline', out: Out): void {
    const { queryId, parent } = seek.errand;
    if (parent !== null) {
      const hits = seek.best.take();
      seek.flushAt = never;
      const done = seek.take();
      const trace = seek.trace?.list(now, reason === 'done' ? 'done' : 'late', done.messages);
      out.send(parent, { kind: 'found', queryId, round: seek.round, hits, done, ...(trace && { trace }) });
      this.#park(now, seek);
      return;
    }
    this.#flushEarly(now, seek, out);
    const account = this.#settle(now, seek, reason === 'done' ? 'done' : 'late', out);
    if (account === undefined) return;
    const { plan } = seek.errand;
    if (seek.round === 1 || seek.round > roundsNearby(seek)) account.depth += seek.steps;
    const steps = plan.steps(account.depth);
    if (this.#side.wanted(queryId) === 0) this.#conclude(now, seek, 'limit', out);
    else if (seek.walkers === 0 || steps === 0) this.#conclude(now, seek, reason, out);
    else if (account.deadline - now < this.#side.config.secondWaveMinMs) this.#conclude(now, seek, 'deadline', out);
    else {
      this.#begin(
        now,
        seek,
        seek.round + 1,
        steps,
        this.#side.wanted(queryId),
        account.left,
        this.#roundEnd(now, account.deadline),
      );
      this.stats.rounds++;
      this.#goOn(now, seek, out);
      if (!seek.isLocalPending && !seek.hasPending)
        this.#conclude(now, seek, seek.walkers === 0 ? 'done' : 'budget', out);
    }
  }

  #begin(now: Millis, seek: Seek, round: number, steps: number, limit: number, purse: number, deadline: Millis): void {
    seek.begin(round, steps, limit, purse, deadline);
    if (!seek.errand.isTraced) return;
    seek.trace = new Trace(this.#side.selfId, seek.errand.parent, now, this.#side.config.traceSpansMax);
    seek.trace.local(now, seek.lateHits, false);
    seek.lateHits = 0;
  }

  /** Adds the round to the account, and tells its way. */
  #settle(now: Millis, seek: Seek, state: SpanState, out: Out): Account | undefined {
    const account = this.#accounts.get(seek.errand.queryId);
    if (account === undefined) return undefined;
    const { asked, answered, messages, bytes, missing } = seek.take();
    if (seek.trace !== null && (seek.round === 1 || !seek.trace.isIdle)) {
      const trace = cutTo(account.spansLeft, seek.trace.list(now, state, messages));
      account.spansLeft -= trace.spans.length;
      this.#side.traced(seek.errand.queryId, seek.round, trace, out);
    }
    seek.trace = null;
    const { cost } = account;
    account.left -= messages;
    account.cost = {
      asked: addCounts(cost.asked, asked),
      answered: addCounts(cost.answered, answered),
      messages: addCounts(cost.messages, messages),
      bytes: addCounts(cost.bytes, bytes, Number.MAX_SAFE_INTEGER),
      missing: addCounts(cost.missing, missing),
    };
    return account;
  }

  /** The origin is through: who still works is told to stop. */
  #conclude(now: Millis, seek: Seek, reason: FinishReason, out: Out): void {
    const { queryId } = seek.errand;
    this.#cancelBranches(now, seek, out);
    const account = this.#settle(now, seek, reason === 'deadline' ? 'late' : 'done', out);
    this.#accounts.delete(queryId);
    seek.branches.clear();
    seek.waiting = 0;
    this.#park(now, seek);
    if (account !== undefined) this.#side.ended(now, queryId, account.cost, reason, out);
  }

  /** Stops without an answer, and stops the branches. Stays in mind, so that later walkers are declined. */
  #abandon(now: Millis, seek: Seek, out: Out): void {
    this.#cancelBranches(now, seek, out);
    seek.branches.clear();
    seek.waiting = 0;
    if (this.#working.has(seek.errand.queryId)) this.#park(now, seek);
  }

  #cancelBranches(now: Millis, seek: Seek, out: Out): void {
    const message = { kind: 'cancel', queryId: seek.errand.queryId } as const;
    for (const [peer, branch] of seek.branches) {
      if (!branch.isPending) continue;
      seek.trace?.lost(now, peer, 'stopped');
      seek.cancelled(branch, this.#side.sizeOf(message));
      out.send(peer, message);
    }
  }

  #park(now: Millis, seek: Seek): void {
    const { queryId } = seek.errand;
    const { parkedMax, parkedSweepMs } = this.#side.config;
    this.#working.delete(queryId);
    this.#parked.set(queryId, seek);
    this.#sweepAt = Math.min(this.#sweepAt, now + parkedSweepMs);
    if (this.#parked.size <= parkedMax) return;
    for (const oldest of this.#parked.keys()) {
      this.#parked.delete(oldest);
      this.stats.parkedEvicted++;
      return;
    }
  }

  #decline(to: PeerId, queryId: string, round: number, out: Out): void {
    out.send(to, { kind: 'found', queryId, round, hits: [], done: declinedTally });
  }

  #roundEnd(now: Millis, deadline: Millis): Millis {
    return now + (deadline - now) * this.#side.config.roundShare;
  }

  #brokenRule(message: SeekMessage): string | null {
    const { queryId, round, text, limit, timeoutMs, roundMs, hops, steps, walkers, budget, terms } = message;
    const { config } = this.#side;
    if (queryId === '' || queryId.length > config.queryIdCharsMax) return 'seek id';
    if (text.length > config.textCharsMax) return 'seek text';
    if (!isWithin(limit, 1, Number.MAX_SAFE_INTEGER)) return 'seek limit';
    if (!(timeoutMs > 0) || !(roundMs > 0)) return 'seek time';
    if (!isWithin(round, 1, config.budgetMax)) return 'seek round';
    if (!isWithin(hops, 1, config.stepsMax)) return 'seek hops';
    if (!isWithin(steps, 0, config.stepsMax)) return 'seek steps';
    if (!isWithin(walkers, 1, config.budgetMax)) return 'seek walkers';
    if (!isWithin(budget, branchCostMin, config.budgetMax)) return 'seek budget';
    if (terms.length > config.termListsMax) return 'seek terms';
    for (const list of terms) {
      if (list.length > config.termsOfListMax || !list.every((term) => isWithin(term, 0, countMax)))
        return 'seek terms';
    }
    return null;
  }
}

/** Rounds until the last walker has left the peers around the origin. */
function roundsNearby({ errand: { plan }, branches }: Seek): number {
  return Math.ceil(Math.ceil(plan.walkers / Math.max(1, branches.size)) / plan.fanout);
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

/** Whether a branch may say so: it has spent no more than it was granted, and only what can be counted. */
function isTally(tally: SeekTally, branch: Branch, width: number): boolean {
  const { asked, answered, messages, bytes, missing, walkers, edges } = tally;
  const counts = [asked, answered, messages, bytes, missing, walkers, edges];
  if (!counts.every((count) => isWithin(count, 0, countMax))) return false;
  return messages < branch.grant && (width > 1 || walkers <= branch.walkers);
}
