/** What a failure detector counted since it was made. Only the core writes. */
export interface LivenessStats {
  /** Pings sent to watched neighbours. */
  pings: number;
  /** … not answered in time, and nothing else was heard either. */
  misses: number;
  suspicions: number;
  /** Suspicions taken back. */
  cleared: number;
  dead: number;
  /** Times that this peer noticed that it was itself late. */
  selfLate: number;
  /** Silences that the other watchers of the neighbour were told of. */
  silencesTold: number;
  /** … and that this peer was told of and had not noticed. */
  silencesLearned: number;
  /** Probes made for others. */
  probes: number;
  /** … refused: too many at once, or asked by a stranger. */
  probesRefused: number;
  /** Neighbours not watched, for want of room. */
  unwatchable: number;
}

export function newLivenessStats(): LivenessStats {
  return {
    pings: 0,
    misses: 0,
    suspicions: 0,
    cleared: 0,
    dead: 0,
    selfLate: 0,
    silencesTold: 0,
    silencesLearned: 0,
    probes: 0,
    probesRefused: 0,
    unwatchable: 0,
  };
}
