import { create } from '@bufbuild/protobuf';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { StarlingError } from '@starling/client';
import {
  type DeleteDocumentsRequest,
  type DeleteDocumentsResponse,
  DeleteDocumentsResponseSchema,
  type PutDocumentsRequest,
  type PutDocumentsResponse,
  PutDocumentsResponseSchema,
} from '@starling/wire';
import type { Peer } from '../peer.ts';
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
  putDocuments(@Payload() request: PutDocumentsRequest): PutDocumentsResponse {
    const { index, overlay } = this.#peer;
    overlay.ensureServing();
    const documents = checkDocuments(request.documents);
    const stored = index.put(documents);
    const refused = documents[stored];
    if (refused !== undefined) {
      throw new StarlingError(
        `the index is full: the first ${stored} documents were stored, ${JSON.stringify(refused.id)} and those after it were not`,
        {
          reason: 'INDEX_FULL',
          metadata: { stored: String(stored), documents: String(index.size), bytes: String(index.bytes) },
        },
      );
    }
    return create(PutDocumentsResponseSchema, { storedCount: stored, totalCount: BigInt(index.size) });
  }

  @MessagePattern('/starling.v1.SearchService/DeleteDocuments')
  deleteDocuments(@Payload() request: DeleteDocumentsRequest): DeleteDocumentsResponse {
    const { index } = this.#peer;
    checkDocumentIds(request.ids);
    const deletedCount = index.delete(request.ids);
    return create(DeleteDocumentsResponseSchema, { deletedCount, totalCount: BigInt(index.size) });
  }
}
