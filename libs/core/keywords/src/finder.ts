import type { Millis, Outbox, PeerId } from '@starling/kernel';
import type { KeywordsConfig } from './config.ts';
import type { Fingerprint, KeywordsEvent } from './messages.ts';

type Out = Outbox<never, KeywordsEvent>;

/** One question whose words are being looked up. */
interface Find {
  /** By list, the publishers of each of its words that is known by now; the shortest list of them names the holders. */
  readonly best: (readonly PeerId[] | null)[];
  /** Lookups under way, and which list each is for. */
  readonly pending: Map<string, number>;
  messages: number;
}

/** Looks up who publishes a question's rare words. */
export class Finder {
  readonly #config: KeywordsConfig;
  readonly #isRare: (word: Fingerprint) => boolean;
  readonly #finds = new Map<string, Find>();
  readonly stats = { finds: 0, named: 0, shed: 0 };

  constructor(config: KeywordsConfig, isRare: (word: Fingerprint) => boolean) {
    this.#config = config;
    this.#isRare = isRare;
  }

  get size(): number {
    return this.#finds.size;
  }

  has(queryId: string): boolean {
    return this.#finds.has(queryId);
  }

  find(queryId: string, alternatives: readonly (readonly Fingerprint[])[], timeoutMs: Millis, out: Out): void {
    const { findsMax, wordsOfListMax, wordsOfQuestionMax } = this.#config;
    this.stats.finds++;
    const lists = alternatives.map((list) => list.filter(this.#isRare).slice(0, wordsOfListMax));
    const words = lists.reduce((sum, { length }) => sum + length, 0);
    const isShed = this.#finds.size >= findsMax || this.#finds.has(queryId);
    // Of an alternative without a rare word no record tells.
    const isTold = lists.length > 0 && lists.every(({ length }) => length > 0) && words <= wordsOfQuestionMax;
    if (isShed) this.stats.shed++;
    if (isShed || !isTold) {
      out.emit({ kind: 'found', queryId, holders: null, messages: 0 });
      return;
    }
    const find: Find = { best: lists.map(() => null), pending: new Map(), messages: 0 };
    this.#finds.set(queryId, find);
    lists.forEach((list, at) => {
      for (const word of list) {
        const getId = `${queryId} ${find.pending.size}`;
        find.pending.set(getId, at);
        out.emit({ kind: 'get', getId, word, timeoutMs });
      }
    });
  }

  gotten(getId: string, holders: readonly PeerId[], messages: number, out: Out): void {
    const queryId = getId.slice(0, getId.lastIndexOf(' '));
    const find = this.#finds.get(queryId);
    const at = find?.pending.get(getId);
    if (find === undefined || at === undefined) return;
    find.pending.delete(getId);
    find.messages += messages;
    const best = find.best[at] ?? null;
    // Not the peers that all words name: who publishes one word may not have come to the other yet.
    if (holders.length > 0 && (best === null || holders.length < best.length)) find.best[at] = holders;
    if (find.pending.size === 0) this.#end(queryId, find, out);
  }

  cancel(queryId: string, out: Out): void {
    const find = this.#finds.get(queryId);
    if (find === undefined) return;
    for (const getId of find.pending.keys()) out.emit({ kind: 'cancelGet', getId });
    this.#finds.delete(queryId);
    out.emit({ kind: 'found', queryId, holders: null, messages: find.messages });
  }

  #end(queryId: string, { best, messages }: Find, out: Out): void {
    this.#finds.delete(queryId);
    const lists = best.filter((list) => list !== null);
    const holders = lists.length === best.length ? [...new Set(lists.flat())] : null;
    if (holders !== null) this.stats.named++;
    out.emit({ kind: 'found', queryId, holders, messages });
  }
}
