/** What ranking needs to know of all documents: of one index, or summed over many. */
export interface TermStatistics {
  readonly documents: number;
  /** Words of all of them. */
  readonly words: number;
  /** Documents that have each ranked term, in the order of `rankedTerms`. */
  readonly frequencies: readonly number[];
}

/** What ranking needs to know of one document. */
export interface Ingredients {
  /** Words of the document. */
  readonly length: number;
  /** How often each ranked term is in it. */
  readonly terms: readonly number[];
}

// BM25's usual constants: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009) §3.3; Lucene's defaults.
const k1 = 1.2;
const b = 0.75;

/**
 * BM25 with the statistics given: the same document gets the same score at every peer that uses the same ones. At least 0. The
 * weight of a term is Lucene's ln(1 + (N − n + ½)/(n + ½)), which stays positive when most documents have the term.
 */
export function bm25({ length, terms }: Ingredients, { documents, words, frequencies }: TermStatistics): number {
  const average = documents > 0 && words > 0 ? words / documents : 1;
  const norm = k1 * (1 - b + (b * length) / average);
  let score = 0;
  for (const [i, count] of terms.entries()) {
    if (!(count > 0)) continue;
    // A neighbour's sums need not fit together; the weight must.
    const has = Math.min(Math.max(frequencies[i] ?? 0, 1), Math.max(documents, 1));
    const weight = Math.log(1 + (Math.max(documents, 1) - has + 0.5) / (has + 0.5));
    score += (weight * (count * (k1 + 1))) / (count + norm);
  }
  return score;
}

export const noStatistics: TermStatistics = { documents: 0, words: 0, frequencies: [] };

/** The statistics of two disjoint sets of documents together; no sum leaves the safe whole numbers, whoever sent it. */
export function addStatistics(a: TermStatistics, b: TermStatistics): TermStatistics {
  const length = Math.max(a.frequencies.length, b.frequencies.length);
  return {
    documents: sum(a.documents, b.documents),
    words: sum(a.words, b.words),
    frequencies: Array.from({ length }, (_, i) => sum(a.frequencies[i] ?? 0, b.frequencies[i] ?? 0)),
  };
}

function sum(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

/**
 * What to rank by while the mesh's statistics are not in: those of the mesh that are known, and where the mesh's frequency of a
 * term is not (0), this index's share of documents with it.
 */
export function estimateStatistics(known: TermStatistics | null, own: TermStatistics): TermStatistics {
  if (known === null || known.documents <= 0) return own;
  const scale = own.documents > 0 ? known.documents / own.documents : 0;
  return {
    ...known,
    frequencies: own.frequencies.map((count, i) => {
      const told = known.frequencies[i] ?? 0;
      return told > 0 ? told : Math.round(count * scale);
    }),
  };
}
