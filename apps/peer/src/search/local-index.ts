/** One stored document: its id and its fields as JSON text. */
export interface StoredDocument {
  readonly id: string;
  readonly json: string;
}

/** A document that matched. Scores compare within one index only; higher is better. */
export interface LocalHit extends StoredDocument {
  readonly score: number;
}

/** How a peer searches its own documents: small, so that another engine can take its place. */
export interface LocalIndex {
  /** Documents held. */
  readonly size: number;
  /** Bytes of their JSON. */
  readonly bytes: number;
  /**
   * Adds or replaces documents in the order given, until one does not fit: that one and the rest are not stored.
   * Returns how many were.
   */
  put(documents: readonly StoredDocument[]): number;
  /** Returns how many of them were held. */
  delete(ids: readonly string[]): number;
  /** The best `limit` documents that have all words of `text`, the last also as a prefix. */
  search(text: string, limit: number): LocalHit[];
}
