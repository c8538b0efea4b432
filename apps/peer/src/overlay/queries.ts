import { StarlingError } from '@starling/client';
import { type FinishReason, type Hit, keyOf, type QueryCost } from '@starling/core-search';
import type { Millis } from '@starling/kernel';
import type { MeshCommand, MeshEvent, QueryStrategy } from '@starling/mesh';
import {
  bm25,
  estimateStatistics,
  KnownStatistics,
  noStatistics,
  parseQuery,
  rankedTerms,
  requiredWords,
  type TermStatistics,
  termKey,
} from '@starling/query';
import { questionOf } from '../responders/question.ts';
import type { Responders } from '../responders/responders.ts';
import type { LocalIndex } from '../search/local-index.ts';
import type { MeshPort } from './mesh-port.ts';

/** What a client asks. */
export interface Question {
  readonly text: string;
  readonly limit: number;
  readonly strategy: QueryStrategy;
  /** Messages between peers at most; 0: the strategy's default. */
  readonly budget: number;
  readonly trace: boolean;
}

/** How a query went. */
export interface QueryEnd {
  readonly strategy: Exclude<QueryStrategy, 'auto'>;
  readonly tally: QueryCost;
  readonly complete: boolean;
  readonly reason: FinishReason;
  /** The budget in force; 0: none. */
  readonly budget: number;
  /** Why this strategy, when that was left open; empty: it was asked for. */
  readonly why: string;
  /** Of holders that were asked straight, those that had nothing. */
  readonly holdersEmpty: number;
  /** Age of an answer that was remembered; undefined: it was asked for. */
  readonly cacheAgeMs: Millis | undefined;
  /** When overloaded: there may be room again after so long. */
  readonly retryAfterMs: Millis | undefined;
  readonly hits: number;
  readonly elapsedMs: Millis;
  /** The best of the hits that were given, best first. */
  readonly ranking: readonly RankedHit[];
  /** The ranking is by the statistics of the whole mesh. */
  readonly isRankingExact: boolean;
}

/** A hit in its final place. */
export interface RankedHit {
  readonly peer: string;
  readonly documentId: string;
  readonly version: number;
  readonly score: number;
}

/** The way that a query took, or a part of it. */
export type QueryPath = Pick<Extract<MeshEvent, { readonly kind: 'queryTrace' }>, 'strategy' | 'wave' | 'trace'>;

export interface QueryListener {
  hits(hits: readonly Hit[]): void;
  /** The way of one wave or round, when it was asked for. */
  trace(path: QueryPath): void;
  finished(end: QueryEnd): void;
}

interface OpenQuery {
  readonly listener: QueryListener;
  readonly startedAt: Millis;
  readonly limit: number;
  /** The ranked terms, by their keys. */
  readonly terms: readonly string[];
  /** What was known of the mesh at the start. */
  readonly statistics: TermStatistics | null;
  hits: number;
  /** What the ranking needs of each hit, by document; the core gives at most a few for each one wanted. */
  readonly given: Map<string, GivenHit>;
}

interface GivenHit extends RankedHit {
  readonly length: number;
  readonly terms: readonly number[];
}

/** Queries of this peer's clients, and the answers of its own index and of the engines attached here to everybody's. */
export class Queries {
  readonly #mesh: MeshPort;
  readonly #selfId: string;
  readonly #queriesMax: number;
  readonly #index: LocalIndex;
  readonly #responders: Responders;
  readonly #open = new Map<string, OpenQuery>();
  /** The ways to give up asking engines, by query. */
  readonly #asked = new Map<string, () => void>();
  readonly #ended: (end: QueryEnd) => void;
  readonly #known = new KnownStatistics();
  #number = 0;
  refused = 0;
  /** Queries, of anybody, that the index answered. */
  answered = 0;
  /** … and those that it could not. */
  failed = 0;

  /** `ended` hears of every query that ends, for metrics. */
  constructor(
    mesh: MeshPort,
    index: LocalIndex,
    responders: Responders,
    options: { readonly selfId: string; readonly queriesMax: number; readonly ended: (end: QueryEnd) => void },
  ) {
    this.#mesh = mesh;
    this.#index = index;
    this.#responders = responders;
    this.#selfId = options.selfId;
    this.#queriesMax = options.queriesMax;
    this.#ended = options.ended;
    mesh.on((event) => {
      switch (event.kind) {
        case 'queryLocal':
          this.#answer(event);
          break;
        case 'queryLocalOver':
          this.#giveUp(event.queryId);
          break;
        case 'queryTrace':
          this.#open.get(event.queryId)?.listener.trace(event);
          break;
        case 'queryHits': {
          const query = this.#open.get(event.queryId);
          if (query === undefined) break;
          query.hits += event.hits.length;
          for (const hit of event.hits) {
            const known = query.given.get(keyOf(hit));
            if (known === undefined || known.version < (hit.version ?? 0)) query.given.set(keyOf(hit), givenOf(hit));
          }
          query.listener.hits(event.hits);
          break;
        }
        case 'queryFinished': {
          const query = this.#open.get(event.queryId);
          if (query === undefined) break;
          this.#open.delete(event.queryId);
          const end: QueryEnd = {
            strategy: event.strategy,
            tally: event.tally,
            complete: event.complete,
            reason: event.reason,
            budget: event.budget,
            why: event.choice?.why ?? '',
            holdersEmpty: event.holdersEmpty ?? 0,
            cacheAgeMs: event.cacheAgeMs,
            retryAfterMs: event.retryAfterMs,
            hits: query.hits,
            elapsedMs: mesh.now() - query.startedAt,
            isRankingExact: event.complete && event.tally.statistics !== undefined,
            ranking: rankingOf(query, event.tally.statistics, event.complete),
          };
          if (event.complete && event.tally.statistics !== undefined) {
            this.#known.learn(mesh.now(), query.terms, event.tally.statistics);
          }
          this.#ended(end);
          query.listener.finished(end);
          break;
        }
        default:
      }
    });
  }

  get size(): number {
    return this.#open.size;
  }

  /** Asks the mesh. Returns the way to give up. Throws TOO_MANY_QUERIES. */
  start(question: Question, timeoutMs: Millis, listener: QueryListener): () => void {
    if (this.#open.size >= this.#queriesMax) {
      this.refused++;
      throw new StarlingError(`${this.#open.size} queries are running already`, {
        reason: 'TOO_MANY_QUERIES',
        retryAfterMs: 1_000,
        metadata: { limit: String(this.#queriesMax) },
      });
    }
    this.#number++;
    const queryId = `${this.#selfId}/${this.#number}`;
    const startedAt = this.#mesh.now();
    const { text, limit } = question;
    const parsed = parseQuery(text);
    // What does not parse is refused before it gets here.
    const words = parsed.ok ? requiredWords(parsed.query) : [];
    const terms = parsed.ok ? rankedTerms(parsed.query).map(termKey) : [];
    const statistics = this.#known.recall(startedAt, terms);
    this.#open.set(queryId, { listener, startedAt, limit, terms, statistics, hits: 0, given: new Map() });
    this.#mesh.command({
      kind: 'query',
      queryId,
      ...question,
      timeoutMs,
      words,
      ...(statistics !== null && { statistics }),
    });
    return () => {
      if (this.#open.has(queryId)) this.#mesh.command({ kind: 'cancelQuery', queryId });
    };
  }

  /**
   * A question with a topic is for the engines of that topic alone; one without for the index, and for engines that answer
   * everything. Each part goes out when it is there.
   */
  #answer(event: QueryLocal): void {
    const { queryId, limit, timeoutMs } = event;
    this.#giveUp(queryId);
    const { topic, text } = questionOf(event.text);
    const isForIndex = topic === '';
    if (timeoutMs === undefined) {
      if (isForIndex) void this.#askIndex(event).then((answer) => this.#mesh.command(answer));
      else this.#mesh.command({ kind: 'localHits', queryId, hits: [] });
      return;
    }
    let last: LocalHits = { kind: 'localHits', queryId, hits: [] };
    let pending = Number(isForIndex);
    let isOver = false;
    const ended = (): void => {
      pending--;
      if (isOver || pending > 0) return;
      this.#asked.delete(queryId);
      this.#mesh.command(last);
    };
    const giveUpEngines = this.#responders.ask(
      queryId,
      { topic, text, limit, timeoutMs },
      {
        hits: (hits) => {
          if (!isOver) this.#mesh.command({ kind: 'localHits', queryId, hits, more: true });
        },
        finished: (responders) => {
          last = { ...last, responders };
          ended();
        },
      },
    );
    if (giveUpEngines !== null) pending++;
    this.#asked.set(queryId, () => {
      isOver = true;
      giveUpEngines?.();
    });
    if (isForIndex) {
      void this.#askIndex(event).then((answer) => {
        if (isOver) return;
        if (pending > 1 && answer.hits.length > 0)
          this.#mesh.command({ kind: 'localHits', queryId, hits: answer.hits, more: true });
        last = { ...answer, ...last, hits: pending > 1 ? [] : answer.hits };
        ended();
      });
    } else if (giveUpEngines === null) {
      pending++;
      ended();
    }
  }

  #giveUp(queryId: string): void {
    this.#asked.get(queryId)?.();
    this.#asked.delete(queryId);
  }

  async #askIndex({ queryId, text, limit, statistics }: QueryLocal): Promise<LocalHits> {
    try {
      const answer = await this.#index.search({ text, limit, statistics: statistics ?? null });
      this.answered++;
      const hits = answer.hits.map(({ id, version, score, length, terms, json }) => ({
        peer: this.#selfId,
        documentId: id,
        version,
        score,
        length,
        terms,
        document: json,
      }));
      return { kind: 'localHits', queryId, hits, statistics: answer.statistics };
    } catch {
      // The index says in the log what is wrong with it; the asker has to hear that this peer's answer is missing.
      this.failed++;
      return { kind: 'localHits', queryId, hits: [], failed: true };
    }
  }
}

type LocalHits = Extract<MeshCommand, { readonly kind: 'localHits' }>;
type QueryLocal = Extract<MeshEvent, { readonly kind: 'queryLocal' }>;

function givenOf({ peer, documentId, version = 0, score, length = 0, terms = [] }: Hit): GivenHit {
  return { peer, documentId, version, score, length, terms };
}

/** The final order, by the best statistics there are: of everybody who answered, or, when that is not everybody, of before. */
function rankingOf(
  { given, limit, statistics: known }: OpenQuery,
  told: TermStatistics | undefined,
  isComplete: boolean,
): RankedHit[] {
  const statistics = isComplete && told !== undefined ? told : estimateStatistics(known, told ?? noStatistics);
  return [...given.values()]
    .map(({ peer, documentId, version, length, terms, score }) => ({
      peer,
      documentId,
      version,
      // Without anything to weigh by: as the peers said.
      score: statistics.documents > 0 && terms.length > 0 ? bm25({ length, terms }, statistics) : score,
    }))
    .sort((a, b) => b.score - a.score || (a.documentId < b.documentId ? -1 : 1))
    .slice(0, limit);
}
