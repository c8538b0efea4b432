/** What a broadcast core counts, since it was made. Plain fields: whoever wants a metric reads them. */
export interface PlumtreeStats {
  /** Own messages. */
  published: number;
  /** First sights, own ones included. */
  delivered: number;
  /** Payloads that were known: the redundancy. `duplicates / delivered` is close to the paper's RMR. */
  duplicates: number;
  /** Payloads published too long ago: replays from outside the window. */
  refused: number;
  /** Payloads dated too far in the future. */
  early: number;
  /** Own messages refused, for there were too many. */
  overpaced: number;
  /** Payloads that their origin's signature does not prove. */
  unproven: number;
  /** Payloads, and announced ranges, of origins over their allowance. */
  throttled: number;
  /** Payloads pushed to others, repairs included. */
  gossipsSent: number;
  iHavesSent: number;
  iHavesReceived: number;
  graftsSent: number;
  graftsReceived: number;
  prunesSent: number;
  prunesReceived: number;
  /** Trees whose second way into this zone was given up: pruned here, or passed on to the parent. */
  yields: number;
  pullsSent: number;
  /** Messages that came as the answer to a pull. */
  pulled: number;
  digestsSent: number;
  /** Comparisons begun with peers that are no neighbours, messages that such peers brought, and own messages that they lacked. */
  comparisons: number;
  broughtByOutsiders: number;
  lackedByOutsiders: number;
  /** Tree links swapped for nearer ones. */
  optimizations: number;
  /** Messages given up: nobody can hold them any more. */
  lost: number;
  /** Missing messages that no announcer gave; left to the digests. */
  abandoned: number;
  /** Announcements and wants over their bounds; left to later digests. */
  shed: number;
  /** Messages of peers that are no neighbours. */
  strangers: number;
  violations: number;
}

export function newStats(): PlumtreeStats {
  return {
    published: 0,
    delivered: 0,
    duplicates: 0,
    refused: 0,
    early: 0,
    overpaced: 0,
    unproven: 0,
    throttled: 0,
    gossipsSent: 0,
    iHavesSent: 0,
    iHavesReceived: 0,
    graftsSent: 0,
    graftsReceived: 0,
    prunesSent: 0,
    prunesReceived: 0,
    yields: 0,
    pullsSent: 0,
    pulled: 0,
    digestsSent: 0,
    comparisons: 0,
    broughtByOutsiders: 0,
    lackedByOutsiders: 0,
    optimizations: 0,
    lost: 0,
    abandoned: 0,
    shed: 0,
    strangers: 0,
    violations: 0,
  };
}
