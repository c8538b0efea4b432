import type {
  FindPeersResponse,
  GetRecordResponse,
  PutRecordResponse,
  LookupCost as WireCost,
  LookupHop as WireHop,
  Record as WireRecord,
} from '@starling/wire';
import type { LookupAnswer, LookupCost, LookupHop, RecordLine } from '../features/console/lookup-answer.ts';
import { durationMs, millisOf } from './facts-from-wire.ts';
import { previewOf } from './preview.ts';

/** Calls of one lookup that are shown. Guess: 8 paths of 20 rounds take less. */
const hopsMax = 256;

/** The records of a key as a plain object. */
export function recordsFound({ records, holderCount, cost }: GetRecordResponse): LookupAnswer {
  return { what: 'get', records: records.map(recordLine), holders: holderCount, cost: costFacts(cost) };
}

/** Who offers something, as a plain object. */
export function providersFound({ providers, cost }: FindPeersResponse): LookupAnswer {
  return {
    what: 'find',
    providers: providers.map(({ peer, expireTime }) => ({
      id: peer?.id ?? '',
      name: peer?.name ?? '',
      zone: peer?.zone ?? '',
      apiAddress: peer?.apiAddress ?? '',
      expiresAt: millisOf(expireTime),
    })),
    cost: costFacts(cost),
  };
}

/** What became of a record that was put, as a plain object. */
export function recordPut({ record, holderCount, wantedCount, cost }: PutRecordResponse): LookupAnswer {
  return {
    what: 'put',
    version: String(record?.version ?? 0n),
    expiresAt: millisOf(record?.expireTime),
    holders: holderCount,
    wanted: wantedCount,
    cost: costFacts(cost),
  };
}

function recordLine({ value, version, expireTime, publisher }: WireRecord): RecordLine {
  return { ...previewOf(value), version: String(version), expiresAt: millisOf(expireTime), publisher };
}

/** What a lookup took, one that came to nothing as well. */
export function costFacts(cost: WireCost | undefined): LookupCost {
  const hops = cost?.hops ?? [];
  return {
    calls: cost?.callCount ?? 0,
    failures: cost?.failureCount ?? 0,
    rounds: cost?.rounds ?? 0,
    elapsedMs: durationMs(cost?.elapsed) ?? 0,
    isFullTable: cost?.fullTable ?? false,
    hops: hops.slice(0, hopsMax).map(hopFacts),
    hopsCut: Math.max(0, hops.length - hopsMax),
  };
}

function hopFacts({
  peerId,
  peerName,
  zone,
  path,
  round,
  sharedBits,
  start,
  elapsed,
  outcome,
  count,
}: WireHop): LookupHop {
  return {
    ...{ peer: peerId, name: peerName, zone, path, round, sharedBits, outcome, count },
    ...{ startMs: durationMs(start) ?? 0, elapsedMs: durationMs(elapsed) ?? 0 },
  };
}
