import { type Input, type Millis, type Outbox, type PeerId, type ProtocolCore, unreachable } from '@starling/kernel';
import { ActiveQuery, type Question } from './active-query.ts';
import type { SearchConfig } from './config.ts';
import type { Hit, QueryTally, SearchCommand, SearchEvent, SearchMessage } from './messages.ts';
import { SeenQueries } from './seen-queries.ts';

type Out = Outbox<SearchMessage, SearchEvent>;
type QueryMessage = Extract<SearchMessage, { kind: 'query' }>;
type AnswerMessage = Extract<SearchMessage, { kind: 'answer' }>;
type StartCommand = Extract<SearchCommand, { kind: 'start' }>;
type FinishReason = Extract<SearchEvent, { kind: 'finished' }>['reason'];

const never = Number.POSITIVE_INFINITY;

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
  answersLate: number;
  violations: number;
}

/** What the origin remembers of its own query over all waves. */
interface Own {
  /** As the layer above calls it. */
  readonly name: string;
  readonly deadline: Millis;
  /** Spent by the waves before. */
  messages: number;
  /** Hits that the layer above may still get. */
  hitsLeft: number;
  /** Hits said already: a second wave finds them again. */
  readonly said: Set<string>;
}

/**
 * Asks the whole mesh: a query spreads along the broadcast tree and the answers are merged on the way back, cut to the
 * best `limit` at each hop. A branch that breaks, is shed or runs out of time is counted as missing, never left out in
 * silence; then the origin asks once more over all links, where a broken tree is no hindrance.
 *
 * Every collection is bounded by `SearchConfig`; links by the membership core.
 */
export class Search implements ProtocolCore<SearchMessage, SearchCommand, SearchEvent> {
  readonly #config: SearchConfig;
  readonly #selfId: PeerId;
  readonly #active = new Map<string, ActiveQuery>();
  readonly #own = new Map<string, Own>();
  readonly #seen: SeenQueries;
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
    answersLate: 0,
    violations: 0,
  };

  constructor(config: SearchConfig, selfId: PeerId) {
    this.#config = config;
    this.#selfId = selfId;
    this.#seen = new SeenQueries(config.seenMax, config.seenMs);
  }

  /** Queries being worked on, own ones included. */
  get activeCount(): number {
    return this.#active.size;
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
    let next = this.#seen.next();
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
        this.#onDecline(now, from, message.queryId, message.wave, out);
        return;
      case 'cancel':
        if (this.#active.get(message.queryId)?.parent === from) this.#abandon(now, message.queryId, out);
        return;
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
        this.#onLocalHits(now, command.queryId, command.hits, out);
        return;
      case 'links':
        this.#tree = command.tree;
        this.#eager = command.eager;
        this.#lazy = command.lazy;
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
    if (this.#active.size >= this.#config.activeMax || this.#active.has(queryId)) {
      this.stats.queriesShed++;
      const tally = { asked: 0, answered: 0, messages: 0, missing: 0 };
      out.emit({ kind: 'finished', queryId: command.queryId, tally, complete: false, reason: 'overloaded' });
      return;
    }
    this.#own.set(queryId, { name: command.queryId, deadline, messages: 0, hitsLeft: limit, said: new Set() });
    const question = { queryId, text: command.text, limit, tree: this.#tree };
    // With an empty tree there is but one kind of link to ask over.
    const wave = this.#eager.length === 0 ? secondWave : 0;
    const share = wave === secondWave ? 1 : this.#config.firstWaveShare;
    this.#open(now, question, wave, null, now + (deadline - now) * share, 0, out);
    this.#ask(question, out);
  }

  #onQuery(now: Millis, from: PeerId, message: QueryMessage, out: Out): void {
    const { queryId, wave, text, limit, timeoutMs, hops, tree } = message;
    const rule = this.#brokenRule(message);
    if (rule !== null) {
      this.stats.violations++;
      out.emit({ kind: 'protocolViolation', peer: from, rule });
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
    if (active === undefined && this.#active.size >= this.#config.activeMax) {
      this.stats.queriesShed++;
      const shed = { asked: 1, answered: 0, messages: 0, missing: 1 };
      out.send(from, { kind: 'answer', queryId, wave, hits: [], done: shed });
      return;
    }
    const question = { queryId, text, limit: Math.min(limit, this.#config.limitMax), tree };
    const deadline = now + Math.min(timeoutMs, this.#config.timeoutMaxMs);
    this.#open(now, question, wave, from, deadline, hops, out);
    // The index is still at it for the first wave: its answer will do for this one.
    if (active?.isLocalPending !== true) this.#ask(question, out);
  }

  #onAnswer(now: Millis, from: PeerId, message: AnswerMessage, out: Out): void {
    const query = this.#active.get(message.queryId);
    if (query === undefined || query.wave !== message.wave || !query.pending.has(from)) {
      this.stats.answersLate++;
      return;
    }
    if (message.hits.length > this.#config.limitMax || (message.done !== null && !isTally(message.done))) {
      this.stats.violations++;
      out.emit({ kind: 'protocolViolation', peer: from, rule: 'answer' });
      return;
    }
    query.received();
    this.#take(now, query, message.hits, out);
    if (message.done !== null) query.done(from, message.done);
    this.#finishIfDone(now, query, out);
  }

  #onDecline(now: Millis, from: PeerId, queryId: string, wave: number, out: Out): void {
    const query = this.#active.get(queryId);
    if (query === undefined || query.wave !== wave || !query.pending.has(from)) return;
    query.received();
    query.declined(from);
    this.#finishIfDone(now, query, out);
  }

  #onCancel(now: Millis, queryId: string, out: Out): void {
    const query = this.#active.get(queryId);
    if (query === undefined || !this.#own.has(queryId)) return;
    this.#cancelBranches(query, out);
    this.#conclude(now, query, 'cancelled', out);
  }

  #onLocalHits(now: Millis, name: string, hits: readonly Hit[], out: Out): void {
    const query = this.#active.get(name) ?? this.#active.get(this.#wireId(name));
    if (query === undefined || !query.isLocalPending) return;
    query.answeredLocally();
    this.#take(now, query, hits, out);
    this.#finishIfDone(now, query, out);
  }

  #onLinkDown(now: Millis, peer: PeerId, out: Out): void {
    this.#eager = this.#eager.filter((id) => id !== peer);
    this.#lazy = this.#lazy.filter((id) => id !== peer);
    for (const query of this.#active.values()) {
      // Nobody is left to answer to; what is below us will be asked again by the next wave.
      if (query.parent === peer) this.#abandon(now, query.question.queryId, out);
      else if (query.pending.has(peer)) {
        query.lost(peer);
        this.#finishIfDone(now, query, out);
      }
    }
  }

  #onTime(now: Millis, out: Out): void {
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
  ): void {
    const query = new ActiveQuery(question, wave, parent, deadline);
    this.#active.set(question.queryId, query);
    const left = deadline - now;
    const timeoutMs = left - Math.max(this.#config.hopMarginMs, left * this.#config.hopShare);
    for (const peer of wave === 0 ? this.#eager : [...this.#eager, ...this.#lazy]) {
      if (peer === parent) continue;
      query.asked(peer);
      if (timeoutMs > 0) {
        this.stats.asked++;
        out.send(peer, { kind: 'query', wave, ...question, timeoutMs, hops: hops + 1 });
      } else query.lost(peer);
    }
  }

  #ask(question: Question, out: Out): void {
    const queryId = this.#own.get(question.queryId)?.name ?? question.queryId;
    out.emit({ kind: 'ask', queryId, text: question.text, limit: question.limit });
  }

  #take(now: Millis, query: ActiveQuery, hits: readonly Hit[], out: Out): void {
    for (const hit of hits) {
      const chars = hit.document.length;
      if (chars > this.#config.hitCharsMax || !Number.isFinite(hit.score)) {
        this.stats.hitsDropped++;
        continue;
      }
      if (!query.best.isEmpty && query.best.chars + chars > this.#config.answerCharsMax) this.#flush(query, null, out);
      if (query.best.add(hit) && query.flushAt === never) query.flushAt = now + this.#config.flushMs;
    }
  }

  /** Passes on what waits: to the asker, or to the layer above. `done` ends the subtree. */
  #flush(query: ActiveQuery, done: QueryTally | null, out: Out): void {
    query.flushAt = never;
    const hits = query.best.take();
    const { queryId } = query.question;
    if (query.parent === null) this.#say(queryId, hits, out);
    else if (hits.length > 0 || done !== null) {
      out.send(query.parent, { kind: 'answer', queryId, wave: query.wave, hits, done });
    }
  }

  #say(queryId: string, hits: readonly Hit[], out: Out): void {
    const own = this.#own.get(queryId);
    if (own === undefined) return;
    const fresh: Hit[] = [];
    for (const hit of hits) {
      const key = `${hit.peer}/${hit.documentId}`;
      if (fresh.length >= own.hitsLeft || own.said.has(key)) continue;
      own.said.add(key);
      fresh.push(hit);
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
    for (const peer of query.pending) query.lost(peer);
    this.#conclude(now, query, 'deadline', out);
  }

  #conclude(now: Millis, query: ActiveQuery, reason: FinishReason, out: Out): void {
    const { queryId } = query.question;
    const own = this.#own.get(queryId);
    this.#flush(query, query.tally, out);
    this.#forget(now, query);
    if (own === undefined) return;
    own.messages += query.tally.messages;
    const complete = isComplete(query.tally, this.#meshSize);
    const left = own.deadline - now;
    if (!complete && reason !== 'cancelled' && query.wave < secondWave && left >= this.#config.secondWaveMinMs) {
      this.stats.secondWaves++;
      this.#open(now, query.question, secondWave, null, own.deadline, 0, out);
      if (!query.isLocalPending) this.#ask(query.question, out);
      return;
    }
    this.#own.delete(queryId);
    const tally = { ...query.tally, messages: own.messages };
    out.emit({ kind: 'finished', queryId: own.name, tally, complete, reason });
  }

  /** Stops without an answer, and stops the branches. */
  #abandon(now: Millis, queryId: string, out: Out): void {
    const query = this.#active.get(queryId);
    if (query === undefined) return;
    this.#cancelBranches(query, out);
    this.#forget(now, query);
  }

  #cancelBranches(query: ActiveQuery, out: Out): void {
    for (const peer of query.pending) out.send(peer, { kind: 'cancel', queryId: query.question.queryId });
  }

  #forget(now: Millis, query: ActiveQuery): void {
    this.#active.delete(query.question.queryId);
    this.#seen.add(now, query.question.queryId, query.wave);
  }

  #brokenRule(message: QueryMessage): string | null {
    const { queryId, wave, text, limit, timeoutMs, hops, tree } = message;
    if (queryId === '' || queryId.length > this.#config.queryIdCharsMax) return 'query id';
    if (wave !== 0 && wave !== secondWave) return 'query wave';
    if (text.length > this.#config.textCharsMax) return 'query text';
    if (!Number.isSafeInteger(limit) || limit < 1) return 'query limit';
    if (!(timeoutMs > 0)) return 'query timeout';
    if (!Number.isInteger(hops) || hops < 1 || hops > this.#config.hopsMax) return 'query hops';
    if (!Number.isSafeInteger(tree) || tree < 0) return 'query tree';
    return null;
  }

  /** The layer above numbers its own queries; on the wire they are unique in the whole mesh. */
  #wireId(name: string): string {
    const prefix = `${this.#selfId}/`;
    return name.startsWith(prefix) ? name : prefix + name;
  }
}

function isComplete(tally: QueryTally, meshSize: number): boolean {
  return tally.missing === 0 && tally.answered === tally.asked && tally.answered >= meshSize;
}

function isTally(tally: QueryTally): boolean {
  const counts = [tally.asked, tally.answered, tally.messages, tally.missing];
  return counts.every((count) => Number.isSafeInteger(count) && count >= 0) && tally.answered <= tally.asked;
}
