/** Bounds of questions to holders. Times in ms, sizes in characters of JSON text. Every default says where it comes from. */
export interface HolderSearchConfig {
  /** Own questions at once; a further one is `overloaded`. */
  readonly ownMax: number;
  /** Others' questions at once; further ones are refused. */
  readonly activeMax: number;
  /** Holders that one question waits for at once, and so the links it opens; the others follow as answers come. */
  readonly parallelMax: number;
  /** A holder has this share of a question's time; then it is missing and the next one is asked. */
  readonly holderShare: number;
  /** Hits are kept back for so long, so that the best of all holders come first. */
  readonly flushMs: number;
  readonly timeoutMaxMs: number;
  readonly limitMax: number;
  readonly textCharsMax: number;
  readonly queryIdCharsMax: number;
  /** Ranked terms of a question. */
  readonly termsMax: number;
  /** An answer carries documents of this size at most, or one; more go in a further answer. */
  readonly answerCharsMax: number;
  readonly hitCharsMax: number;
  /** Holders in the trace of a question; those beyond are counted. */
  readonly traceSpansMax: number;
}

export const defaultHolderSearchConfig: HolderSearchConfig = {
  ownMax: 256, // guess: as many as a search works on at once
  activeMax: 256, // guess: the same
  parallelMax: 32, // guess: a few times the links that a peer keeps anyway
  holderShare: 0.4, // guess: two in a row may hang
  flushMs: 250, // guess: most holders of a mesh in one region have answered
  timeoutMaxMs: 30_000, // the public API's limit
  limitMax: 1_000, // the public API's limit
  textCharsMax: 1_024, // the public API's limit
  termsMax: 32, // the query language's limit
  queryIdCharsMax: 256, // guess: a peer id and a number, with room
  answerCharsMax: 65_536, // one frame
  hitCharsMax: 65_536, // the public API's limit for a document
  traceSpansMax: 256, // guess: as many as in the trace of one round of a search
};
