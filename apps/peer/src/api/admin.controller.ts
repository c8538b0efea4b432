import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { StarlingError } from '@starling/client';
import {
  type DrainRequest,
  type DrainResponse,
  DrainResponseSchema,
  type GetPeerResponse,
  GetPeerResponseSchema,
  type ListPeersRequest,
  type ListPeersResponse,
  ListPeersResponseSchema,
} from '@starling/wire';
import type { Peer } from '../peer.ts';
import { PEER } from '../tokens.ts';
import { version } from '../version.ts';
import { budgetOf, isLoopback } from './calls.ts';
import { toPeer, toReport } from './convert.ts';
import { ErrorFilter } from './error-filter.ts';
import type { CallContext } from './grpc-strategy.ts';
import { fromPageToken, toPageToken } from './page-token.ts';
import { apiLimits, checkDrainTimeout, checkPageSize } from './validate.ts';

/** The unary methods of starling.v1.AdminService. */
@Controller()
@UseFilters(ErrorFilter)
export class AdminController {
  readonly #peer: Peer;

  constructor(@Inject(PEER) peer: Peer) {
    this.#peer = peer;
  }

  @MessagePattern('/starling.v1.AdminService/GetPeer')
  getPeer(): GetPeerResponse {
    const { overlay, config } = this.#peer;
    const report = toReport({ report: overlay.report(), heardAt: overlay.now() }, version);
    return create(GetPeerResponseSchema, { report, meshSize: overlay.size, mesh: config.mesh });
  }

  @MessagePattern('/starling.v1.AdminService/ListPeers')
  listPeers(@Payload() request: ListPeersRequest): ListPeersResponse {
    const { overlay, feed } = this.#peer;
    const pageSize = checkPageSize(request.pageSize);
    const page = overlay.page(fromPageToken(request.pageToken), pageSize);
    const last = page.at(-1);
    return create(ListPeersResponseSchema, {
      peers: page.map((info) =>
        info.id === overlay.self.id
          ? toPeer(overlay.self, overlay.state, version)
          : toPeer(info, feed.report(info.id)?.report.state),
      ),
      nextPageToken: page.length === pageSize && last !== undefined ? toPageToken(last.id) : '',
      totalSize: overlay.size,
    });
  }

  @MessagePattern('/starling.v1.AdminService/Drain')
  async drain(@Payload() request: DrainRequest, @Ctx() { call }: CallContext): Promise<DrainResponse> {
    const { overlay } = this.#peer;
    const timeoutMs = checkDrainTimeout(request.timeout);
    // With tokens an operator may be anywhere; without them only who is on the machine can be trusted that far.
    if (!this.#peer.access.isOn && !isLoopback(call)) {
      throw new StarlingError("Drain is taken from the peer's own machine only", { reason: 'NOT_LOOPBACK' });
    }
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
}
