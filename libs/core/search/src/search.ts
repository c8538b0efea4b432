import {
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type ProtocolCore,
  type Rng,
  unreachable,
  WorkLimit,
} from '@starling/kernel';
import type { TermStatistics } from '@starling/query';
import { ActiveQuery, type Question } from './active-query.ts';
import { keyOf, versionOf } from './best-hits.ts';
import type { SearchConfig } from './config.ts';
import { LinkDigests, type Sight } from './link-digests.ts';
import type {
  FinishReason,
  Hit,
  QueryCost,
  QueryTally,
  QuestionTerms,
  SearchCommand,
  SearchEvent,
  SearchMessage,
  SpanList,
  Strategy,
} from './messages.ts';
import { isResponderTally } from './responder-tally.ts';
import { ResultCache } from './result-cache.ts';
import { Seeker } from './seeker.ts';
import { SeenQueries } from './seen-queries.ts';
import { estimatedBytes } from './size.ts';
import { isSpanList, Trace } from './trace.ts';

type Out = Outbox<SearchMessage, SearchEvent>;
type QueryMessage = Extract<SearchMessage, { kind: 'query' }>;
type AnswerMessage = Extract<SearchMessage, { kind: 'answer' }>;
type DeclineMessage = Extract<SearchMessage, { kind: 'decline' }>;
type LocalHitsCommand = Extract<SearchCommand, { kind: 'localHits' }>;
type StartCommand = Extract<SearchCommand, { kind: 'start' }>;

const never = Number.POSITIVE_INFINITY;

/**
 * Hits that the layer above may get for each one wanted: they are said as they come, and better ones may come later. With all of
 * them in the worst order it would be as many as there are peers. (guess)
 */
const saidPerHit = 4;
/** After this long some of the queries that are worked on have ended. A guess. */
const busyRetryMs = 1_000;
const nothing: QueryCost = { asked: 0, answered: 0, messages: 0, bytes: 0, missing: 0 };

/** The wave that goes over every link. */
const secondWave = 1;

/** What happened so far; each `…Shed`, `…Dropped` and `…Late` counts a bound that was reached. */
export interface SearchStats {
  started: number;
  secondWaves: number;
  asked: number;
  declined: number;
  queriesShed: number;
  hitsDropped: number;
  /** Own queries that were answered from memory. */
  cached: number;
  answersLate: number;
  violations: number;
}

export interface SearchOptions {
  readonly config: SearchConfig;
  readonly selfId: PeerId;
  readonly rng: Rng;
  /** Bytes of a message on a link, for what a query says that it cost. Default: an estimate. */
  readonly sizeOf?: (message: SearchMessage) => number;
}

/** What the origin remembers of its own query over all waves or rounds. */
interface Own {
  /** As the layer above calls it. */
  readonly name: string;
  readonly strategy: Strategy;
  /** Messages that it may cost; 0: as many as it takes. */
  readonly budget: number;
  readonly deadline: Millis;
  /** Spent by the waves before. */
  messages: number;
  bytes: number;
  /** Hits that the layer above may still get. */
  hitsLeft: number;
  /** Documents said already, by id, with their versions: a second wave finds them again. */
  readonly said: Map<string, number>;
  /** What its answer is remembered by; null: not at all. */
  readonly cacheKey: string | null;
  readonly hits: Hit[];
}

/**
 * Asks the mesh, by one of several strategies. Exhaustive, which is here: a query spreads along the broadcast tree and the answers
 * are merged on the way back, cut to the best `limit` at each hop. A branch that breaks, is shed or runs out of time is counted as
 * missing, never left out in silence; then the origin asks once more over all links, where a broken tree is no hindrance.
 * Those that ask a part of the mesh within a budget are the `Seeker`'s.
 *
 * Every collection is bounded by `SearchConfig`; links by the membership core.
 */
export class Search implements ProtocolCore<SearchMessage, SearchCommand, SearchEvent> {
  readonly #config: SearchConfig;
  readonly #selfId: PeerId;
  readonly #active = new Map<string, ActiveQuery>();
  readonly #own = new Map<string, Own>();
  readonly #seen: SeenQueries;
  readonly #seeker: Seeker;
  readonly #digests: LinkDigests;
  readonly #neighborWork: WorkLimit;
  readonly #ownWork: WorkLimit;
  readonly #cache: ResultCache;
  readonly #sizeOf: (message: SearchMessage) => number;
  #tree = 0;
  #eager: readonly PeerId[] = [];
  #lazy: readonly PeerId[] = [];
  #meshSize = 1;
  readonly stats: SearchStats = {
    started: 0,
    secondWaves: 0,
    asked: 0,
    declined: 0,
    queriesShed: 0,
    hitsDropped: 0,
    cached: 0,
    answersLate: 0,
    violations: 0,
  };

  constructor({ config, selfId, rng, sizeOf = estimatedBytes }: SearchOptions) {
    this.#config = config;
    this.#selfId = selfId;
    this.#sizeOf = sizeOf;
    this.#seen = new SeenQueries(config.seenMax, config.seenMs);
    this.#digests = new LinkDigests(config);
    this.#neighborWork = new WorkLimit(config.neighborPerSecondMax, config.countedNeighborsMax);
    this.#ownWork = new WorkLimit(config.ownPerSecondMax, 1);
    this.#cache = new ResultCache(config.cacheMax, config.cacheCharsMax, config.cacheMs);
    this.#seeker = new Seeker({
      config,
      selfId,
      rng,
      sizeOf,
      links: () => [...this.#eager, ...this.#lazy],
      nearness: (peer, terms) => this.#digests.nearness(peer, terms),
      degree: (peer) => this.#digests.degree(peer),
      ask: (queryId, text, limit, out) => this.#askLocally(queryId, text, limit, out),
      say: (queryId, hits, out) => this.#say(queryId, hits, out),
      wanted: (queryId) => this.#own.get(queryId)?.hitsLeft ?? 0,
      traced: (queryId, round, trace, out) => {
        const own = this.#own.get(queryId);
        if (own === undefined) return;
        out.emit({ kind: 'trace', queryId: own.name, strategy: own.strategy, wave: round, trace });
      },
      ended: (now, queryId, cost, reason, out) => {
        const own = this.#own.get(queryId);
        const isWhole = cost.missing === 0 && (reason === 'limit' || reason === 'done' || reason === 'budget');
        if (own?.cacheKey != null && isWhole && own.hits.length > 0)
          this.#cache.put(now, own.cacheKey, own.hits, reason);
        this.#end(queryId, cost, reason, out);
      },
      violation: (peer, rule, out) => this.#violation(peer, rule, out),
    });
  }

  /** Queries being worked on, own ones included. */
  get activeCount(): number {
    return this.#active.size + this.#seeker.workingCount;
  }

  /** Seeks kept in mind between their rounds. */
  get parkedCount(): number {
    return this.#seeker.parkedCount;
  }

  get digestStats(): LinkDigests['stats'] {
    return this.#digests.stats;
  }

  /** What digests tell of how common these terms are within two links. */
  sight(terms: QuestionTerms): Sight {
    return this.#digests.sight(terms);
  }

  /** How near a link leads to what has the terms, as its digest tells: 1, 2, or 0 for nothing known. */
  nearness(peer: PeerId, terms: QuestionTerms): number {
    return this.#digests.nearness(peer, terms);
  }

  get seekStats(): Seeker['stats'] {
    return this.#seeker.stats;
  }

  /** Finished queries that had to be forgotten before their time. */
  get seenEvicted(): number {
    return this.#seen.evicted;
  }

  handle(now: Millis, input: Input<SearchMessage, SearchCommand>, out: Out): void {
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkUp':
        break;
      case 'linkDown':
        this.#onLinkDown(now, input.peer, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        break;
      default:
        unreachable(input);
    }
    this.#onTime(now, out);
  }

  nextDeadline(): Millis {
    let next = Math.min(this.#seen.next(), this.#seeker.nextDeadline(), this.#digests.nextDeadline());
    for (const query of this.#active.values()) next = Math.min(next, query.deadline, query.flushAt);
    return next;
  }

  #onMessage(now: Millis, from: PeerId, message: SearchMessage, out: Out): void {
    switch (message.kind) {
      case 'query':
        this.#onQuery(now, from, message, out);
        return;
      case 'answer':
        this.#onAnswer(now, from, message, out);
        return;
      case 'decline':
        this.#onDecline(now, from, message, out);
        return;
      case 'cancel':
        if (this.#active.get(message.queryId)?.parent === from) this.#abandon(now, message.queryId, out);
        else this.#seeker.onCancel(now, from, message.queryId, out);
        return;
      case 'seek':
        // What goes on was let in when it began.
        this.#seeker.onSeek(now, from, message, !message.resume && this.#isTooMuch(now, from), out);
        return;
      case 'found':
        this.#seeker.onFound(now, from, message, out);
        return;
      case 'linkTerms': {
        const rule = this.#digests.received(now, from, message);
        if (rule !== null) this.#violation(from, rule, out);
        return;
      }
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: SearchCommand, out: Out): void {
    switch (command.kind) {
      case 'start':
        this.#onStart(now, command, out);
        return;
      case 'cancel':
        this.#onCancel(now, this.#wireId(command.queryId), out);
        return;
      case 'localHits':
        this.#onLocalHits(now, command, out);
        return;
      case 'links':
        this.#tree = command.tree;
        this.#eager = command.eager;
        this.#lazy = command.lazy;
        return;
      case 'neighborUp':
        this.#digests.neighborUp(now, command.peer);
        return;
      case 'neighborDown':
        this.#digests.neighborDown(now, command.peer);
        return;
      case 'ownTerms':
        this.#digests.ownTerms(now, command.fingerprints);
        // Whoever put a document here and asks for it at once is to find it.
        this.#cache.clear();
        return;
      case 'meshSize':
        this.#meshSize = command.peers;
        return;
      default:
        unreachable(command);
    }
  }

  #onStart(now: Millis, command: StartCommand, out: Out): void {
    const queryId = this.#wireId(command.queryId);
    const limit = Math.min(this.#config.limitMax, command.limit);
    const deadline = now + Math.min(this.#config.timeoutMaxMs, command.timeoutMs);
    this.stats.started++;
    const strategy = strategyOf(command);
    const budget = strategy === 'exhaustive' ? 0 : this.#budgetOf(command);
    const own: Own = {
      name: command.queryId,
      strategy,
      budget,
      deadline,
      messages: 0,
      bytes: 0,
      // A seek ends with the first so many; asking everybody finds better ones until the end.
      hitsLeft: strategy === 'exhaustive' ? saidPerHit * limit : limit,
      said: new Map(),
      // What is remembered took no way.
      cacheKey: strategy === 'exhaustive' || command.trace === true ? null : cacheKeyOf(command, strategy, limit),
      hits: [],
    };
    if (own.cacheKey !== null && this.#answerFromCache(now, own, own.cacheKey, out)) return;
    const retryAfterMs = this.#ownWork.take(now, this.#selfId);
    if (retryAfterMs > 0 || this.activeCount >= this.#config.activeMax || this.#own.has(queryId)) {
      this.stats.queriesShed++;
      this.#finished(own, nothing, false, 'overloaded', out, { retryAfterMs: Math.max(retryAfterMs, busyRetryMs) });
      return;
    }
    this.#own.set(queryId, own);
    if (strategy !== 'exhaustive') {
      const { text, terms = [], trace = false } = command;
      this.#seeker.start(now, { queryId, text, limit, terms, trace }, strategy, budget, deadline, out);
      return;
    }
    const { text, statistics } = command;
    const known = statistics !== undefined && { statistics };
    const question = { queryId, text, limit, tree: this.#tree, ...known, ...tracing(command.trace) };
    // With an empty tree there is but one kind of link to ask over.
    const wave = this.#eager.length === 0 ? secondWave : 0;
    const share = wave === secondWave ? 1 : this.#config.firstWaveShare;
    const query = this.#open(now, question, wave, null, now + (deadline - now) * share, 0, out);
    this.#ask(now, query, out);
  }

  #onQuery(now: Millis, from: PeerId, message: QueryMessage, out: Out): void {
    const { queryId, wave, text, limit, timeoutMs, hops, tree, statistics, trace } = message;
    const rule = this.#brokenRule(message);
    if (rule !== null) {
      this.#violation(from, rule, out);
      return;
    }
    const active = this.#active.get(queryId);
    const lastWave = active?.wave ?? this.#seen.waveOf(queryId);
    // Our own query from before a restart has nobody left to answer to.
    if (lastWave >= wave || queryId.startsWith(`${this.#selfId}/`)) {
      this.stats.declined++;
      out.send(from, { kind: 'decline', queryId, wave });
      return;
    }
    if (active === undefined && this.#isTooMuch(now, from)) {
      this.stats.queriesShed++;
      const shed = { asked: 1, answered: 0, messages: 0, missing: 1, bytes: 0 };
      const way = trace === true ? new Trace(this.#selfId, from, now, 1).list(now, 'shed', 0) : undefined;
      out.send(from, { kind: 'answer', queryId, wave, hits: [], done: shed, ...(way !== undefined && { trace: way }) });
      return;
    }
    const question = {
      queryId,
      text,
      limit: Math.min(limit, this.#config.limitMax),
      tree,
      ...(statistics !== undefined && { statistics }),
      ...tracing(trace),
    };
    const deadline = now + Math.min(timeoutMs, this.#config.timeoutMaxMs);
    const query = this.#open(now, question, wave, from, deadline, hops, out);
    if (active === undefined || mustAskAgain(active)) this.#ask(now, query, out);
  }

  /** Whether a neighbour's question must be shed. */
  #isTooMuch(now: Millis, from: PeerId): boolean {
    return this.#neighborWork.take(now, from) > 0 || this.activeCount >= this.#config.activeMax;
  }

  #onAnswer(now: Millis, from: PeerId, message: AnswerMessage, out: Out): void {
    const query = this.#active.get(message.queryId);
    if (query === undefined || query.wave !== message.wave || !query.pending.has(from)) {
      this.stats.answersLate++;
      return;
    }
    if (!this.#isAnswer(from, message)) {
      this.#violation(from, 'answer', out);
      return;
    }
    query.received(this.#sizeOf(message));
    this.#take(now, query, message.hits, out);
    if (message.done !== null) {
      query.done(from, message.done);
      query.trace?.done(now, from, message.trace ?? { spans: [], cut: 0 });
    }
    this.#finishIfDone(now, query, out);
  }

  #onDecline(now: Millis, from: PeerId, message: DeclineMessage, out: Out): void {
    const query = this.#active.get(message.queryId);
    if (query === undefined || query.wave !== message.wave || !query.pending.has(from)) return;
    query.received(this.#sizeOf(message));
    query.declined(from);
    query.trace?.declined(from);
    this.#finishIfDone(now, query, out);
  }

  #onCancel(now: Millis, queryId: string, out: Out): void {
    this.#seeker.cancel(now, queryId, out);
    const query = this.#active.get(queryId);
    if (query === undefined || !this.#own.has(queryId)) return;
    this.#cancelBranches(query, out);
    this.#conclude(now, query, 'cancelled', out);
  }

  #onLocalHits(now: Millis, { queryId, hits, more, statistics, failed, responders }: LocalHitsCommand, out: Out): void {
    const wireId = this.#wireId(queryId);
    for (const id of [queryId, wireId]) if (this.#seeker.onLocalHits(now, id, hits, failed === true, out)) return;
    const query = this.#active.get(queryId) ?? this.#active.get(wireId);
    if (query === undefined || !query.isLocalPending) return;
    query.isLocalBegun = true;
    if (failed === true) query.failedLocally();
    else if (more !== true) query.answeredLocally(statistics, responders);
    query.trace?.local(now, hits.length, more !== true);
    this.#take(now, query, hits, out);
    this.#finishIfDone(now, query, out);
  }

  #onLinkDown(now: Millis, peer: PeerId, out: Out): void {
    this.#eager = this.#eager.filter((id) => id !== peer);
    this.#lazy = this.#lazy.filter((id) => id !== peer);
    this.#digests.neighborDown(now, peer);
    this.#neighborWork.forget(peer);
    this.#seeker.onLinkDown(now, peer, out);
    for (const query of this.#active.values()) {
      // Nobody is left to answer to; what is below us will be asked again by the next wave.
      if (query.parent === peer) this.#abandon(now, query.question.queryId, out);
      else if (query.pending.has(peer)) {
        query.lost(peer);
        query.trace?.lost(now, peer, 'broken');
        this.#finishIfDone(now, query, out);
      }
    }
  }

  #onTime(now: Millis, out: Out): void {
    this.#seen.expire(now);
    this.#seeker.onTime(now, out);
    this.#digests.onTime(now, out);
    for (const query of this.#active.values()) {
      if (now >= query.deadline) this.#giveUp(now, query, out);
      else if (now >= query.flushAt) this.#flush(query, null, out);
    }
  }

  /** Begins a wave: from now on this peer answers for its subtree. */
  #open(
    now: Millis,
    question: Question,
    wave: number,
    parent: PeerId | null,
    deadline: Millis,
    hops: number,
    out: Out,
  ): ActiveQuery {
    const trace = question.trace === true ? new Trace(this.#selfId, parent, now, this.#config.traceSpansMax) : null;
    const query = new ActiveQuery(question, wave, parent, deadline, trace);
    this.#active.set(question.queryId, query);
    const timeoutMs = this.#share(now, query);
    for (const peer of wave === 0 ? this.#eager : [...this.#eager, ...this.#lazy]) {
      if (peer === parent) continue;
      query.asked(peer);
      trace?.asked(now, peer);
      if (timeoutMs > 0) {
        this.stats.asked++;
        const message = { kind: 'query', wave, ...question, timeoutMs, hops: hops + 1 } as const;
        query.sent(this.#sizeOf(message));
        out.send(peer, message);
      } else {
        query.lost(peer);
        trace?.lost(now, peer, 'missing');
      }
    }
    return query;
  }

  /** A seek asks the index alone: engines may take their time, and a walker does not wait. */
  #askLocally(queryId: string, text: string, limit: number, out: Out): void {
    out.emit({ kind: 'ask', queryId: this.#own.get(queryId)?.name ?? queryId, text, limit });
  }

  /** How long those who are asked by this peer may take: what is left, less what it needs to say so. */
  #share(now: Millis, { deadline }: ActiveQuery): Millis {
    const left = deadline - now;
    return left - Math.max(this.#config.hopMarginMs, left * this.#config.hopShare);
  }

  #ask(now: Millis, query: ActiveQuery, out: Out): void {
    const { text, limit, statistics } = query.question;
    const timeoutMs = Math.max(0, this.#share(now, query));
    const known = statistics !== undefined && { statistics };
    out.emit({ kind: 'ask', queryId: this.#nameOf(query), text, limit, timeoutMs, ...known });
  }

  /** As the layer above calls it. */
  #nameOf({ question: { queryId } }: ActiveQuery): string {
    return this.#own.get(queryId)?.name ?? queryId;
  }

  #take(now: Millis, query: ActiveQuery, hits: readonly Hit[], out: Out): void {
    for (const hit of hits) {
      const chars = hit.document.length;
      const terms = hit.terms?.length ?? 0;
      if (chars > this.#config.hitCharsMax || terms > this.#config.termsMax || !Number.isFinite(hit.score)) {
        this.stats.hitsDropped++;
        continue;
      }
      if (!query.best.isEmpty && query.best.chars + chars > this.#config.answerCharsMax) this.#flush(query, null, out);
      if (query.best.add(hit) && query.flushAt === never) query.flushAt = now + this.#config.flushMs;
    }
  }

  /** Passes on what waits: to the asker, or to the layer above. `done` ends the subtree. */
  #flush(query: ActiveQuery, done: QueryTally | null, out: Out, trace?: SpanList): void {
    query.flushAt = never;
    const hits = query.best.take();
    const { queryId } = query.question;
    if (query.parent === null) this.#say(queryId, hits, out);
    else if (hits.length > 0 || done !== null) {
      const way = trace === undefined ? {} : { trace };
      out.send(query.parent, { kind: 'answer', queryId, wave: query.wave, hits, done, ...way });
    }
  }

  #say(queryId: string, hits: readonly Hit[], out: Out): void {
    const own = this.#own.get(queryId);
    if (own === undefined) return;
    const fresh: Hit[] = [];
    for (const hit of hits) {
      const key = keyOf(hit);
      const said = own.said.get(key);
      if (fresh.length >= own.hitsLeft || (said !== undefined && said >= versionOf(hit))) continue;
      own.said.set(key, versionOf(hit));
      fresh.push(hit);
      if (own.cacheKey !== null) own.hits.push(hit);
    }
    own.hitsLeft -= fresh.length;
    if (fresh.length > 0) out.emit({ kind: 'hits', queryId: own.name, hits: fresh });
  }

  #finishIfDone(now: Millis, query: ActiveQuery, out: Out): void {
    if (!query.isFinished || this.#active.get(query.question.queryId) !== query) return;
    this.#conclude(now, query, 'done', out);
  }

  /** The wave's time is up: whoever has not answered is missing. */
  #giveUp(now: Millis, query: ActiveQuery, out: Out): void {
    for (const peer of query.pending) {
      query.lost(peer);
      query.trace?.lost(now, peer, 'missing');
    }
    this.#conclude(now, query, 'deadline', out);
  }

  #conclude(now: Millis, query: ActiveQuery, reason: FinishReason, out: Out): void {
    const { queryId } = query.question;
    const own = this.#own.get(queryId);
    const { tally: spent } = query;
    const trace = query.trace?.list(now, reason === 'done' ? 'done' : 'late', spent.messages);
    this.#flush(query, spent, out, trace);
    this.#forget(now, query, out);
    if (own === undefined) return;
    if (trace !== undefined) {
      out.emit({ kind: 'trace', queryId: own.name, strategy: own.strategy, wave: query.wave, trace });
    }
    own.messages += spent.messages;
    own.bytes += spent.bytes;
    const isEverybody = isComplete(spent, this.#meshSize);
    const left = own.deadline - now;
    // An engine that did not answer will not do so for being asked again.
    if (!isEverybody && reason !== 'cancelled' && query.wave < secondWave && left >= this.#config.secondWaveMinMs) {
      this.stats.secondWaves++;
      const second = this.#open(now, query.question, secondWave, null, own.deadline, 0, out);
      this.#ask(now, second, out);
      return;
    }
    this.#end(queryId, { ...query.tally, messages: own.messages, bytes: own.bytes }, reason, out);
  }

  /** The last word about an own query. */
  #end(queryId: string, cost: QueryCost, reason: FinishReason, out: Out): void {
    const own = this.#own.get(queryId);
    if (own === undefined) return;
    this.#own.delete(queryId);
    const { responders } = cost;
    const areEngines = responders?.answered === responders?.asked;
    this.#finished(own, cost, areEngines && isComplete(cost, this.#meshSize), reason, out);
  }

  #finished(
    { name, strategy, budget }: Own,
    tally: QueryCost,
    complete: boolean,
    reason: FinishReason,
    out: Out,
    more: { readonly cacheAgeMs?: Millis; readonly retryAfterMs?: Millis } = {},
  ): void {
    out.emit({ kind: 'finished', queryId: name, strategy, tally, complete, reason, budget, ...more });
  }

  /** False: nothing is remembered that could answer it. */
  #answerFromCache(now: Millis, own: Own, key: string, out: Out): boolean {
    const remembered = this.#cache.get(now, key);
    if (remembered === undefined) return false;
    this.stats.cached++;
    const { hits, reason, at } = remembered;
    out.emit({ kind: 'hits', queryId: own.name, hits });
    this.#finished(own, nothing, false, reason, out, { cacheAgeMs: now - at });
    return true;
  }

  #violation(peer: PeerId, rule: string, out: Out): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }

  #budgetOf({ budget = 0 }: StartCommand): number {
    return budget === 0 ? this.#config.budgetDefault : Math.min(budget, this.#config.budgetMax);
  }

  /** Stops without an answer, and stops the branches. */
  #abandon(now: Millis, queryId: string, out: Out): void {
    const query = this.#active.get(queryId);
    if (query === undefined) return;
    this.#cancelBranches(query, out);
    this.#forget(now, query, out);
  }

  #cancelBranches(query: ActiveQuery, out: Out): void {
    for (const peer of query.pending) out.send(peer, { kind: 'cancel', queryId: query.question.queryId });
  }

  #forget(now: Millis, query: ActiveQuery, out: Out): void {
    if (query.isLocalPending) out.emit({ kind: 'askOver', queryId: this.#nameOf(query) });
    this.#active.delete(query.question.queryId);
    this.#seen.add(now, query.question.queryId, query.wave);
  }

  #isAnswer(from: PeerId, { hits, done, trace }: AnswerMessage): boolean {
    if (hits.length > this.#config.limitMax || (done !== null && !this.#isTally(done))) return false;
    return trace === undefined || isSpanList(trace, from, this.#config.traceSpansMax);
  }

  #brokenRule(message: QueryMessage): string | null {
    const { queryId, wave, text, limit, timeoutMs, hops, tree, statistics } = message;
    if (queryId === '' || queryId.length > this.#config.queryIdCharsMax) return 'query id';
    if (wave !== 0 && wave !== secondWave) return 'query wave';
    if (text.length > this.#config.textCharsMax) return 'query text';
    if (!Number.isSafeInteger(limit) || limit < 1) return 'query limit';
    if (!(timeoutMs > 0)) return 'query timeout';
    if (!Number.isInteger(hops) || hops < 1 || hops > this.#config.hopsMax) return 'query hops';
    if (!Number.isSafeInteger(tree) || tree < 0) return 'query tree';
    if (statistics !== undefined && !this.#isStatistics(statistics)) return 'query statistics';
    return null;
  }

  #isTally({ asked, answered, messages, missing, bytes, statistics, responders }: QueryTally): boolean {
    if (responders !== undefined && !isResponderTally(responders)) return false;
    if (![asked, answered, messages, missing, bytes].every(isCount) || answered > asked) return false;
    return statistics === undefined || this.#isStatistics(statistics);
  }

  #isStatistics({ documents, words, frequencies }: TermStatistics): boolean {
    return frequencies.length <= this.#config.termsMax && [documents, words, ...frequencies].every(isCount);
  }

  /** The layer above numbers its own queries; on the wire they are unique in the whole mesh. */
  #wireId(name: string): string {
    const prefix = `${this.#selfId}/`;
    return name.startsWith(prefix) ? name : prefix + name;
  }
}

/** What makes two questions the same. A larger budget may find more. */
function cacheKeyOf({ text, budget = 0 }: StartCommand, strategy: Strategy, limit: number): string {
  return `${strategy} ${limit} ${budget} ${text}`;
}

/** Who does not choose and sets no bound wants everything. */
function strategyOf({ strategy = 'auto', budget = 0 }: StartCommand): Strategy {
  if (strategy !== 'auto') return strategy;
  return budget === 0 ? 'exhaustive' : 'walk';
}

function isComplete(tally: QueryCost, meshSize: number): boolean {
  return tally.missing === 0 && tally.answered === tally.asked && tally.answered >= meshSize;
}

function isCount(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 0;
}

/** The local answer of a wave before is no use: it is in, or begun, and went another way. */
function mustAskAgain({ isLocalPending, isLocalBegun }: ActiveQuery): boolean {
  return !isLocalPending || isLocalBegun;
}

function tracing(trace: boolean | undefined): { readonly trace?: true } {
  return trace === true ? { trace } : {};
}
