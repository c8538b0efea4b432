import type { StarlingClient } from '@starling/client';
import { Rng } from '@starling/kernel';
import { wordsOf } from '@starling/query';
import { SqliteIndex } from '../../apps/peer/src/search/sqlite-index.ts';
import type { Gloss } from './wordnet.ts';

/** What a mesh found, against one index that holds everything. */
export interface CorpusFigures {
  /** Of the documents that match, those that were found, over all questions together. */
  readonly recall: number;
  /** Mean normalized discounted cumulative gain of the first ten places; a document's gain is its score in the one index. */
  readonly ndcg: number;
  readonly messages: number;
  readonly questions: number;
  /** Questions of which the summary says that everybody answered. */
  readonly complete: number;
  /** Questions that went straight to holders. */
  readonly straight: number;
}

/** The one index that holds everything: the peer's own, in this process. */
export function centralIndex(documents: readonly Gloss[]): SqliteIndex {
  const index = new SqliteIndex({ path: '', documentsMax: 10_000_000, bytesMax: 2 ** 40 });
  index.put(documents.map(({ id, fields }) => ({ id, version: 1, json: JSON.stringify(fields) })));
  return index;
}

/** Questions of every kind that the language has, made of the corpus's own words, which match something and not too much. */
export function questionsFrom(
  documents: readonly Gloss[],
  central: SqliteIndex,
  count: number,
  seed: number,
): string[] {
  const rng = new Rng(seed);
  const pick = <T>(items: readonly T[]): T => items[rng.below(items.length)] as T;
  const questions = new Set<string>();
  while (questions.size < count) {
    const { fields } = pick(documents);
    const words = wordsOf(fields.gloss).filter((word) => word.length > 2);
    if (words.length < 4) continue;
    const [a, b] = [pick(words), pick(words)];
    const text = pick([
      a,
      a,
      `${a} ${b}`,
      `${a} ${b}`,
      `"${wordsOf(fields.gloss).slice(0, 2).join(' ')}"`,
      `${a.slice(0, 4)}* ${b}`,
      `words:${wordsOf(fields.words.join(' '))[0] ?? a}`,
      `${a} -${b}`,
      `${a} OR ${b}`,
      `${a} file:${fields.file}..${fields.file + 5}`,
    ]);
    const { length } = central.search({ text, limit: 1_000, statistics: null }).hits;
    if (length > 0 && length < 1_000) questions.add(text);
  }
  return [...questions];
}

/** Asks every question of one peer, once for all hits and once for the best ten. */
export async function checkCorpus(
  client: StarlingClient,
  central: SqliteIndex,
  questions: readonly string[],
  strategy: 'auto' | 'exhaustive' | 'summary',
): Promise<CorpusFigures> {
  let [found, expected, gain, messages, complete, straight] = [0, 0, 0, 0, 0, 0];
  for (const text of questions) {
    const right = central.search({ text, limit: 1_000, statistics: null }).hits;
    const scores = new Map(right.map(({ id, score }) => [id, score]));
    // The best ten first: what the mesh learns from the others must not help it.
    for await (const event of client.query(text, { limit: 10, timeoutMs: 30_000, strategy })) {
      if (event.kind !== 'summary') continue;
      messages += event.messagesSpent;
      straight += Number(event.strategy === 'summary');
      const ideal = right.slice(0, 10).map(({ score }) => score);
      const own = event.ranking.slice(0, 10).map(({ id }) => scores.get(id) ?? 0);
      gain += discounted(own) / discounted(ideal);
    }
    expected += right.length;
    for await (const event of client.query(text, { limit: 1_000, timeoutMs: 30_000, strategy })) {
      if (event.kind !== 'summary') continue;
      found += new Set(event.ranking.map(({ id }) => id).filter((id) => scores.has(id))).size;
      complete += Number(event.complete);
    }
  }
  const { length } = questions;
  const means = { recall: found / expected, ndcg: gain / length, messages: messages / length };
  return { ...means, questions: length, complete, straight };
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, gain, place) => sum + gain / Math.log2(place + 2), 0);
}
