import { fingerprintsOf, hashTerm } from '@starling/digest';
import type { Millis, Rng } from '@starling/kernel';
import { defaultMeshConfig, type MeshCommand, type MeshConfig, type MeshEvent } from '@starling/mesh';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { MeshHarness, type MeshPeer } from './mesh.ts';

/** A document as the index of a simulated peer keeps it. */
export interface SimDocument {
  readonly id: string;
  readonly words: ReadonlySet<string>;
  /** Its rank among those that match: any number will do, if all peers agree on it. */
  readonly score: number;
}

export type FinishedQuery = Extract<MeshEvent, { readonly kind: 'queryFinished' }>;

export interface Asked {
  readonly hits: readonly { readonly peer: string; readonly id: string; readonly score: number }[];
  readonly finished: FinishedQuery;
  readonly tookMs: Millis;
}

type QueryCommand = Extract<MeshCommand, { readonly kind: 'query' }>;

/** Words by rank: the n-th is as often used as Zipf's law says, 1 / n. Drawn by inverting the sum 1 + 1/2 + … ≈ ln n. */
export function zipfWord(rng: Rng, vocabulary: number): string {
  return `w${Math.floor(Math.exp(rng.float() * Math.log(vocabulary + 1)))}`;
}

/** A mesh of whole peers, each with an index of its own that answers at once; the oracle is all of them together. */
export class DocumentWorld {
  readonly harness: MeshHarness;
  readonly #documents = new Map<string, SimDocument[]>();
  readonly #open = new Map<
    string,
    { startedAt: Millis; hits: Asked['hits'][number][]; finished?: FinishedQuery; endedAt: Millis }
  >();
  #number = 0;

  constructor(seed: number, config: MeshConfig) {
    this.harness = new MeshHarness({
      seed,
      network: network(latencies.threeZones, { lingerMs: 0 }),
      config,
      isChecked: false,
    });
    this.harness.world.observe({
      started: (peer) => this.harness.world.at(this.harness.world.now, () => this.#changed(peer)),
      event: (peer, event, now) => this.#onEvent(peer, event, now),
    });
  }

  get now(): Millis {
    return this.harness.world.now;
  }

  documentsOf(peer: MeshPeer): readonly SimDocument[] {
    return this.#documents.get(peer.info.id) ?? [];
  }

  put(peer: MeshPeer, documents: readonly SimDocument[]): void {
    this.#documents.set(peer.info.id, [...this.documentsOf(peer), ...documents]);
    this.#changed(peer);
  }

  /** All documents of the living that have these words, best first. */
  oracle(words: readonly string[]): { readonly peer: string; readonly id: string; readonly score: number }[] {
    const found = this.harness.livePeers().flatMap((peer) =>
      this.documentsOf(peer)
        .filter((document) => words.every((word) => document.words.has(word)))
        .map(({ id, score }) => ({ peer: peer.info.id, id, score })),
    );
    return found.sort((a, b) => b.score - a.score);
  }

  /** Asks, and lets time pass until it is answered. */
  ask(peer: MeshPeer, words: readonly string[], more: Partial<QueryCommand>): Asked {
    const { world } = this.harness;
    const queryId = `${peer.info.id}/${++this.#number}`;
    const open = { startedAt: world.now, hits: [] as Asked['hits'][number][], endedAt: 0 };
    this.#open.set(queryId, open);
    const query = {
      kind: 'query',
      queryId,
      text: words.join(' '),
      words: [words],
      limit: 10,
      timeoutMs: 3_000,
    } as const;
    world.command(peer, { ...query, ...more });
    const until = world.now + query.timeoutMs + 1_000;
    while (this.#open.get(queryId)?.finished === undefined && world.now < until) world.runUntil(world.now + 10);
    const { hits, finished, endedAt } = this.#open.get(queryId) as typeof open & { finished?: FinishedQuery };
    this.#open.delete(queryId);
    if (finished === undefined) throw new Error(`${queryId} did not finish`);
    return { hits, finished, tookMs: endedAt - open.startedAt };
  }

  #changed(peer: MeshPeer): void {
    this.harness.world.command(peer, { kind: 'indexChanged' });
  }

  #onEvent(peer: MeshPeer, event: MeshEvent, now: Millis): void {
    const { world } = this.harness;
    const answer = (command: MeshCommand): void => world.at(world.now, () => world.command(peer, command));
    switch (event.kind) {
      case 'indexSnapshot': {
        const documents = this.documentsOf(peer);
        const fingerprints = fingerprintsOf(new Set(documents.flatMap(({ words }) => [...words])), hashTerm);
        const words = documents.reduce((sum, document) => sum + document.words.size, 0);
        answer({ kind: 'indexTerms', fingerprints, documents: documents.length, words });
        break;
      }
      case 'queryLocal': {
        const wanted = event.text.split(' ');
        const hits = this.documentsOf(peer)
          .filter((document) => wanted.every((word) => document.words.has(word)))
          .sort((a, b) => b.score - a.score)
          .slice(0, event.limit)
          .map(({ id, score }) => ({ peer: peer.info.id, documentId: id, score, document: '{}' }));
        answer({ kind: 'localHits', queryId: event.queryId, hits });
        break;
      }
      case 'queryHits':
        for (const { peer: holder, documentId, score } of event.hits) {
          this.#open.get(event.queryId)?.hits.push({ peer: holder, id: documentId, score });
        }
        break;
      case 'queryFinished': {
        const open = this.#open.get(event.queryId);
        if (open !== undefined) Object.assign(open, { finished: event, endedAt: now });
        break;
      }
      default:
    }
  }
}

/** The shipped configuration. */
export const documentConfig: MeshConfig = defaultMeshConfig;
