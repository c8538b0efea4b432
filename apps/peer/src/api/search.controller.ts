import { create } from '@bufbuild/protobuf';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  type DeleteDocumentsRequest,
  type DeleteDocumentsResponse,
  DeleteDocumentsResponseSchema,
  type PutDocumentsRequest,
  type PutDocumentsResponse,
  PutDocumentsResponseSchema,
} from '@starling/wire';
import type { Peer } from '../peer.ts';
import { putError } from '../search/put-error.ts';
import { PEER } from '../tokens.ts';
import { ErrorFilter } from './error-filter.ts';
import { checkDocumentIds, checkDocuments } from './validate.ts';

/** The unary methods of starling.v1.SearchService. */
@Controller()
@UseFilters(ErrorFilter)
export class SearchController {
  readonly #peer: Peer;

  constructor(@Inject(PEER) peer: Peer) {
    this.#peer = peer;
  }

  @MessagePattern('/starling.v1.SearchService/PutDocuments')
  async putDocuments(@Payload() request: PutDocumentsRequest): Promise<PutDocumentsResponse> {
    const { index, indexLimits, overlay } = this.#peer;
    overlay.ensureServing();
    const documents = checkDocuments(request.documents, Date.now());
    const { stored, stale, refusal } = await index.put(documents);
    const dealtWith = stored + stale;
    if (refusal !== null) throw putError(refusal, dealtWith, documents[dealtWith], index, indexLimits);
    return create(PutDocumentsResponseSchema, {
      storedCount: stored,
      staleCount: stale,
      totalCount: BigInt(index.size),
    });
  }

  @MessagePattern('/starling.v1.SearchService/DeleteDocuments')
  async deleteDocuments(@Payload() request: DeleteDocumentsRequest): Promise<DeleteDocumentsResponse> {
    const { index } = this.#peer;
    checkDocumentIds(request.ids);
    const deletedCount = await index.delete(request.ids);
    return create(DeleteDocumentsResponseSchema, { deletedCount, totalCount: BigInt(index.size) });
  }
}
