import type { ChoiceInputs } from './choose.ts';

/** Hits for each peer asked, as earlier questions found; `isAtLeast`: they stopped at their limit. */
export interface Remembered {
  readonly hitsPerPeer: number;
  readonly isAtLeast: boolean;
}

/** What the digests of all links say: of so many peers so many may have it, `falsely` of those by mistake. */
export interface Sight {
  readonly peers: number;
  readonly seen: number;
  readonly falsely: number;
}

export interface Popularity {
  readonly hitsPerPeer: number;
  /** A part of a sentence. */
  readonly why: string;
}

/** How common a question's words are, by what is best known of it: summaries, then earlier questions, then digests. Null: not known, or not common. */
export function popularityOf({ peers, remembered, sight, summaries }: ChoiceInputs): Popularity | null {
  if ('holders' in summaries) {
    const share = summaries.holders / peers;
    return share > 0 ? { hitsPerPeer: share, why: `${Math.round(share * 100)} % of the peers may have it` } : null;
  }
  if (remembered !== null) {
    const { hitsPerPeer } = remembered;
    if (hitsPerPeer <= 0) return null;
    return { hitsPerPeer, why: `earlier questions found ${hitsPerPeer.toPrecision(2)} hits a peer` };
  }
  if (sight === null) return null;
  // Filters that are full see everything: what they say beyond their mistakes counts.
  const seen = sight.seen - 2 * sight.falsely;
  if (seen < 0.5) return null;
  return { hitsPerPeer: seen / sight.peers, why: `${sight.seen} of ${sight.peers} peers nearby may have it` };
}

/** Messages of a walk for each peer that it meets: there and back. */
const messagesPerPeer = 2;
/**
 * Messages of a guided walk: to send its walkers out and hear of them, for each hit in sight, and for each hit times how many peers
 * there are to one that has it. Fitted to what `starling sim search/lv` measured for one hit at degree 5: 35 where 1 % have it, 251
 * where 0.1 % have; at the product's degree it is cheaper.
 */
const guided = { start: 7, perHit: 4, perPeer: 0.24 } as const;

/** The cheaper of a blind and a guided walk for so many hits, and its messages on average. */
export function cheapestSeek(
  hitsPerPeer: number,
  limit: number,
  canGuide: boolean,
): { readonly strategy: 'walk' | 'guided'; readonly messages: number } {
  const blind = (messagesPerPeer * limit) / hitsPerPeer;
  const seeing = guided.start + limit * (guided.perHit + guided.perPeer / hitsPerPeer);
  return canGuide && seeing < blind ? { strategy: 'guided', messages: seeing } : { strategy: 'walk', messages: blind };
}
