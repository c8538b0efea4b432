import type { LookupHop } from './lookup-answer.ts';

/** Words for what a call came to; those of a later version are shown as they are. */
const words: Readonly<Record<string, string>> = {
  stored: 'stored it',
  held: 'held it already',
  newer: 'holds a newer one',
  full: 'has no room',
  busy: 'was too busy',
  far: 'knows many that are nearer: not its task',
  invalid: 'refused it: not valid',
  timeout: 'did not answer in time',
  link_down: 'could not be reached',
  untrue: 'gave an answer that cannot be',
  unanswered: 'was not waited for any more',
};

const troubles: readonly string[] = ['full', 'busy', 'invalid', 'timeout', 'link_down', 'untrue'];

/** What a peer answered when a lookup asked it, and whether that is trouble. */
export function hopWords({ outcome, count }: Pick<LookupHop, 'outcome' | 'count'>): {
  readonly text: string;
  readonly isTrouble: boolean;
} {
  const isTrouble = troubles.includes(outcome);
  if (outcome === 'records') return { text: count === 1 ? 'had it' : `had ${count} records`, isTrouble };
  if (outcome === 'peers') {
    return {
      text: count === 0 ? 'knew nothing nearer' : `named ${count === 1 ? '1 peer' : `${count} peers`}`,
      isTrouble,
    };
  }
  return { text: words[outcome] ?? outcome, isTrouble };
}

/** In the order in which they were asked: path by path begins at once, so by time. */
export function inOrderOfAsking(hops: readonly LookupHop[]): LookupHop[] {
  return [...hops].sort(
    (one, other) => one.startMs - other.startMs || one.round - other.round || one.path - other.path,
  );
}
