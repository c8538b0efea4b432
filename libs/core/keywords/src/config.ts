import { assert, type Millis } from '@starling/kernel';

/** Bounds and periods of keyword records. Times in ms. Every default says where it comes from. */
export interface KeywordsConfig {
  /** In a smaller mesh nobody publishes or looks for them: summaries say more, at no cost for each question. It is the same at every peer. */
  readonly peersMin: number;
  /** Words that one peer publishes in an hour, renewals included. */
  readonly wordsPerHour: number;
  /** Words of one peer whose records stand; no more are published. */
  readonly wordsMax: number;
  /** A record stands for so long … */
  readonly lifeMs: Millis;
  /** … and is renewed when it is this old. */
  readonly renewMs: Millis;
  /** One record may take so long to be stored. */
  readonly putMs: Millis;
  /** Words of the index that are looked at for the next one to publish. */
  readonly scanMax: number;
  /** A word is not judged by the digests of fewer peers. */
  readonly sightPeersMin: number;
  /** Words of one alternative of a question that are looked up. */
  readonly wordsOfListMax: number;
  /** Words of one question that are; with more it goes another way. */
  readonly wordsOfQuestionMax: number;
  /** Questions that wait for records; the next ones go another way. */
  readonly findsMax: number;
}

export const defaultKeywordsConfig: KeywordsConfig = {
  peersMin: 5_001, // the first size at which nobody holds summaries
  wordsPerHour: 120, // computed: some 12 calls each, most over a link that is made for it: about 6 s of CPU an hour for both ends
  wordsMax: 1_440, // computed: what that many an hour can renew, each every 12 h
  lifeMs: 86_400_000, // guess: a publisher that is away for half a day is still found
  renewMs: 43_200_000, // computed: half of that
  putMs: 10_000, // guess: several times what a put takes
  scanMax: 1_024, // computed: 14 filters each, some 3 ms
  sightPeersMin: 8, // guess: more than the neighbours, so that somebody's neighbours are among them
  wordsOfListMax: 3, // guess: the rarest word alone names the holders; which it is nobody knows
  wordsOfQuestionMax: 6, // guess: two alternatives
  findsMax: 256, // as many questions as a search works on at once
};

/** Throws when values contradict each other. */
export function assertKeywordsConfig({ renewMs, lifeMs, wordsPerHour, wordsMax }: KeywordsConfig): void {
  assert(renewMs < lifeMs, 'a record is renewed before it expires');
  assert(wordsPerHour > 0, 'wordsPerHour is above 0');
  assert(wordsMax <= (wordsPerHour * renewMs) / 3_600_000, 'every word can be renewed in time');
}
