/** What a lookup took: calls to other peers, those that failed, and how many one after another. */
export interface LookupCost {
  readonly calls: number;
  readonly failures: number;
  readonly rounds: number;
  readonly elapsedMs: number;
  /** All peers were known: nobody had to be asked for the way. */
  readonly isFullTable: boolean;
  /** When it was asked for: every call, in the order of their ends. */
  readonly hops: readonly LookupHop[];
  /** Calls beyond those. */
  readonly hopsCut: number;
}

/** One call of a lookup to a peer. Times in ms. */
export interface LookupHop {
  readonly peer: string;
  /** As the peer that was asked knows it; empty: it does not. */
  readonly name: string;
  readonly zone: string;
  /** Which of the disjoint paths, from 0. */
  readonly path: number;
  /** How many calls deep, from 1. */
  readonly round: number;
  /** Leading bits that its position shares with the key's. */
  readonly sharedBits: number;
  readonly startMs: number;
  readonly elapsedMs: number;
  /** A word of the API, which `hopWords` puts for people. */
  readonly outcome: string;
  /** Records or peers in the answer. */
  readonly count: number;
}

/** A record as it is shown. Times in ms since 1970. */
export interface RecordLine {
  readonly preview: string;
  readonly isText: boolean;
  readonly bytes: number;
  /** A decimal number: it may be larger than JavaScript counts. */
  readonly version: string;
  readonly expiresAt: number;
  readonly publisher: string;
}

/** A peer that offers what was looked for; name, zone and address are empty of one that the asked peer does not know. */
export interface ProviderLine {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly apiAddress: string;
  readonly expiresAt: number;
}

/** The answer to a lookup. */
export type LookupAnswer =
  | {
      readonly what: 'get';
      readonly records: readonly RecordLine[];
      readonly holders: number;
      readonly cost: LookupCost;
    }
  | { readonly what: 'find'; readonly providers: readonly ProviderLine[]; readonly cost: LookupCost }
  | {
      readonly what: 'put';
      readonly version: string;
      readonly expiresAt: number;
      readonly holders: number;
      /** Peers that should hold it. */
      readonly wanted: number;
      readonly cost: LookupCost;
    };
