import { addCounts, isCount, type Millis, type Outbox, type PeerId, SeenWaves } from '@starling/kernel';
import type { TermStatistics } from '@starling/query';
import { ActiveQuery, type Question } from './active-query.ts';
import type { SearchConfig } from './config.ts';
import type {
  FinishReason,
  Hit,
  QueryCost,
  QueryTally,
  SearchCommand,
  SearchEvent,
  SearchMessage,
  SpanList,
} from './messages.ts';
import { isResponderTally } from './responder-tally.ts';
import { isSpanList, Trace } from './trace.ts';

type Out = Outbox<SearchMessage, SearchEvent>;
type QueryMessage = Extract<SearchMessage, { kind: 'query' }>;
type AnswerMessage = Extract<SearchMessage, { kind: 'answer' }>;
type DeclineMessage = Extract<SearchMessage, { kind: 'decline' }>;
type LocalHitsCommand = Extract<SearchCommand, { kind: 'localHits' }>;

const never = Number.POSITIVE_INFINITY;
/** The first wave that goes over every link, and the last one. */
const secondWave = 1;
const lastWave = 2;

/** What the exhaustive search needs of the search around it. */
export interface ExhaustiveSide {
  readonly config: SearchConfig;
  readonly selfId: PeerId;
  sizeOf(message: SearchMessage): number;
  /** The broadcast tree of this peer, and the links that are no branches of it. */
  links(): { readonly tree: number; readonly eager: readonly PeerId[]; readonly lazy: readonly PeerId[] };
  meshSize(): number;
  /** Whether a neighbour's question must be shed. */
  isTooMuch(now: Millis, from: PeerId): boolean;
  /** Asks the own index, and the engines that are attached here. */
  ask(question: Question, timeoutMs: Millis, out: Out): void;
  /** The own answer is not waited for any more. */
  askOver(queryId: string, out: Out): void;
  /** Hits of an own query. */
  say(queryId: string, hits: readonly Hit[], out: Out): void;
  /** The way that a wave of an own query took. */
  traced(queryId: string, wave: number, trace: SpanList, out: Out): void;
  /** An own query is over. */
  ended(now: Millis, queryId: string, cost: QueryCost, reason: FinishReason, out: Out): void;
  violation(peer: PeerId, rule: string, out: Out): void;
}

/** What happened so far; each `…Shed`, `…Dropped` and `…Late` counts a bound that was reached. */
export interface ExhaustiveStats {
  /** Waves after a first one. */
  furtherWaves: number;
  asked: number;
  declined: number;
  queriesShed: number;
  hitsDropped: number;
  answersLate: number;
}

/** The origin's account of an own query over its waves. */
interface Account {
  readonly deadline: Millis;
  messages: number;
  bytes: number;
}

/**
 * Asks everybody: a query spreads along the broadcast tree and the answers are merged on the way back, cut to the best `limit` at
 * each hop. Every peer answers each wave once, to the one who asked first. A branch that breaks, is shed or runs out of time is
 * counted as missing, never left out in silence; then the origin asks once more over all links, where a broken tree is no hindrance.
 * In that wave who has lost its asker is a branch of nobody, so when a link broke in it, it is repeated once.
 */
export class Exhaustive {
  readonly #side: ExhaustiveSide;
  readonly #active = new Map<string, ActiveQuery>();
  readonly #accounts = new Map<string, Account>();
  readonly #seen: SeenWaves;
  readonly stats: ExhaustiveStats = {
    furtherWaves: 0,
    asked: 0,
    declined: 0,
    queriesShed: 0,
    hitsDropped: 0,
    answersLate: 0,
  };

  constructor(side: ExhaustiveSide) {
    this.#side = side;
    this.#seen = new SeenWaves(side.config.seenMax, side.config.seenMs);
  }

  /** Queries being worked on, own ones included. */
  get workingCount(): number {
    return this.#active.size;
  }

  /** Finished queries that had to be forgotten before their time. */
  get seenEvicted(): number {
    return this.#seen.evicted;
  }

  nextDeadline(): Millis {
    let next = this.#seen.next();
    for (const query of this.#active.values()) next = Math.min(next, query.deadline, query.flushAt);
    return next;
  }

  /** Begins an own query. */
  start(now: Millis, asked: Omit<Question, 'tree'>, deadline: Millis, out: Out): void {
    const { tree, eager } = this.#side.links();
    this.#accounts.set(asked.queryId, { deadline, messages: 0, bytes: 0 });
    // With an empty tree there is but one kind of link to ask over.
    const wave = eager.length === 0 ? secondWave : 0;
    const share = wave === secondWave ? 1 : this.#side.config.firstWaveShare;
    const query = this.#open(now, { ...asked, tree }, wave, null, now + (deadline - now) * share, 0, out);
    this.#ask(now, query, out);
  }

  /** Ends an own query. */
  cancel(now: Millis, queryId: string, out: Out): void {
    const query = this.#active.get(queryId);
    if (query === undefined || !this.#accounts.has(queryId)) return;
    this.#cancelBranches(query, out);
    this.#conclude(now, query, 'cancelled', out);
  }

  onQuery(now: Millis, from: PeerId, message: QueryMessage, out: Out): void {
    const { config, selfId } = this.#side;
    const { queryId, wave, text, limit, timeoutMs, hops, tree, statistics, trace } = message;
    const rule = this.#brokenRule(message);
    if (rule !== null) {
      this.#side.violation(from, rule, out);
      return;
    }
    const active = this.#active.get(queryId);
    const lastWave = active?.wave ?? this.#seen.waveOf(queryId);
    // Our own query from before a restart has nobody left to answer to.
    if (lastWave >= wave || queryId.startsWith(`${selfId}/`)) {
      this.stats.declined++;
      out.send(from, { kind: 'decline', queryId, wave });
      return;
    }
    if (active === undefined && this.#side.isTooMuch(now, from)) {
      this.stats.queriesShed++;
      const shed = { asked: 1, answered: 0, messages: 0, missing: 1, bytes: 0 };
      const way = trace === true ? new Trace(selfId, from, now, 1).list(now, 'shed', 0) : undefined;
      out.send(from, { kind: 'answer', queryId, wave, hits: [], done: shed, ...(way !== undefined && { trace: way }) });
      return;
    }
    const question = {
      queryId,
      text,
      limit: Math.min(limit, config.limitMax),
      tree,
      ...(statistics !== undefined && { statistics }),
      ...(trace === true && { trace }),
    };
    const deadline = now + Math.min(timeoutMs, config.timeoutMaxMs);
    const query = this.#open(now, question, wave, from, deadline, hops, out);
    if (active === undefined || mustAskAgain(active)) this.#ask(now, query, out);
  }

  onAnswer(now: Millis, from: PeerId, message: AnswerMessage, out: Out): void {
    const query = this.#waiting(from, message);
    if (query === undefined) {
      this.stats.answersLate++;
      return;
    }
    if (!this.#isAnswer(from, message)) {
      this.#side.violation(from, 'answer', out);
      return;
    }
    query.received(this.#side.sizeOf(message));
    this.#take(now, query, message.hits, out);
    if (message.done !== null) {
      query.done(from, message.done);
      query.trace?.done(now, from, message.trace ?? { spans: [], cut: 0 });
    }
    this.#finishIfDone(now, query, out);
  }

  onDecline(now: Millis, from: PeerId, message: DeclineMessage, out: Out): void {
    const query = this.#waiting(from, message);
    if (query === undefined) return;
    query.received(this.#side.sizeOf(message));
    query.declined(from);
    query.trace?.declined(from);
    this.#finishIfDone(now, query, out);
  }

  /** Whoever asked does not want to know any more. False: it is none of the queries here. */
  onCancel(now: Millis, from: PeerId, queryId: string, out: Out): boolean {
    const query = this.#active.get(queryId);
    if (query?.parent !== from) return false;
    this.#abandon(now, query, out);
    return true;
  }

  /** False: no query of this name waits for it. */
  onLocalHits(now: Millis, queryId: string, answer: LocalHitsCommand, out: Out): boolean {
    const query = this.#active.get(queryId);
    if (query === undefined || !query.isLocalPending) return false;
    const { hits, more, statistics, failed, responders } = answer;
    query.isLocalBegun = true;
    if (failed === true) query.failedLocally();
    else if (more !== true) query.answeredLocally(statistics, responders);
    query.trace?.local(now, hits.length, more !== true);
    this.#take(now, query, hits, out);
    this.#finishIfDone(now, query, out);
    return true;
  }

  onLinkDown(now: Millis, peer: PeerId, out: Out): void {
    for (const query of this.#active.values()) {
      // Nobody is left to answer to; what is below us will be asked again by the next wave.
      if (query.parent === peer) this.#abandon(now, query, out);
      else if (query.pending.has(peer)) {
        query.broke(peer);
        query.trace?.lost(now, peer, 'broken');
        this.#finishIfDone(now, query, out);
      }
    }
  }

  onTime(now: Millis, out: Out): void {
    this.#seen.expire(now);
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
    const { config, selfId } = this.#side;
    const trace = question.trace === true ? new Trace(selfId, parent, now, config.traceSpansMax) : null;
    const query = new ActiveQuery(question, wave, parent, deadline, trace);
    this.#active.set(question.queryId, query);
    const timeoutMs = this.#share(now, query);
    const { eager, lazy } = this.#side.links();
    for (const peer of wave === 0 ? eager : [...eager, ...lazy]) {
      if (peer === parent) continue;
      query.asked(peer);
      trace?.asked(now, peer);
      if (timeoutMs > 0 && hops < config.hopsMax) {
        this.stats.asked++;
        const message = { kind: 'query', wave, ...question, timeoutMs, hops: hops + 1 } as const;
        query.sent(this.#side.sizeOf(message));
        out.send(peer, message);
      } else {
        query.lost(peer);
        trace?.lost(now, peer, 'missing');
      }
    }
    return query;
  }

  /** How long those who are asked by this peer may take: what is left, less what it needs to say so. */
  #share(now: Millis, { deadline }: ActiveQuery): Millis {
    const left = deadline - now;
    return left - Math.max(this.#side.config.hopMarginMs, left * this.#side.config.hopShare);
  }

  #ask(now: Millis, query: ActiveQuery, out: Out): void {
    this.#side.ask(query.question, Math.max(0, this.#share(now, query)), out);
  }

  #waiting(from: PeerId, { queryId, wave }: { readonly queryId: string; readonly wave: number }) {
    const query = this.#active.get(queryId);
    return query?.wave === wave && query.pending.has(from) ? query : undefined;
  }

  #take(now: Millis, query: ActiveQuery, hits: readonly Hit[], out: Out): void {
    const { config } = this.#side;
    for (const hit of hits) {
      const chars = hit.document.length;
      const terms = hit.terms?.length ?? 0;
      if (chars > config.hitCharsMax || terms > config.termsMax || !Number.isFinite(hit.score)) {
        this.stats.hitsDropped++;
        continue;
      }
      if (!query.best.isEmpty && query.best.chars + chars > config.answerCharsMax) this.#flush(query, null, out);
      if (query.best.add(hit) && query.flushAt === never) query.flushAt = now + config.flushMs;
    }
  }

  /** Passes on what waits: to the asker, or to the layer above. `done` ends the subtree. */
  #flush(query: ActiveQuery, done: QueryTally | null, out: Out, trace?: SpanList): void {
    query.flushAt = never;
    const hits = query.best.take();
    const { queryId } = query.question;
    if (query.parent === null) this.#side.say(queryId, hits, out);
    else if (hits.length > 0 || done !== null) {
      const way = trace === undefined ? {} : { trace };
      out.send(query.parent, { kind: 'answer', queryId, wave: query.wave, hits, done, ...way });
    }
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

  /** Ends a wave: answers whoever asked, or judges whether to ask again. */
  #conclude(now: Millis, query: ActiveQuery, reason: FinishReason, out: Out): void {
    const { queryId } = query.question;
    const { tally: spent } = query;
    const trace = query.trace?.list(now, reason === 'done' ? 'done' : 'late', spent.messages);
    this.#flush(query, spent, out, trace);
    this.#forget(now, query, out);
    const account = this.#accounts.get(queryId);
    if (account === undefined) return;
    if (trace !== undefined) this.#side.traced(queryId, query.wave, trace, out);
    account.messages = addCounts(account.messages, spent.messages);
    account.bytes = addCounts(account.bytes, spent.bytes, Number.MAX_SAFE_INTEGER);
    if (reason !== 'cancelled' && this.#isWorthAnother(now, query, account.deadline)) {
      this.stats.furtherWaves++;
      const next = this.#open(now, query.question, query.wave + 1, null, account.deadline, 0, out);
      this.#ask(now, next, out);
      return;
    }
    this.#accounts.delete(queryId);
    const { messages, bytes } = account;
    this.#side.ended(now, queryId, { ...query.tally, messages, bytes }, reason, out);
  }

  /** Whether there is somebody that the next wave may find. An engine that did not answer will not do so for being asked again. */
  #isWorthAnother(now: Millis, { wave, tally }: ActiveQuery, deadline: Millis): boolean {
    if (deadline - now < this.#side.config.secondWaveMinMs || isWhole(tally, this.#side.meshSize())) return false;
    // All links were asked over: only those behind one that broke meanwhile can be had, not who is dead, hung or overloaded.
    return wave < secondWave || (wave < lastWave && (tally.broken ?? 0) > 0);
  }

  /** Stops without an answer, and stops the branches. */
  #abandon(now: Millis, query: ActiveQuery, out: Out): void {
    this.#cancelBranches(query, out);
    this.#forget(now, query, out);
  }

  #cancelBranches(query: ActiveQuery, out: Out): void {
    for (const peer of query.pending) out.send(peer, { kind: 'cancel', queryId: query.question.queryId });
  }

  #forget(now: Millis, query: ActiveQuery, out: Out): void {
    const { queryId } = query.question;
    if (query.isLocalPending) this.#side.askOver(queryId, out);
    this.#active.delete(queryId);
    this.#seen.add(now, queryId, query.wave);
  }

  #isAnswer(from: PeerId, { hits, done, trace }: AnswerMessage): boolean {
    const { config } = this.#side;
    if (hits.length > config.limitMax || (done !== null && !this.#isTally(done))) return false;
    return trace === undefined || isSpanList(trace, from, config.traceSpansMax);
  }

  #brokenRule(message: QueryMessage): string | null {
    const { config } = this.#side;
    const { queryId, wave, text, limit, timeoutMs, hops, tree, statistics } = message;
    if (queryId === '' || queryId.length > config.queryIdCharsMax) return 'query id';
    if (!Number.isInteger(wave) || wave < 0 || wave > lastWave) return 'query wave';
    if (text.length > config.textCharsMax) return 'query text';
    if (!Number.isSafeInteger(limit) || limit < 1) return 'query limit';
    if (!(timeoutMs > 0)) return 'query timeout';
    if (!Number.isInteger(hops) || hops < 1 || hops > config.hopsMax) return 'query hops';
    if (!Number.isSafeInteger(tree) || tree < 0) return 'query tree';
    if (statistics !== undefined && !this.#isStatistics(statistics)) return 'query statistics';
    return null;
  }

  #isTally({ asked, answered, messages, missing, broken = 0, bytes, statistics, responders }: QueryTally): boolean {
    if (responders !== undefined && !isResponderTally(responders)) return false;
    if (![asked, answered, messages, missing, broken, bytes].every(isCount) || answered > asked) return false;
    return statistics === undefined || this.#isStatistics(statistics);
  }

  #isStatistics({ documents, words, frequencies }: TermStatistics): boolean {
    return frequencies.length <= this.#side.config.termsMax && [documents, words, ...frequencies].every(isCount);
  }
}

/** Whether everybody is known to have answered. */
export function isWhole(tally: QueryCost, meshSize: number): boolean {
  return tally.missing === 0 && tally.answered === tally.asked && tally.answered >= meshSize;
}

/** The local answer of a wave before is no use: it is in, or begun, and went another way. */
function mustAskAgain({ isLocalPending, isLocalBegun }: ActiveQuery): boolean {
  return !isLocalPending || isLocalBegun;
}
