import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { PublishRequest, PublishResponse } from '@starling/wire';
import type { Peer } from '../peer.ts';
import { PEER } from '../tokens.ts';
import { ErrorFilter } from './error-filter.ts';
import type { CallContext } from './grpc-strategy.ts';

/** The unary methods of starling.v1.MeshService. */
@Controller()
@UseFilters(ErrorFilter)
export class MeshController {
  readonly #peer: Peer;

  constructor(@Inject(PEER) peer: Peer) {
    this.#peer = peer;
  }

  @MessagePattern('/starling.v1.MeshService/Publish')
  publish(@Payload() request: PublishRequest, @Ctx() { call }: CallContext): Promise<PublishResponse> {
    return this.#peer.publish(request, call);
  }
}
