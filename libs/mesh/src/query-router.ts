import {
  type Choice,
  chooseStrategy,
  defaultChoiceConfig,
  defaultMemoryConfig,
  QueryMemory,
} from '@starling/core-auto';
import type { Summaries } from '@starling/core-summaries';
import { hashTerm } from '@starling/digest';
import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import type { MeshCommand, MeshEvent } from './api.ts';

type Query = Extract<MeshCommand, { readonly kind: 'query' }>;
type Finished = Extract<MeshEvent, { readonly kind: 'queryFinished' }>;

/** Where a question goes: to holders, or the way that the command says now. */
export type Route =
  | { readonly kind: 'holders'; readonly holders: readonly PeerInfo[] }
  | { readonly kind: 'search'; readonly command: Query };

interface Asked {
  readonly choice: Choice;
  /** What is learned is learned of this; empty: nothing. */
  readonly key: string;
  readonly limit: number;
  hits: number;
}

/** What the router must know of the mesh. */
export interface RouterSide {
  self(): PeerInfo;
  peers(): number;
  isNeighbor(id: PeerId): boolean;
  readonly summaries: Summaries;
}

/** Which way a question goes when it is left to us, or to the summaries; and what is learned from how it went. */
export class QueryRouter {
  readonly #side: RouterSide;
  readonly #memory = new QueryMemory(defaultMemoryConfig);
  /** Questions under way; the layer above bounds them. */
  readonly #asked = new Map<string, Asked>();
  /** How often each strategy was chosen. */
  readonly chosen: Record<Choice['strategy'], number> = { summary: 0, exhaustive: 0, walk: 0 };

  constructor(side: RouterSide) {
    this.#side = side;
  }

  route(now: Millis, query: Query): Route {
    const wanted = query.strategy ?? 'auto';
    if (wanted !== 'auto' && wanted !== 'summary') return { kind: 'search', command: query };
    const words = (query.words ?? []).filter((list) => list.length > 0);
    // A list without a word says that anybody may have an answer.
    const hasWords = words.length > 0 && words.length === query.words?.length;
    const found = hasWords ? this.#side.summaries.holders(words.map((list) => list.map(hashTerm))) : null;
    const key = hasWords ? keyOf(words) : '';
    const choice = chooseStrategy(defaultChoiceConfig, {
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
    });
    this.chosen[choice.strategy]++;
    this.#asked.set(query.queryId, { choice, key, limit: query.limit, hits: 0 });
    if (choice.strategy === 'summary' && found !== null) {
      return { kind: 'holders', holders: this.#infos([...found.holders, ...found.unknown]) };
    }
    const strategy = choice.strategy === 'walk' ? 'walk' : 'exhaustive';
    return { kind: 'search', command: { ...query, strategy, budget: choice.budget } };
  }

  /** What of an event to the layer above concerns questions: counted, and at the end completed with how it was chosen. */
  seen(now: Millis, event: MeshEvent): MeshEvent {
    if (event.kind === 'queryHits') {
      const asked = this.#asked.get(event.queryId);
      if (asked !== undefined) asked.hits += event.hits.length;
      return event;
    }
    return event.kind === 'queryFinished' ? this.#finished(now, event) : event;
  }

  #finished(now: Millis, event: Finished): Finished {
    const asked = this.#asked.get(event.queryId);
    if (asked === undefined) return event;
    this.#asked.delete(event.queryId);
    // Holders are no sample of the mesh: they were chosen because they have it.
    if (asked.key !== '' && asked.choice.strategy !== 'summary') {
      const isCut = asked.hits >= asked.limit;
      this.#memory.learn(now, asked.key, { answered: event.tally.answered, hits: asked.hits, isCut });
    }
    return { ...event, choice: asked.choice };
  }

  /** Neighbours first, since their links are there. */
  #infos(ids: readonly PeerId[]): PeerInfo[] {
    const self = this.#side.self();
    const infos = ids.flatMap((id) => (id === self.id ? self : (this.#side.summaries.member(id) ?? [])));
    const near = infos.filter(({ id }) => id === self.id || this.#side.isNeighbor(id));
    return [...near, ...infos.filter((info) => !near.includes(info))];
  }
}

function keyOf(words: readonly (readonly string[])[]): string {
  return words
    .map((list) => [...new Set(list)].sort().join(' '))
    .sort()
    .join(' | ');
}
