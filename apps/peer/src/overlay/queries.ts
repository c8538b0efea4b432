import { StarlingError } from '@starling/client';
import type { FinishReason, Hit, QueryCost } from '@starling/core-search';
import type { Millis } from '@starling/kernel';
import type { QueryStrategy } from '@starling/mesh';
import type { LocalIndex } from '../search/local-index.ts';
import type { MeshPort } from './mesh-port.ts';

/** What a client asks. */
export interface Question {
  readonly text: string;
  readonly limit: number;
  readonly strategy: QueryStrategy;
  /** Messages between peers at most; 0: the strategy's default. */
  readonly budget: number;
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
  readonly hits: number;
  readonly elapsedMs: Millis;
}

export interface QueryListener {
  hits(hits: readonly Hit[]): void;
  finished(end: QueryEnd): void;
}

interface OpenQuery {
  readonly listener: QueryListener;
  readonly startedAt: Millis;
  hits: number;
}

/** Queries of this peer's clients, and the answers of its own index to everybody's. */
export class Queries {
  readonly #mesh: MeshPort;
  readonly #selfId: string;
  readonly #queriesMax: number;
  readonly #open = new Map<string, OpenQuery>();
  readonly #ended: (end: QueryEnd) => void;
  #number = 0;
  refused = 0;
  /** Queries, of anybody, that the index answered. */
  answered = 0;

  /** `ended` hears of every query that ends, for metrics. */
  constructor(
    mesh: MeshPort,
    index: LocalIndex,
    options: { readonly selfId: string; readonly queriesMax: number; readonly ended: (end: QueryEnd) => void },
  ) {
    this.#mesh = mesh;
    this.#selfId = options.selfId;
    this.#queriesMax = options.queriesMax;
    this.#ended = options.ended;
    mesh.on((event) => {
      switch (event.kind) {
        case 'queryLocal': {
          this.answered++;
          const hits = index.search(event.text, event.limit).map((hit) => ({
            peer: options.selfId,
            documentId: hit.id,
            score: hit.score,
            document: hit.json,
          }));
          mesh.command({ kind: 'localHits', queryId: event.queryId, hits });
          break;
        }
        case 'queryHits': {
          const query = this.#open.get(event.queryId);
          if (query === undefined) break;
          query.hits += event.hits.length;
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
            hits: query.hits,
            elapsedMs: mesh.now() - query.startedAt,
          };
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
    this.#open.set(queryId, { listener, startedAt: this.#mesh.now(), hits: 0 });
    this.#mesh.command({ kind: 'query', queryId, ...question, timeoutMs });
    return () => {
      if (this.#open.has(queryId)) this.#mesh.command({ kind: 'cancelQuery', queryId });
    };
  }
}
