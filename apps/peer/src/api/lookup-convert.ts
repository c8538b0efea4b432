import { create, toBinary } from '@bufbuild/protobuf';
import type { Hop, LookupRecord, LookupResult } from '@starling/core-kademlia';
import {
  type LookupCost,
  LookupCostSchema,
  type LookupHop,
  LookupHopSchema,
  type Record,
  RecordSchema,
} from '@starling/wire';
import { toDuration, toTimestamp } from './convert.ts';
import { apiLimits } from './validate.ts';

export function toRecord({ key, value, version, expiresAt, publisher, publicKey, signature }: LookupRecord): Record {
  const expireTime = toTimestamp(expiresAt);
  return create(RecordSchema, { key, value, version: BigInt(version), expireTime, publisher, publicKey, signature });
}

export function toCost(result: LookupResult, withHops: boolean): LookupCost {
  const { rpcs, failures, rounds, tookMs, isFullTable, hops } = result;
  return create(LookupCostSchema, {
    callCount: rpcs,
    failureCount: failures,
    rounds,
    elapsed: toDuration(tookMs),
    fullTable: isFullTable,
    hops: withHops ? hops.map(toHop) : [],
  });
}

/** The same for the details of an error, with as many of the first calls as its trailer may hold. */
export function toErrorCost(result: LookupResult, withHops: boolean): LookupCost {
  const cost = toCost(result, withHops);
  let bytes = 0;
  const first = cost.hops.findIndex((hop) => {
    bytes += toBinary(LookupHopSchema, hop).length + hopHeadBytes;
    return bytes > apiLimits.errorCallsBytesMax;
  });
  if (first >= 0) cost.hops.length = first;
  return cost;
}

/** Tag and length of a message in a list. */
const hopHeadBytes = 3;

function toHop({ peer, path, round, sharedBits, atMs, tookMs, outcome, count }: Hop): LookupHop {
  return create(LookupHopSchema, {
    ...{ peerId: peer.id, peerName: peer.name, zone: peer.zone, path, round, sharedBits, count },
    start: toDuration(atMs),
    elapsed: toDuration(tookMs),
    outcome: outcome === 'linkDown' ? 'link_down' : outcome,
  });
}
