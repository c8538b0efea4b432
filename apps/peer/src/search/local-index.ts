import type { TermStatistics } from '@starling/query';

/** One stored document: its id, its fields as JSON text, and its version: of two with one id the higher wins. */
export interface StoredDocument {
  readonly id: string;
  readonly json: string;
  readonly version: number;
}

/** A document that matched. */
export interface LocalHit extends StoredDocument {
  /** BM25 by the statistics that the question brought, as far as it did; at least 0. */
  readonly score: number;
  /** Words of the document. */
  readonly length: number;
  /** How often each ranked term is in it. */
  readonly terms: readonly number[];
}

export interface LocalQuestion {
  readonly text: string;
  readonly limit: number;
  /** What is known of the whole mesh; null: nothing. */
  readonly statistics: TermStatistics | null;
}

export interface LocalAnswer {
  /** Best first; of equals the lower id. */
  readonly hits: readonly LocalHit[];
  /** This index's own. */
  readonly statistics: TermStatistics;
}

/** Why a document was not stored: a quota is reached, or the disk takes no more. */
export type IndexRefusal =
  | { readonly kind: 'documents' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'disk'; readonly problem: string };

/** What became of documents: the first `stored + stale` of them were dealt with. */
export interface PutResult {
  readonly stored: number;
  /** Not stored, because a newer version is held. */
  readonly stale: number;
  /** Why the next one, and those after it, were not; null: all were dealt with. */
  readonly refusal: IndexRefusal | null;
}

export interface IndexLimits {
  readonly documentsMax: number;
  readonly bytesMax: number;
}

/** What a peer tells the others of its index. */
export interface IndexTerms {
  /** Of all its words, ascending, each once; null: there are more than was asked for. */
  readonly fingerprints: Uint32Array | null;
  readonly documents: number;
  /** Words of all documents. */
  readonly words: number;
}

/** How a peer searches its own documents: small, so that another engine can take its place. */
export interface LocalIndex {
  /** Documents held. */
  readonly size: number;
  /** Bytes of their JSON. */
  readonly bytes: number;
  /** Adds or replaces documents in the order given, until one does not fit. Rejects when the index is broken. */
  put(documents: readonly StoredDocument[]): Promise<PutResult>;
  /** Resolves with how many of them were held. Rejects when the index is broken or the disk is full. */
  delete(ids: readonly string[]): Promise<number>;
  /** The best `limit` documents that match. A text that is no query matches nothing. Rejects when overloaded or broken. */
  search(question: LocalQuestion): Promise<LocalAnswer>;
  /** All words that there are, when they are at most so many. Rejects when the index is broken. */
  terms(countMax: number): Promise<IndexTerms>;
  /** Nothing is asked of it any more; resolves when its files are closed. */
  close(): Promise<void>;
}
