import {
  type Choice,
  type ChoiceConfig,
  type ChoiceInputs,
  chooseStrategy,
  defaultMemoryConfig,
  fallBack,
  QueryMemory,
} from '@starling/core-auto';
import type { Sight } from '@starling/core-search';
import type { Summaries } from '@starling/core-summaries';
import { hashTerm } from '@starling/digest';
import { addCounts, type Millis, type PeerId, type PeerInfo } from '@starling/kernel';
import type { MeshCommand, MeshEvent } from './api.ts';
import { type AskedQuery, begin, isOverFor, type SearchQuery } from './asked-query.ts';

type Query = Extract<MeshCommand, { readonly kind: 'query' }>;
type Hits = Extract<MeshEvent, { readonly kind: 'queryHits' }>;
type Finished = Extract<MeshEvent, { readonly kind: 'queryFinished' }>;

/** Where a question goes next. Its id is that of a stage: a question that goes on another way has another id for peers. */
export type Route =
  | { readonly kind: 'holders'; readonly command: Query; readonly holders: readonly PeerInfo[] }
  | { readonly kind: 'keywords'; readonly command: Query; readonly fingerprints: readonly (readonly number[])[] }
  | { readonly kind: 'search'; readonly command: SearchQuery };

/** What the router must know of the mesh. */
export interface RouterSide {
  self(): PeerInfo;
  peers(): number;
  member(id: PeerId): PeerInfo | undefined;
  isNeighbor(id: PeerId): boolean;
  hasKeywords(): boolean;
  sight(terms: readonly (readonly number[])[]): Sight;
  readonly summaries: Summaries;
}

/** Of a question's time its first way may take this share, when there is another to go if it finds too little. (guess) */
const firstWayShare = 0.5;
/** With less time left it is over. (guess) */
const restMinMs = 50;

/**
 * Which way a question goes when it is left to us, or to the summaries; how it goes on when that way finds too little; and what
 * is learned from how it went.
 */
export class QueryRouter {
  readonly #config: ChoiceConfig;
  readonly #side: RouterSide;
  readonly #memory = new QueryMemory(defaultMemoryConfig);
  /** Questions under way, by the id of their stage; the layer above bounds them. */
  readonly #asked = new Map<string, AskedQuery>();
  /** The stages of those that have gone on, by the questions' own ids. */
  readonly #stages = new Map<string, string>();
  /** How often each strategy was chosen. */
  readonly chosen: Record<Choice['strategy'], number> = { summary: 0, exhaustive: 0, walk: 0, guided: 0, keywords: 0 };
  /** How often a question went on that way, because another found too little. */
  readonly fellBack: Record<Choice['strategy'], number> = {
    summary: 0,
    exhaustive: 0,
    walk: 0,
    guided: 0,
    keywords: 0,
  };

  constructor(config: ChoiceConfig, side: RouterSide) {
    this.#config = config;
    this.#side = side;
  }

  route(now: Millis, query: Query): Route {
    const wanted = query.strategy ?? 'auto';
    if (wanted !== 'auto' && wanted !== 'summary') return { kind: 'search', command: { ...query, strategy: wanted } };
    const words = (query.words ?? []).filter((list) => list.length > 0);
    // A list without a word says that anybody may have an answer.
    const hasWords = words.length > 0 && words.length === query.words?.length;
    const hashes = hasWords ? words.map((list) => list.map(hashTerm)) : [];
    const fingerprints = hashes.map((list) => list.map(({ high }) => high));
    const found = hasWords ? this.#side.summaries.holders(hashes) : null;
    const key = hasWords ? keyOf(words) : '';
    const sight = hasWords ? this.#side.sight(fingerprints) : null;
    const inputs: ChoiceInputs = {
      wanted,
      peers: this.#side.peers(),
      limit: query.limit,
      budget: query.budget ?? 0,
      hasWords,
      summaries:
        found === null
          ? { off: this.#side.summaries.off ?? 'no index here' }
          : { holders: found.holders.length, unknown: found.unknown.length },
      remembered: key === '' ? null : this.#memory.recall(now, key),
      sight: sight === null || sight.peers === 0 ? null : sight,
      hasKeywords: this.#side.hasKeywords(),
    };
    const choice = chooseStrategy(this.#config, inputs);
    this.chosen[choice.strategy]++;
    const named = found === null ? [] : [...found.holders, ...found.unknown];
    const asked = begin(now, { query, inputs, choice, key, fingerprints, named });
    return this.#stage(now, asked);
  }

  /** Whom keyword records name for a stage; null: nobody. Where it goes on, or how it ended. */
  keywordsFound(
    now: Millis,
    stageId: string,
    holders: readonly PeerId[] | null,
    messages: number,
  ): Route | Finished | null {
    const asked = this.#asked.get(stageId);
    if (asked === undefined) return null;
    asked.spent = addCounts(asked.spent, messages);
    if (asked.isCancelled) return this.#end(asked, nobody('cancelled'));
    const infos = this.#infos(holders ?? []);
    if (infos.length === 0) return this.#goOn(now, asked, false) ?? this.#end(asked, nobody('done'));
    return { kind: 'holders', command: this.#commandOf(now, asked), holders: infos };
  }

  /** Nobody waits for a question any more. The id by which it is known to the cores now. */
  cancelled(queryId: string): string {
    const stageId = this.#stages.get(queryId) ?? queryId;
    const asked = this.#asked.get(stageId);
    if (asked !== undefined) asked.isCancelled = true;
    return stageId;
  }

  /**
   * What of an event concerns questions: hits are counted, and not told twice; a stage that ended makes the end of the question,
   * completed with how it was chosen, or the next stage. Null: there is nothing to tell.
   */
  seen(now: Millis, event: MeshEvent): MeshEvent | Route | null {
    switch (event.kind) {
      case 'queryHits':
        return this.#hits(event);
      case 'queryFinished':
        return this.#finished(now, event);
      case 'queryTrace': {
        const asked = this.#asked.get(event.queryId);
        return asked === undefined ? event : { ...event, queryId: asked.query.queryId };
      }
      default:
        return event;
    }
  }

  #hits(event: Hits): Hits | null {
    const asked = this.#asked.get(event.queryId);
    if (asked === undefined) return event;
    const hits = event.hits.filter(({ documentId, version = 0 }) => {
      const known = asked.given.get(documentId);
      if (known !== undefined && known >= version) return false;
      asked.given.set(documentId, version);
      return true;
    });
    return hits.length === 0 ? null : { ...event, queryId: asked.query.queryId, hits };
  }

  #finished(now: Millis, event: Finished): Finished | Route {
    const asked = this.#asked.get(event.queryId);
    if (asked === undefined) return event;
    asked.spent = addCounts(asked.spent, event.tally.messages);
    asked.bytes = addCounts(asked.bytes, event.tally.bytes, Number.MAX_SAFE_INTEGER);
    this.#learn(now, asked, event);
    if (isOverFor(event.reason)) return this.#end(asked, event);
    return this.#goOn(now, asked, event.complete) ?? this.#end(asked, event);
  }

  /** The next stage, unless enough was found or there is nothing left to go on with. */
  #goOn(now: Millis, asked: AskedQuery, isComplete: boolean): Route | null {
    if (asked.isCancelled || asked.deadline - now < restMinMs) return null;
    const { strategy } = asked.choice;
    const progress = { strategy, hits: asked.given.size, spent: asked.spent, isComplete };
    const next = fallBack(this.#config, asked.inputs, progress);
    if (next === null) return null;
    this.fellBack[next.strategy]++;
    this.#asked.delete(asked.stageId);
    const stage = asked.stage + 1;
    const stageId = `${asked.query.queryId}+${stage}`;
    this.#stages.set(asked.query.queryId, stageId);
    const choice = { ...next, why: `${asked.choice.why}; ${next.why}` };
    return this.#stage(now, { ...asked, stage, stageId, choice });
  }

  #stage(now: Millis, asked: AskedQuery): Route {
    this.#asked.set(asked.stageId, asked);
    const command = this.#commandOf(now, asked);
    const { strategy, budget } = asked.choice;
    if (strategy === 'summary') return { kind: 'holders', command, holders: this.#infos(asked.named) };
    if (strategy === 'keywords') return { kind: 'keywords', command, fingerprints: asked.fingerprints };
    return { kind: 'search', command: { ...command, strategy, budget } };
  }

  #commandOf(now: Millis, { query, inputs, choice, deadline, stageId, stage }: AskedQuery): Query {
    const left = Math.max(1, deadline - now);
    // Holders that summaries name have it, or the others have not: with all the time there is.
    const { strategy } = choice;
    const mayGoOn = stage === 1 && inputs.wanted === 'auto' && strategy !== 'exhaustive' && strategy !== 'summary';
    return { ...query, queryId: stageId, timeoutMs: mayGoOn ? left * firstWayShare : left };
  }

  #end(asked: AskedQuery, event: Omit<Finished, 'queryId'>): Finished {
    this.#asked.delete(asked.stageId);
    this.#stages.delete(asked.query.queryId);
    const isByRecords = asked.choice.strategy === 'keywords';
    return {
      ...event,
      queryId: asked.query.queryId,
      // What was found on the way to it cost, too.
      tally: { ...event.tally, messages: asked.spent, bytes: asked.bytes },
      // Of whom records do not tell nothing is known.
      complete: event.complete && !isByRecords,
      ...(asked.query.budget !== undefined &&
        asked.query.budget > 0 &&
        event.budget > 0 && { budget: asked.query.budget }),
      choice: asked.choice,
    };
  }

  #learn(now: Millis, asked: AskedQuery, { tally, cacheAgeMs, strategy }: Finished): void {
    // Whom summaries, records or digests lead to is no sample of the mesh; what is remembered was learned from.
    const isSample = strategy === 'walk' || strategy === 'exhaustive';
    if (asked.key === '' || !isSample || cacheAgeMs !== undefined) return;
    const hits = asked.given.size;
    this.#memory.learn(now, asked.key, { answered: tally.answered, hits, isCut: hits >= asked.query.limit });
  }

  /** Neighbours first, since their links are there. Who is no member any more is left out. */
  #infos(ids: readonly PeerId[]): PeerInfo[] {
    const self = this.#side.self();
    const infos = ids.flatMap((id) => (id === self.id ? self : (this.#side.member(id) ?? [])));
    const near = infos.filter(({ id }) => id === self.id || this.#side.isNeighbor(id));
    return [...near, ...infos.filter((info) => !near.includes(info))];
  }
}

/** The end of a question that was handed to nobody. */
function nobody(reason: 'done' | 'cancelled'): Omit<Finished, 'queryId'> {
  const tally = { asked: 0, answered: 0, messages: 0, bytes: 0, missing: 0 };
  return { kind: 'queryFinished', strategy: 'summary', tally, complete: false, reason, budget: 0 };
}

function keyOf(words: readonly (readonly string[])[]): string {
  return words
    .map((list) => [...new Set(list)].sort().join(' '))
    .sort()
    .join(' | ');
}
