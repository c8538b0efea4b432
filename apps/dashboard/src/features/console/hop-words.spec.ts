import { describe, expect, it } from 'vitest';
import { hopWords, inOrderOfAsking } from './hop-words.ts';
import type { LookupHop } from './lookup-answer.ts';

describe('what a peer answered to a lookup', () => {
  it.each([
    ['records', 1, 'had it', false],
    ['records', 3, 'had 3 records', false],
    ['peers', 20, 'named 20 peers', false],
    ['peers', 0, 'knew nothing nearer', false],
    ['stored', 0, 'stored it', false],
    ['unanswered', 0, 'was not waited for any more', false],
    ['timeout', 0, 'did not answer in time', true],
    ['link_down', 0, 'could not be reached', true],
    ['a_later_word', 0, 'a_later_word', false],
  ])('%s, %i: %s', (outcome, count, text, isTrouble) => {
    expect(hopWords({ outcome, count })).toEqual({ text, isTrouble });
  });

  it('is told in the order of asking, not in that of the answers', () => {
    const hop = (peer: string, startMs: number, round: number, path = 0) =>
      ({ peer, startMs, round, path }) as LookupHop;
    const hops = [hop('c', 4, 2), hop('b', 0, 1, 1), hop('a', 0, 1)];
    expect(inOrderOfAsking(hops).map(({ peer }) => peer)).toEqual(['a', 'b', 'c']);
  });
});
