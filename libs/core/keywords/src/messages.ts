import type { Millis, PeerId } from '@starling/kernel';

/** A word as summaries and digests know it: the high half of its hash. */
export type Fingerprint = number;

export type KeywordsCommand =
  /** All words of this peer's index, each once; null: too many to tell. */
  | { readonly kind: 'terms'; readonly fingerprints: Uint32Array | null }
  | { readonly kind: 'meshSize'; readonly peers: number }
  /** How `put` ended. */
  | { readonly kind: 'putDone'; readonly word: Fingerprint; readonly isStored: boolean }
  /** Who has all words of one of the lists? Answered by one `found`. `queryId` is unique at this peer. */
  | {
      readonly kind: 'find';
      readonly queryId: string;
      readonly alternatives: readonly (readonly Fingerprint[])[];
      readonly timeoutMs: Millis;
    }
  | { readonly kind: 'cancelFind'; readonly queryId: string }
  /** How `get` ended: who publishes the word, and how many messages it took. */
  | {
      readonly kind: 'gotten';
      readonly getId: string;
      readonly holders: readonly PeerId[];
      readonly messages: number;
    };

export type KeywordsEvent =
  /** Store a record that says that this peer has the word, until `expiresAt`; answer with `putDone`. One at a time. */
  | { readonly kind: 'put'; readonly word: Fingerprint; readonly expiresAt: Millis; readonly timeoutMs: Millis }
  /** Look for the records of a word; answer with `gotten`. */
  | { readonly kind: 'get'; readonly getId: string; readonly word: Fingerprint; readonly timeoutMs: Millis }
  | { readonly kind: 'cancelGet'; readonly getId: string }
  /** Who may have an answer; null: records do not tell. */
  | {
      readonly kind: 'found';
      readonly queryId: string;
      readonly holders: readonly PeerId[] | null;
      readonly messages: number;
    };
