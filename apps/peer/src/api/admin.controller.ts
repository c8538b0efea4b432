import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { invalidRequest, StarlingError } from '@starling/client';
import type { Ban, SignedBan } from '@starling/core-bans';
import {
  type BanPeerRequest,
  type BanPeerResponse,
  BanPeerResponseSchema,
  type DrainRequest,
  type DrainResponse,
  DrainResponseSchema,
  type GetPeerRequest,
  type GetPeerResponse,
  GetPeerResponseSchema,
  type ListBansRequest,
  type ListBansResponse,
  ListBansResponseSchema,
  type ListPeersRequest,
  type ListPeersResponse,
  ListPeersResponseSchema,
  type QueryPeersRequest,
  type QueryPeersResponse,
  type UnbanPeerRequest,
  type UnbanPeerResponse,
  UnbanPeerResponseSchema,
} from '@starling/wire';
import type { Peer } from '../peer.ts';
import { PEER } from '../tokens.ts';
import { budgetOf, isLoopback, signalOf } from './calls.ts';
import { toBan, toPeer, toReport } from './convert.ts';
import { ErrorFilter } from './error-filter.ts';
import type { CallContext } from './grpc-strategy.ts';
import { fromPageToken, toPageToken } from './page-token.ts';
import { toPeersResponse } from './peers-convert.ts';
import { apiLimits, checkBan, checkDrainTimeout, checkPageSize, checkUnban } from './validate.ts';
import { checkQueryPeers } from './validate-peers.ts';

/** The unary methods of starling.v1.AdminService. */
@Controller()
@UseFilters(ErrorFilter)
export class AdminController {
  readonly #peer: Peer;

  constructor(@Inject(PEER) peer: Peer) {
    this.#peer = peer;
  }

  @MessagePattern('/starling.v1.AdminService/GetPeer')
  getPeer(@Payload() _request: GetPeerRequest, @Ctx() { call }: CallContext): GetPeerResponse {
    const { overlay, config, access, metrics, certificates } = this.#peer;
    const report = toReport({ report: overlay.report(), heardAt: overlay.now() });
    const ban = this.#peer.bans.about(overlay.self.id);
    if (ban !== null && report.peer !== undefined) report.peer.ban = toBan(ban);
    const caller = access.isOn ? access.callerOf(call.metadata) : null;
    return create(GetPeerResponseSchema, {
      report,
      meshSize: overlay.size,
      mesh: config.mesh,
      time: timestampFromMs(Date.now()),
      ...(caller !== null && { caller: caller.name, callerRole: caller.role }),
      deliveryRatio: metrics.deliveryRatio(overlay.now()),
      ...(certificates !== null && {
        certificateStartTime: timestampFromMs(certificates.current.peer.validFrom),
        certificateExpireTime: timestampFromMs(certificates.current.peer.expiresAt),
        authorityExpireTime: timestampFromMs(certificates.current.authorityExpiresAt),
      }),
    });
  }

  @MessagePattern('/starling.v1.AdminService/ListPeers')
  listPeers(@Payload() request: ListPeersRequest): ListPeersResponse {
    const { overlay, feed, bans } = this.#peer;
    const pageSize = checkPageSize(request.pageSize);
    const page = overlay.page(fromPageToken(request.pageToken), pageSize);
    const last = page.at(-1);
    return create(ListPeersResponseSchema, {
      peers: page.map((info) =>
        info.id === overlay.self.id
          ? toPeer(overlay.self, overlay.state)
          : toPeer(info, feed.report(info.id)?.report.state, bans.about(info.id)),
      ),
      nextPageToken: page.length === pageSize && last !== undefined ? toPageToken(last.id) : '',
      totalSize: overlay.size,
    });
  }

  @MessagePattern('/starling.v1.AdminService/QueryPeers')
  async queryPeers(@Payload() request: QueryPeersRequest, @Ctx() { call }: CallContext): Promise<QueryPeersResponse> {
    const { overlay, questions } = this.#peer;
    overlay.ensureServing();
    const wish = checkQueryPeers(request);
    const timeoutMs = Math.min(wish.timeoutMs, budgetOf(call, wish.timeoutMs, apiLimits.queryTimeoutMaxMs));
    const answer = await questions.ask(request.text, timeoutMs, request.messageBudget, signalOf(call));
    return toPeersResponse(wish.query, answer);
  }

  @MessagePattern('/starling.v1.AdminService/Drain')
  async drain(@Payload() request: DrainRequest, @Ctx() { call }: CallContext): Promise<DrainResponse> {
    const { overlay } = this.#peer;
    const timeoutMs = checkDrainTimeout(request.timeout);
    this.#ensureOperator(call, 'Drain');
    if (request.peerId !== overlay.self.id) {
      throw new StarlingError(`this is peer ${overlay.self.id}, not ${JSON.stringify(request.peerId.slice(0, 64))}`, {
        reason: 'WRONG_PEER',
        metadata: { peer_id: overlay.self.id },
      });
    }
    const startedAt = overlay.now();
    const budgetMs = Math.min(timeoutMs, budgetOf(call, timeoutMs, apiLimits.drainTimeoutMaxMs));
    const neighborsTold = await this.#peer.drain(budgetMs);
    const elapsed = durationFromMs(Math.round(overlay.now() - startedAt));
    return create(DrainResponseSchema, { neighborsTold, elapsed });
  }

  @MessagePattern('/starling.v1.AdminService/BanPeer')
  banPeer(@Payload() request: BanPeerRequest, @Ctx() { call }: CallContext): BanPeerResponse {
    const { bans, access, overlay } = this.#peer;
    const wish = checkBan(request, overlay.self.id);
    // A record proves by itself that an operator wants it.
    if (wish.scope === 'mesh') {
      this.#ensureRecordOf(wish);
      return create(BanPeerResponseSchema, { ban: toBan(bans.submit(wish.record)) });
    }
    this.#ensureOperator(call, 'BanPeer');
    const by = access.callerOf(call.metadata).name;
    return create(BanPeerResponseSchema, { ban: toBan(bans.banHere(wish.peerId, wish.forMs, wish.reason, by)) });
  }

  @MessagePattern('/starling.v1.AdminService/UnbanPeer')
  unbanPeer(@Payload() request: UnbanPeerRequest, @Ctx() { call }: CallContext): UnbanPeerResponse {
    const { bans } = this.#peer;
    const wish = checkUnban(request);
    if (wish.scope === 'mesh') {
      const ban = this.#ensureRecordOf(wish);
      if (ban !== null && ban.bannedUntil > ban.issuedAt) {
        throw invalidRequest([{ field: 'record', description: 'bans that peer: send it to BanPeer' }]);
      }
      bans.submit(wish.record);
    } else {
      this.#ensureOperator(call, 'UnbanPeer');
      bans.unbanHere(wish.peerId);
    }
    return create(UnbanPeerResponseSchema);
  }

  @MessagePattern('/starling.v1.AdminService/ListBans')
  listBans(@Payload() request: ListBansRequest): ListBansResponse {
    const { bans, operators } = this.#peer;
    return create(ListBansResponseSchema, {
      bans: bans.list(request.showLifted).map(toBan),
      operatorKeys: [...operators.ids],
    });
  }

  /** The peer that is named beside a record must be that of the record: a person may have mixed them up. */
  #ensureRecordOf({ peerId, record }: { readonly peerId: string; readonly record: SignedBan }): Ban | null {
    const ban = this.#peer.operators.parse(record);
    if (ban !== null && peerId !== '' && peerId !== ban.subject) {
      throw invalidRequest([{ field: 'peer_id', description: `is not the peer of the record, ${ban.subject}` }]);
    }
    return ban;
  }

  /** With tokens an operator may be anywhere; without them only who is on the machine can be trusted that far. */
  #ensureOperator(call: CallContext['call'], method: string): void {
    if (this.#peer.access.isOn || isLoopback(call)) return;
    throw new StarlingError(`${method} is taken from the peer's own machine only`, { reason: 'NOT_LOOPBACK' });
  }
}
