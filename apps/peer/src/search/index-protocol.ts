import type { IndexLimits, IndexTerms, LocalAnswer, LocalQuestion, PutResult, StoredDocument } from './local-index.ts';

/** What the index's thread is started with. */
export interface IndexThreadData extends IndexLimits {
  /** Tells our thread from any other that loads the file. */
  readonly mark: typeof indexMark;
  /** Empty: in memory. */
  readonly path: string;
}

export const indexMark = 'starling index';

/** Work for the index's thread; answered in order. */
export type IndexJob =
  | { readonly kind: 'put'; readonly documents: readonly StoredDocument[] }
  | { readonly kind: 'delete'; readonly ids: readonly string[] }
  | { readonly kind: 'search'; readonly question: LocalQuestion }
  | { readonly kind: 'terms'; readonly countMax: number }
  | { readonly kind: 'close' };

/** What became of the oldest job that is not answered; or, first of all, that the file is open. */
export type IndexReply = {
  /** Documents and bytes held now. */
  readonly size: number;
  readonly bytes: number;
} & (
  | { readonly kind: 'open'; readonly brokenFile: string | null }
  | { readonly kind: 'put'; readonly result: PutResult }
  | { readonly kind: 'delete'; readonly deleted: number }
  | { readonly kind: 'search'; readonly answer: LocalAnswer }
  | { readonly kind: 'terms'; readonly terms: IndexTerms }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly problem: string }
);
