import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { StarlingError, toStatus } from '@starling/client';
import {
  type BanPeerRequest,
  BanPeerResponseSchema,
  type DrainRequest,
  DrainResponseSchema,
  type FindPeersRequest,
  FindPeersResponseSchema,
  type GetRecordRequest,
  GetRecordResponseSchema,
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
  return { drain, banPeer, unbanPeer, queryPeers: queryPeers(mesh) } as grpc.UntypedServiceImplementation;
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

const cost = { callCount: 3, rounds: 1, elapsed: durationFromMs(6), fullTable: true };

/** Keeps records, and knows one offer. */
export function lookupHandlers(): grpc.UntypedServiceImplementation {
  const records = new Map<string, Record>();
  const putRecord: Unary<PutRecordRequest> = ({ request: { what } }, callback) => {
    if (what.case !== 'record') return callback({ code: grpc.status.INVALID_ARGUMENT, details: 'no record' });
    const record = { ...what.value, version: 7n, publisher: 'a'.repeat(52) };
    records.set(Buffer.from(record.key).toString(), record);
    callback(null, create(PutRecordResponseSchema, { record, holderCount: 4, wantedCount: 5, cost }));
  };
  const getRecord: Unary<GetRecordRequest> = ({ request: { key } }, callback) => {
    const record = records.get(Buffer.from(key).toString());
    if (record === undefined) {
      callback(toStatus(new StarlingError('no record of this key', { reason: 'RECORD_NOT_FOUND' })));
    } else callback(null, create(GetRecordResponseSchema, { records: [record], holderCount: 4, cost }));
  };
  const findPeers: Unary<FindPeersRequest> = ({ request: { name } }, callback) => {
    const peer = { id: 'b'.repeat(52), name: 'starling-1', zone: 'eu-west-1b', apiAddress: '10.42.0.1:7401' };
    const providers = name === 'thumbnails' ? [{ peer, expireTime: timestampFromMs(Date.now() + 3_600_000) }] : [];
    callback(null, create(FindPeersResponseSchema, { providers, cost }));
  };
  return { putRecord, getRecord, findPeers } as grpc.UntypedServiceImplementation;
}
