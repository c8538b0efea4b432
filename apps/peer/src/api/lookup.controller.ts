import { create } from '@bufbuild/protobuf';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { invalidRequest, StarlingError } from '@starling/client';
import type { LookupRecord, LookupResult } from '@starling/core-kademlia';
import { signRecord } from '@starling/identity';
import {
  type FindPeersRequest,
  type FindPeersResponse,
  FindPeersResponseSchema,
  type GetRecordRequest,
  type GetRecordResponse,
  GetRecordResponseSchema,
  type PutRecordRequest,
  type PutRecordResponse,
  PutRecordResponseSchema,
} from '@starling/wire';
import type { Peer } from '../peer.ts';
import { PEER } from '../tokens.ts';
import { budgetOf, signalOf } from './calls.ts';
import { toPeer, toTimestamp } from './convert.ts';
import { ErrorFilter } from './error-filter.ts';
import type { CallContext } from './grpc-strategy.ts';
import { toCost, toErrorCost, toRecord } from './lookup-convert.ts';
import { apiLimits } from './validate.ts';
import { checkFindPeers, checkGetRecord, checkPutRecord, type PutWish } from './validate-lookup.ts';

type UnaryCall = CallContext['call'];

/** starling.v1.LookupService. */
@Controller()
@UseFilters(ErrorFilter)
export class LookupController {
  readonly #peer: Peer;

  constructor(@Inject(PEER) peer: Peer) {
    this.#peer = peer;
  }

  @MessagePattern('/starling.v1.LookupService/PutRecord')
  async putRecord(@Payload() request: PutRecordRequest, @Ctx() { call }: CallContext): Promise<PutRecordResponse> {
    const { overlay, lookups } = this.#peer;
    overlay.ensureServing();
    const wish = checkPutRecord(request, overlay.now());
    const record = this.#signed(wish);
    const result = await lookups.put(record, wish.paths, timeoutOf(call, wish.timeoutMs), signalOf(call));
    ensureEnded(result, request.trace);
    const lookupCost = toErrorCost(result, request.trace);
    if (result.outcome === 'superseded') {
      throw new StarlingError(`a version above ${record.version} of this publisher is held`, {
        reason: 'RECORD_SUPERSEDED',
        lookupCost,
      });
    }
    if (result.outcome !== 'stored') {
      throw new StarlingError(`only ${result.holders} of the ${result.wanted} peers that should hold it took it`, {
        reason: 'RECORD_NOT_STORED',
        metadata: { holders: String(result.holders), wanted: String(result.wanted) },
        lookupCost,
      });
    }
    return create(PutRecordResponseSchema, {
      ...(record.kind === 'value' && { record: toRecord(record) }),
      holderCount: result.holders,
      wantedCount: result.wanted,
      cost: toCost(result, request.trace),
    });
  }

  @MessagePattern('/starling.v1.LookupService/GetRecord')
  async getRecord(@Payload() request: GetRecordRequest, @Ctx() { call }: CallContext): Promise<GetRecordResponse> {
    const { overlay, lookups } = this.#peer;
    overlay.ensureServing();
    const wanted = checkGetRecord(request);
    const timeoutMs = timeoutOf(call, wanted.timeoutMs);
    const result = await lookups.get({ ...wanted, recordKind: 'value', timeoutMs }, signalOf(call));
    ensureEnded(result, request.trace);
    if (result.outcome === 'notFound') {
      throw new StarlingError('the peers nearest to the key hold no record of it', {
        reason: 'RECORD_NOT_FOUND',
        lookupCost: toErrorCost(result, request.trace),
      });
    }
    const cost = toCost(result, request.trace);
    return create(GetRecordResponseSchema, {
      records: result.records.map(toRecord),
      holderCount: result.holders,
      cost,
    });
  }

  @MessagePattern('/starling.v1.LookupService/FindPeers')
  async findPeers(@Payload() request: FindPeersRequest, @Ctx() { call }: CallContext): Promise<FindPeersResponse> {
    const { overlay, lookups } = this.#peer;
    overlay.ensureServing();
    const { name, limit, paths, ...wanted } = checkFindPeers(request);
    const timeoutMs = timeoutOf(call, wanted.timeoutMs);
    const answers = apiLimits.findPeersAnswers;
    const key = Uint8Array.from(Buffer.from(name));
    const wish = { recordKind: 'provider', key, publisher: '', answers, limit, paths, timeoutMs } as const;
    const result = await lookups.get(wish, signalOf(call));
    ensureEnded(result, request.trace);
    return create(FindPeersResponseSchema, {
      providers: result.records.map(({ publisher, expiresAt }) => ({
        peer: toPeer(overlay.mesh.directory.get(publisher) ?? strange(publisher)),
        expireTime: toTimestamp(expiresAt),
      })),
      cost: toCost(result, request.trace),
    });
  }

  /** As it was signed by whoever sent it, else by this peer. */
  #signed(wish: PutWish): LookupRecord {
    const { identity, verifyRecord } = this.#peer;
    if (wish.signedBy === null) return signRecord(identity, wish.record);
    const record = { ...wish.record, ...wish.signedBy };
    if (!verifyRecord(record)) {
      const description = 'is not that of the record’s text by its public key (docs/lookup.md)';
      throw invalidRequest([{ field: 'record.signature', description }]);
    }
    return record;
  }
}

/** A peer that the directory does not know: it has no address that anybody should be sent to. */
function strange(id: string): Parameters<typeof toPeer>[0] {
  return { id, address: '', apiAddress: '', incarnation: 0, zone: '', name: '' };
}

function timeoutOf(call: UnaryCall, wantedMs: number): number {
  return Math.min(wantedMs, budgetOf(call, wantedMs, apiLimits.lookupTimeoutMaxMs));
}

function ensureEnded(result: LookupResult, withHops: boolean): void {
  const { outcome, rpcs, failures } = result;
  if (outcome === 'cancelled') throw new StarlingError('the caller gave up', { reason: 'CANCELLED' });
  if (outcome !== 'deadline') return;
  throw new StarlingError(`the time was over after ${rpcs} calls, of which ${failures} failed`, {
    reason: 'LOOKUP_EXPIRED',
    metadata: { calls: String(rpcs), failures: String(failures) },
    lookupCost: toErrorCost(result, withHops),
  });
}
