import MiniSearch, { type SearchResult } from 'minisearch';
import type { LocalHit, LocalIndex, StoredDocument } from './local-index.ts';

export interface IndexLimits {
  readonly documentsMax: number;
  readonly bytesMax: number;
}

/** An inverted index in memory (MiniSearch: BM25+). Text anywhere in a document's fields is searched. */
export class MiniSearchIndex implements LocalIndex {
  readonly #limits: IndexLimits;
  readonly #documents = new Map<string, StoredDocument>();
  readonly #index = new MiniSearch<StoredDocument>({
    fields: ['json'],
    // The index is asked for the document's words, not for its JSON.
    extractField: (document, field) => (field === 'id' ? document.id : wordsOf(JSON.parse(document.json))),
    searchOptions: { combineWith: 'AND', prefix: (_term, i, terms) => i === terms.length - 1 },
  });
  #bytes = 0;

  constructor(limits: IndexLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#documents.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(documents: readonly StoredDocument[]): number {
    let stored = 0;
    for (const document of documents) {
      const old = this.#documents.get(document.id);
      const count = this.#documents.size + (old === undefined ? 1 : 0);
      const bytes = this.#bytes + bytesOf(document) - (old === undefined ? 0 : bytesOf(old));
      if (count > this.#limits.documentsMax || bytes > this.#limits.bytesMax) break;
      if (old === undefined) this.#index.add(document);
      else this.#index.replace(document);
      this.#documents.set(document.id, document);
      this.#bytes = bytes;
      stored++;
    }
    return stored;
  }

  delete(ids: readonly string[]): number {
    let deleted = 0;
    for (const id of ids) {
      const document = this.#documents.get(id);
      if (document === undefined) continue;
      this.#index.discard(id);
      this.#documents.delete(id);
      this.#bytes -= bytesOf(document);
      deleted++;
    }
    return deleted;
  }

  search(text: string, limit: number): LocalHit[] {
    return this.#index
      .search(text)
      .slice(0, limit)
      .flatMap((result: SearchResult) => {
        const document = this.#documents.get(String(result.id));
        return document === undefined ? [] : [{ ...document, score: result.score }];
      });
  }
}

function bytesOf(document: StoredDocument): number {
  return Buffer.byteLength(document.json);
}

/** Every string and number in a JSON value, at any depth. Without recursion: depth is the sender's choice. */
function wordsOf(value: unknown): string {
  const words: string[] = [];
  const waiting: unknown[] = [value];
  for (let next = waiting.pop(); waiting.length > 0 || next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string' || typeof next === 'number') words.push(String(next));
    else if (typeof next === 'object' && next !== null) waiting.push(...Object.values(next));
  }
  return words.join(' ');
}
