import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { StarlingError, toStatus } from '@starling/client';
import {
  type BanPeerRequest,
  BanPeerResponseSchema,
  BanScope,
  BanSource,
  type DrainRequest,
  DrainResponseSchema,
  type FindPeersRequest,
  FindPeersResponseSchema,
  type GetPeerRequest,
  GetPeerResponseSchema,
  type GetRecordRequest,
  GetRecordResponseSchema,
  type ListBansRequest,
  ListBansResponseSchema,
  LookupCostSchema,
  PeersColumnType,
  type PutRecordRequest,
  PutRecordResponseSchema,
  type QueryPeersRequest,
  QueryPeersResponseSchema,
  type Record,
  type UnbanPeerRequest,
  UnbanPeerResponseSchema,
} from '@starling/wire';
import type { SampleMesh } from './sample-mesh.ts';

type Unary<Q> = grpc.handleUnaryCall<Q, unknown>;

/** What an operator can ask for, in so far as pages need to see its answers: who is named `operator` may. */
export function operatorHandlers(mesh: SampleMesh): grpc.UntypedServiceImplementation {
  const isOperator = ({ metadata }: { readonly metadata: grpc.Metadata }): boolean =>
    metadata.get('authorization')[0] === 'Bearer operator';
  const refusal = { code: grpc.status.PERMISSION_DENIED, details: 'this needs the role operator' };
  const drain: Unary<DrainRequest> = (call, callback) => {
    if (!isOperator(call)) return callback(refusal);
    mesh.mark(call.request.peerId, { state: 'draining' });
    callback(null, create(DrainResponseSchema, { neighborsTold: 3, elapsed: durationFromMs(21) }));
  };
  const banPeer: Unary<BanPeerRequest> = (call, callback) => {
    if (!isOperator(call)) return callback(refusal);
    const { peerId, reason } = call.request;
    mesh.mark(peerId, { ban: { by: 'ann', reason, scope: 'peer', isAutomatic: false, until: null } });
    callback(null, create(BanPeerResponseSchema));
  };
  const unbanPeer: Unary<UnbanPeerRequest> = (call, callback) => {
    if (!isOperator(call)) return callback(refusal);
    mesh.mark(call.request.peerId, { ban: undefined });
    callback(null, create(UnbanPeerResponseSchema));
  };
  /** As the served peer of the mesh knows them. */
  const listBans: Unary<ListBansRequest> = (_, callback) => {
    const bans = mesh.reports().flatMap(({ peer: { id: peerId, ban } }) =>
      ban === undefined
        ? []
        : [
            {
              ...{ peerId, by: ban.by, reason: ban.reason, issueTime: timestampFromMs(1_790_000_000_000) },
              scope: ban.scope === 'mesh' ? BanScope.MESH : BanScope.PEER,
              source: ban.isAutomatic ? BanSource.AUTOMATIC : BanSource.OPERATOR,
              ...(ban.until !== null && { until: timestampFromMs(ban.until) }),
            },
          ],
    );
    callback(null, create(ListBansResponseSchema, { bans }));
  };
  const getPeer: Unary<GetPeerRequest> = (_, callback) => {
    const now = Date.now();
    callback(
      null,
      create(GetPeerResponseSchema, {
        meshSize: mesh.ids.length,
        time: timestampFromMs(now),
        deliveryRatio: 1,
        // Of a day, an hour before its end.
        certificateStartTime: timestampFromMs(now - 23 * 3_600_000),
        certificateExpireTime: timestampFromMs(now + 3_600_000),
        authorityExpireTime: timestampFromMs(now + 400 * 86_400_000),
      }),
    );
  };
  return {
    getPeer,
    drain,
    banPeer,
    unbanPeer,
    listBans,
    queryPeers: queryPeers(mesh),
  } as grpc.UntypedServiceImplementation;
}

/** Whatever is asked, peers by zone are counted; a text with a question mark is malformed there. */
function queryPeers(mesh: SampleMesh): Unary<QueryPeersRequest> {
  return ({ request: { text } }, callback) => {
    const at = text.indexOf('?');
    if (at >= 0) {
      const metadata = { text_at: String(at), text_end: String(at + 1) };
      callback(toStatus(new StarlingError('text has a "?"', { reason: 'INVALID_REQUEST', metadata })));
      return;
    }
    if (text.startsWith('responders')) {
      const values = [1, 3, 12, 0].map((value) => ({ kind: { case: 'number' as const, value } }));
      callback(null, create(QueryPeersResponseSchema, { columns: [], rows: [{ values, peerCount: 1 }] }));
      return;
    }
    const zones = new Map<string, number>();
    for (const { peer } of mesh.reports()) zones.set(peer.zone, (zones.get(peer.zone) ?? 0) + 1);
    const known = mesh.ids.length;
    const [lost = ''] = mesh.ids;
    const isBroken = text.startsWith('name');
    callback(
      null,
      create(QueryPeersResponseSchema, {
        columns: [
          { name: 'zone', type: PeersColumnType.TEXT },
          { name: 'count(*)', type: PeersColumnType.NUMBER },
          { name: 'p99(rtt)', type: PeersColumnType.DURATION },
        ],
        rows: text.includes('where')
          ? []
          : [...zones].map(([zone, count]) => ({
              values: [
                { kind: { case: 'text' as const, value: zone } },
                { kind: { case: 'number' as const, value: count } },
                { kind: { case: 'number' as const, value: 1.25 } },
              ],
              peerCount: count,
            })),
        coverage: {
          peersKnown: known,
          peersAnswered: isBroken ? known - 2 : known,
          branchesMissing: isBroken ? 1 : 0,
          complete: !isBroken,
          reason: 'done',
          waves: 1,
          messagesSpent: 2 * (known - 1),
          bytesSpent: 4_096n,
          elapsed: durationFromMs(14),
          lost: isBroken ? [{ peerId: lost, reason: 'late' }] : [],
        },
      }),
    );
  };
}

const hops = [
  { peerName: 'starling-2', zone: 'eu-west-1c', round: 1, sharedBits: 3, outcome: 'timeout' },
  { peerName: 'starling-1', zone: 'eu-west-1b', round: 1, sharedBits: 4, outcome: 'peers', count: 20 },
  { peerName: 'starling-3', zone: 'eu-west-1a', round: 2, sharedBits: 9, outcome: 'records', count: 1 },
].map((hop, i) => ({
  ...hop,
  peerId: `hop${i}`.padEnd(52, 'a'),
  start: durationFromMs(i),
  elapsed: durationFromMs(5),
}));

/** Of a lookup, with its calls where they are asked for. */
function costOf(trace: boolean) {
  const cost = { callCount: 3, rounds: 1, elapsed: durationFromMs(6), fullTable: true };
  return create(LookupCostSchema, { ...cost, hops: trace ? hops : [] });
}

/** Keeps records, and knows one offer. */
export function lookupHandlers(): grpc.UntypedServiceImplementation {
  const records = new Map<string, Record>();
  const putRecord: Unary<PutRecordRequest> = ({ request: { what, trace } }, callback) => {
    if (what.case !== 'record') return callback({ code: grpc.status.INVALID_ARGUMENT, details: 'no record' });
    const record = { ...what.value, version: 7n, publisher: 'a'.repeat(52) };
    records.set(Buffer.from(record.key).toString(), record);
    callback(null, create(PutRecordResponseSchema, { record, holderCount: 4, wantedCount: 5, cost: costOf(trace) }));
  };
  const getRecord: Unary<GetRecordRequest> = ({ request: { key, trace } }, callback) => {
    const record = records.get(Buffer.from(key).toString());
    if (record === undefined) {
      const details = { reason: 'RECORD_NOT_FOUND', lookupCost: costOf(trace) } as const;
      callback(toStatus(new StarlingError('no record of this key', details)));
    } else callback(null, create(GetRecordResponseSchema, { records: [record], holderCount: 4, cost: costOf(trace) }));
  };
  const findPeers: Unary<FindPeersRequest> = ({ request: { name, trace } }, callback) => {
    const peer = { id: 'b'.repeat(52), name: 'starling-1', zone: 'eu-west-1b', apiAddress: '10.42.0.1:7401' };
    const providers = name === 'thumbnails' ? [{ peer, expireTime: timestampFromMs(Date.now() + 3_600_000) }] : [];
    callback(null, create(FindPeersResponseSchema, { providers, cost: costOf(trace) }));
  };
  return { putRecord, getRecord, findPeers } as grpc.UntypedServiceImplementation;
}
