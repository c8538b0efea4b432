/** What a membership core counted since it was made. Only the core writes. */
export interface HyParViewStats {
  /** Requests sent: joins, neighbour requests of every priority. */
  attempts: number;
  /** … that were accepted. */
  accepted: number;
  /** … that were refused by the peer asked. */
  refused: number;
  /** … that could not be delivered or were not answered in time. */
  failed: number;
  /** Joins taken from others. */
  joins: number;
  /** Neighbours lost: the link broke, or the failure detector said so. */
  lost: number;
  /** Neighbours that this peer evicted to make room. */
  evicted: number;
  /** Far links that this peer swapped for near ones, as asker or as asked. */
  swapped: number;
  /** Places given to peers that no rank favoured, out of the allowance for that. */
  favours: number;
  /** Requests refused because no rank favoured the asker and the allowance was used up. */
  undeserved: number;
  /** Bridges built: to contacts outside the views and to lost neighbours. */
  bridged: number;
  /** Shuffles begun here. */
  shuffles: number;
  /** Times that discovery was asked for contacts. */
  contactsNeeded: number;
  /** Old news ignored: a lower incarnation, a peer that left, an answer too late or to nothing. */
  stale: number;
  /** Messages that the protocol forbids. */
  violations: number;
}

export function newHyParViewStats(): HyParViewStats {
  return {
    attempts: 0,
    accepted: 0,
    refused: 0,
    failed: 0,
    joins: 0,
    lost: 0,
    evicted: 0,
    swapped: 0,
    favours: 0,
    undeserved: 0,
    bridged: 0,
    shuffles: 0,
    contactsNeeded: 0,
    stale: 0,
    violations: 0,
  };
}
