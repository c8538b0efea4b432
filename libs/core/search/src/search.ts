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
import { keyOf, versionOf } from './best-hits.ts';
import type { SearchConfig } from './config.ts';
import { Exhaustive, type ExhaustiveSide, type ExhaustiveStats, isWhole } from './exhaustive.ts';
import { LinkDigests, type Sight } from './link-digests.ts';
import type {
  FinishReason,
  Hit,
  QueryCost,
  QuestionTerms,
  SearchCommand,
  SearchEvent,
  SearchMessage,
  Strategy,
} from './messages.ts';
import { ResultCache } from './result-cache.ts';
import { Seeker } from './seeker.ts';
import { estimatedBytes } from './size.ts';

type Out = Outbox<SearchMessage, SearchEvent>;
type LocalHitsCommand = Extract<SearchCommand, { kind: 'localHits' }>;
type StartCommand = Extract<SearchCommand, { kind: 'start' }>;

/**
 * Hits that the layer above may get for each one wanted: they are said as they come, and better ones may come later. With all of
 * them in the worst order it would be as many as there are peers. (guess)
 */
const saidPerHit = 4;
/** After this long some of the queries that are worked on have ended. A guess. */
const busyRetryMs = 1_000;
const nothing: QueryCost = { asked: 0, answered: 0, messages: 0, bytes: 0, missing: 0 };

/** What happened so far over all strategies; each `…Shed`, `…Dropped` and `…Late` counts a bound that was reached. */
export interface SearchStats extends ExhaustiveStats {
  readonly started: number;
  /** Own queries that were answered from memory. */
  readonly cached: number;
  readonly violations: number;
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
  /** Hits that the layer above may still get. */
  hitsLeft: number;
  /** Documents said already, by id, with their versions: a second wave finds them again. */
  readonly said: Map<string, number>;
  /** What its answer is remembered by; null: not at all. */
  readonly cacheKey: string | null;
  readonly hits: Hit[];
}

/**
 * Asks the mesh, by one of several strategies: `Exhaustive` asks everybody, the `Seeker` a part of the mesh within a budget. What is
 * the same for all is here: what this peer asked, what it was told, what it remembers, and how much work it takes on.
 *
 * Every collection is bounded by `SearchConfig`; links by the membership core.
 */
export class Search implements ProtocolCore<SearchMessage, SearchCommand, SearchEvent> {
  readonly #config: SearchConfig;
  readonly #selfId: PeerId;
  readonly #own = new Map<string, Own>();
  readonly #exhaustive: Exhaustive;
  readonly #seeker: Seeker;
  readonly #digests: LinkDigests;
  readonly #neighborWork: WorkLimit;
  readonly #ownWork: WorkLimit;
  readonly #cache: ResultCache;
  #tree = 0;
  #eager: readonly PeerId[] = [];
  #lazy: readonly PeerId[] = [];
  #meshSize = 1;
  #started = 0;
  /** Own queries that were shed. */
  #shed = 0;
  #cached = 0;
  #violations = 0;

  constructor({ config, selfId, rng, sizeOf = estimatedBytes }: SearchOptions) {
    this.#config = config;
    this.#selfId = selfId;
    this.#digests = new LinkDigests(config);
    this.#neighborWork = new WorkLimit(config.neighborPerSecondMax, config.countedNeighborsMax);
    this.#ownWork = new WorkLimit(config.ownPerSecondMax, 1);
    this.#cache = new ResultCache(config.cacheMax, config.cacheCharsMax, config.cacheMs);
    const origin: Pick<ExhaustiveSide, 'say' | 'traced' | 'ended' | 'violation'> = {
      say: (queryId, hits, out) => this.#say(queryId, hits, out),
      traced: (queryId, wave, trace, out) => {
        const own = this.#own.get(queryId);
        if (own === undefined) return;
        out.emit({ kind: 'trace', queryId: own.name, strategy: own.strategy, wave, trace });
      },
      ended: (now, queryId, cost, reason, out) => this.#end(now, queryId, cost, reason, out),
      violation: (peer, rule, out) => this.#violation(peer, rule, out),
    };
    this.#exhaustive = new Exhaustive({
      ...origin,
      config,
      selfId,
      sizeOf,
      links: () => ({ tree: this.#tree, eager: this.#eager, lazy: this.#lazy }),
      meshSize: () => this.#meshSize,
      isTooMuch: (now, from) => this.#isTooMuch(now, from),
      ask: ({ queryId, text, limit, statistics }, timeoutMs, out) => {
        const known = statistics !== undefined && { statistics };
        out.emit({ kind: 'ask', queryId: this.#nameOf(queryId), text, limit, timeoutMs, ...known });
      },
      askOver: (queryId, out) => out.emit({ kind: 'askOver', queryId: this.#nameOf(queryId) }),
    });
    this.#seeker = new Seeker({
      ...origin,
      config,
      selfId,
      rng,
      sizeOf,
      links: () => [...this.#eager, ...this.#lazy],
      nearness: (peer, terms) => this.#digests.nearness(peer, terms),
      degree: (peer) => this.#digests.degree(peer),
      // A seek asks the index alone: engines may take their time, and a walker does not wait.
      ask: (queryId, text, limit, out) => out.emit({ kind: 'ask', queryId: this.#nameOf(queryId), text, limit }),
      wanted: (queryId) => this.#own.get(queryId)?.hitsLeft ?? 0,
    });
  }

  /** Queries being worked on, own ones included. */
  get activeCount(): number {
    return this.#exhaustive.workingCount + this.#seeker.workingCount;
  }

  get stats(): SearchStats {
    const { stats } = this.#exhaustive;
    return {
      ...stats,
      queriesShed: stats.queriesShed + this.#shed,
      started: this.#started,
      cached: this.#cached,
      violations: this.#violations,
    };
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
    return this.#exhaustive.seenEvicted;
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
    return Math.min(this.#exhaustive.nextDeadline(), this.#seeker.nextDeadline(), this.#digests.nextDeadline());
  }

  #onMessage(now: Millis, from: PeerId, message: SearchMessage, out: Out): void {
    switch (message.kind) {
      case 'query':
        this.#exhaustive.onQuery(now, from, message, out);
        return;
      case 'answer':
        this.#exhaustive.onAnswer(now, from, message, out);
        return;
      case 'decline':
        this.#exhaustive.onDecline(now, from, message, out);
        return;
      case 'cancel':
        if (this.#exhaustive.onCancel(now, from, message.queryId, out)) return;
        this.#seeker.onCancel(now, from, message.queryId, out);
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
      case 'cancel': {
        const queryId = this.#wireId(command.queryId);
        this.#seeker.cancel(now, queryId, out);
        this.#exhaustive.cancel(now, queryId, out);
        return;
      }
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
    this.#started++;
    const strategy = strategyOf(command);
    const budget = strategy === 'exhaustive' ? 0 : this.#budgetOf(command);
    const own: Own = {
      name: command.queryId,
      strategy,
      budget,
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
      this.#shed++;
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
    const traced = command.trace === true && ({ trace: true } as const);
    this.#exhaustive.start(now, { queryId, text, limit, ...known, ...traced }, deadline, out);
  }

  #onLocalHits(now: Millis, command: LocalHitsCommand, out: Out): void {
    // As the layer above calls it, or, of a neighbour's question, as it came.
    const ids = [command.queryId, this.#wireId(command.queryId)];
    const { hits, failed = false } = command;
    if (ids.some((id) => this.#seeker.onLocalHits(now, id, hits, failed, out))) return;
    ids.some((id) => this.#exhaustive.onLocalHits(now, id, command, out));
  }

  #onLinkDown(now: Millis, peer: PeerId, out: Out): void {
    this.#eager = this.#eager.filter((id) => id !== peer);
    this.#lazy = this.#lazy.filter((id) => id !== peer);
    this.#digests.neighborDown(now, peer);
    this.#neighborWork.forget(peer);
    this.#seeker.onLinkDown(now, peer, out);
    this.#exhaustive.onLinkDown(now, peer, out);
  }

  #onTime(now: Millis, out: Out): void {
    this.#seeker.onTime(now, out);
    this.#digests.onTime(now, out);
    this.#exhaustive.onTime(now, out);
  }

  /** Whether a neighbour's question must be shed. */
  #isTooMuch(now: Millis, from: PeerId): boolean {
    return this.#neighborWork.take(now, from) > 0 || this.activeCount >= this.#config.activeMax;
  }

  /** As the layer above calls it. */
  #nameOf(queryId: string): string {
    return this.#own.get(queryId)?.name ?? queryId;
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

  /** The last word about an own query. */
  #end(now: Millis, queryId: string, cost: QueryCost, reason: FinishReason, out: Out): void {
    const own = this.#own.get(queryId);
    if (own === undefined) return;
    this.#own.delete(queryId);
    const isThrough = cost.missing === 0 && (reason === 'limit' || reason === 'done' || reason === 'budget');
    if (own.cacheKey !== null && isThrough && own.hits.length > 0) this.#cache.put(now, own.cacheKey, own.hits, reason);
    const { responders } = cost;
    const areEngines = responders?.answered === responders?.asked;
    this.#finished(own, cost, areEngines && isWhole(cost, this.#meshSize), reason, out);
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
    this.#cached++;
    const { hits, reason, at } = remembered;
    out.emit({ kind: 'hits', queryId: own.name, hits });
    this.#finished(own, nothing, false, reason, out, { cacheAgeMs: now - at });
    return true;
  }

  #violation(peer: PeerId, rule: string, out: Out): void {
    this.#violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }

  #budgetOf({ budget = 0 }: StartCommand): number {
    return budget === 0 ? this.#config.budgetDefault : Math.min(budget, this.#config.budgetMax);
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
