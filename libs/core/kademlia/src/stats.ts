/** What lookups did since the core was made. Only the core writes. Each `…Refused`, `…Dropped` and `…Evicted` counts a bound that was reached. */
export interface KademliaStats {
  gets: number;
  puts: number;
  found: number;
  notFound: number;
  stored: number;
  notStored: number;
  superseded: number;
  deadlines: number;
  cancelled: number;
  /** Lookups refused, for want of room. */
  overloaded: number;
  /** Calls made by lookups. */
  rpcs: number;
  /** … not answered in time. */
  timeouts: number;
  /** … whose link broke or was refused. */
  linksDown: number;
  /** … made beside one that was slow. */
  hedged: number;
  /** Answers that were not true: a record that its publisher did not sign, or more than may be in one. */
  untrue: number;
  /** Calls answered for others. */
  served: number;
  storesTaken: number;
  storesHeld: number;
  storesRefusedFull: number;
  storesRefusedBusy: number;
  storesRefusedFar: number;
  storesRefusedInvalid: number;
  expired: number;
  /** Records of this peer's own that it published again. */
  republished: number;
  /** Records published by this peer that it will not publish again, for want of room. */
  publishedDropped: number;
  /** Copies handed to others: in time, or because the membership changed. */
  copies: number;
  copiesFailed: number;
  copiesDropped: number;
  violations: number;
}

export function newKademliaStats(): KademliaStats {
  return {
    gets: 0,
    puts: 0,
    found: 0,
    notFound: 0,
    stored: 0,
    notStored: 0,
    superseded: 0,
    deadlines: 0,
    cancelled: 0,
    overloaded: 0,
    rpcs: 0,
    timeouts: 0,
    linksDown: 0,
    hedged: 0,
    untrue: 0,
    served: 0,
    storesTaken: 0,
    storesHeld: 0,
    storesRefusedFull: 0,
    storesRefusedBusy: 0,
    storesRefusedFar: 0,
    storesRefusedInvalid: 0,
    expired: 0,
    republished: 0,
    publishedDropped: 0,
    copies: 0,
    copiesFailed: 0,
    copiesDropped: 0,
    violations: 0,
  };
}
