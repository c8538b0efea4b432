import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { StarlingError } from '@starling/client';
import { noStatistics } from '@starling/query';
import { type IndexJob, type IndexReply, type IndexThreadData, indexMark } from './index-protocol.ts';
import type {
  IndexLimits,
  IndexTerms,
  LocalAnswer,
  LocalIndex,
  LocalQuestion,
  PutResult,
  StoredDocument,
} from './local-index.ts';

export const threadLimits = {
  /** Searches that wait; more are refused. As many as the mesh has queries at work. */
  searchesMax: 256,
  /** Jobs that the thread has at once: the next is there when one is done. (computed) */
  jobsMax: 2,
  /** Documents of one job, so that a search waits no longer than for these. (measured: 5 ms of WordNet's glosses) */
  sliceDocumentsMax: 64,
  /** … and characters of their JSON. (guess: as one large document) */
  sliceCharsMax: 65_536,
  /** Searches that go before a slice that waits. (guess: loading goes on under any storm of queries) */
  searchesInRowMax: 8,
} as const;

/** Bundled, it is a file beside the program. */
const worker = new URL(import.meta.url.endsWith('.ts') ? './index-worker.ts' : './index-worker.mjs', import.meta.url);

export interface ThreadedIndexOptions extends IndexLimits {
  /** File of the index; empty: in memory, and gone with the process. */
  readonly path: string;
  /** There are other documents than before. */
  readonly onChange?: () => void;
  /** The index is broken, or a file of it was put aside: for the log. */
  readonly onTrouble: (problem: string, details: Readonly<Record<string, unknown>>) => void;
}

interface Waiting {
  readonly job: IndexJob;
  resolve(reply: IndexReply): void;
  reject(error: Error): void;
}

/**
 * A local index in a thread of its own, which is started when there is something in it. Changes are done in
 * slices, between which searches and other callers' changes go ahead. A thread that dies takes the jobs at hand along, and the next job starts another.
 */
export class ThreadedIndex implements LocalIndex {
  readonly #options: ThreadedIndexOptions;
  readonly #searches: Waiting[] = [];
  readonly #changes: Waiting[] = [];
  /** What the thread has, in order. */
  readonly #given: Waiting[] = [];
  #thread: Worker | null = null;
  #isOpen = false;
  #isClosed = false;
  #searchesInRow = 0;
  #size = 0;
  #bytes = 0;
  readonly stats = { searchesRefused: 0, documentsRefused: 0, threadsLost: 0 };

  constructor(options: ThreadedIndexOptions) {
    this.#options = options;
    if (options.path !== '' && existsSync(options.path)) this.#start();
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async put(documents: readonly StoredDocument[]): Promise<PutResult> {
    let total: PutResult = { stored: 0, stale: 0, refusal: null };
    // One after the other: what comes after the first that does not fit must not be stored.
    for (const slice of slicesOf(documents)) {
      const reply = await this.#do({ kind: 'put', documents: slice }, this.#changes);
      if (reply.kind !== 'put') break;
      const { stored, stale, refusal } = reply.result;
      total = { stored: total.stored + stored, stale: total.stale + stale, refusal };
      if (refusal !== null) break;
    }
    this.stats.documentsRefused += documents.length - total.stored - total.stale;
    return total;
  }

  async delete(ids: readonly string[]): Promise<number> {
    if (this.#thread === null && this.#size === 0) return 0;
    const reply = await this.#do({ kind: 'delete', ids }, this.#changes);
    return reply.kind === 'delete' ? reply.deleted : 0;
  }

  async search(question: LocalQuestion): Promise<LocalAnswer> {
    if (this.#thread === null && this.#size === 0) return { hits: [], statistics: noStatistics };
    if (this.#searches.length >= threadLimits.searchesMax) {
      this.stats.searchesRefused++;
      throw new StarlingError('too many searches wait for the index', { reason: 'TOO_MANY_QUERIES' });
    }
    const reply = await this.#do({ kind: 'search', question }, this.#searches);
    return reply.kind === 'search' ? reply.answer : { hits: [], statistics: noStatistics };
  }

  async terms(countMax: number): Promise<IndexTerms> {
    const nothing = { fingerprints: new Uint32Array(0), documents: 0, words: 0 };
    if (this.#thread === null && this.#size === 0) return nothing;
    const reply = await this.#do({ kind: 'terms', countMax }, this.#changes);
    return reply.kind === 'terms' ? reply.terms : nothing;
  }

  async close(): Promise<void> {
    if (this.#thread !== null && !this.#isClosed) {
      const closed = this.#do({ kind: 'close' }, this.#changes);
      this.#isClosed = true;
      await closed.catch(() => {});
    }
    this.#isClosed = true;
  }

  #do(job: IndexJob, queue: Waiting[]): Promise<IndexReply> {
    if (this.#isClosed) return Promise.reject(new Error('the index is closed'));
    return new Promise((resolve, reject) => {
      queue.push({ job, resolve, reject });
      if (this.#thread === null) this.#start();
      this.#give();
    });
  }

  #give(): void {
    while (this.#isOpen && this.#given.length < threadLimits.jobsMax) {
      const isChangeDue = this.#changes.length > 0 && this.#searchesInRow >= threadLimits.searchesInRowMax;
      const search = isChangeDue ? undefined : this.#searches.shift();
      const next = search ?? this.#changes.shift();
      if (next === undefined) return;
      this.#searchesInRow = search === undefined ? 0 : this.#searchesInRow + 1;
      this.#given.push(next);
      this.#thread?.postMessage(next.job);
    }
  }

  #start(): void {
    const { path, documentsMax, bytesMax } = this.#options;
    const thread = new Worker(worker, {
      workerData: { mark: indexMark, path, documentsMax, bytesMax } satisfies IndexThreadData,
      name: 'index',
    });
    this.#thread = thread;
    // A peer lives as long as its servers, not as long as its index.
    thread.unref();
    thread.on('message', (reply: IndexReply) => this.#onReply(reply));
    thread.on('error', (error: unknown) => this.#onLost(thread, error));
    thread.on('exit', () => this.#onLost(thread, null));
  }

  #onReply(reply: IndexReply): void {
    this.#size = reply.size;
    this.#bytes = reply.bytes;
    if (reply.kind === 'open') {
      this.#isOpen = true;
      if (reply.brokenFile !== null) {
        this.#options.onTrouble('the index could not be read: it begins anew', { putAside: reply.brokenFile });
      }
    } else {
      const waiting = this.#given.shift();
      const isChanged =
        (reply.kind === 'put' && reply.result.stored > 0) || (reply.kind === 'delete' && reply.deleted > 0);
      if (isChanged) this.#options.onChange?.();
      if (reply.kind === 'failed') waiting?.reject(broken(reply.problem));
      else waiting?.resolve(reply);
    }
    this.#give();
  }

  /** The thread is gone; after `close` that is as it should be. */
  #onLost(thread: Worker, error: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    this.#isOpen = false;
    const problem = error instanceof Error ? error.message : 'its thread ended';
    const lost = [...this.#given.splice(0), ...this.#changes.splice(0), ...this.#searches.splice(0)];
    for (const { reject } of lost) reject(broken(problem));
    if (this.#isClosed && error === null) return;
    this.stats.threadsLost++;
    this.#options.onTrouble('the index failed', { problem, path: this.#options.path });
  }
}

function broken(problem: string): StarlingError {
  return new StarlingError(`the index of this peer fails: ${problem}`, { reason: 'INDEX_BROKEN' });
}

function slicesOf(documents: readonly StoredDocument[]): StoredDocument[][] {
  const slices: StoredDocument[][] = [];
  let slice: StoredDocument[] = [];
  let chars = 0;
  for (const document of documents) {
    if (
      slice.length >= threadLimits.sliceDocumentsMax ||
      (slice.length > 0 && chars + document.json.length > threadLimits.sliceCharsMax)
    ) {
      slices.push(slice);
      slice = [];
      chars = 0;
    }
    slice.push(document);
    chars += document.json.length;
  }
  if (slice.length > 0) slices.push(slice);
  return slices;
}
