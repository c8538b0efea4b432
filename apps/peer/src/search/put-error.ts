import { StarlingError } from '@starling/client';
import type { IndexLimits, IndexRefusal, LocalIndex, StoredDocument } from './local-index.ts';

/** Why the documents from `refused` on were not stored, for whoever sent them. */
export function putError(
  refusal: IndexRefusal,
  dealtWith: number,
  refused: StoredDocument | undefined,
  index: LocalIndex,
  limits: IndexLimits,
): StarlingError {
  const metadata = { stored: String(dealtWith), documents: String(index.size), bytes: String(index.bytes) };
  const rest = `the first ${dealtWith} documents were taken, ${JSON.stringify(refused?.id ?? '')} and those after it were not`;
  switch (refusal.kind) {
    case 'documents':
      return new StarlingError(
        `the index is full: it holds ${index.size} documents, and ${limits.documentsMax} are allowed (STARLING_INDEX_DOCUMENTS_MAX); ${rest}`,
        { reason: 'INDEX_FULL', metadata: { ...metadata, limit: String(limits.documentsMax) } },
      );
    case 'bytes':
      return new StarlingError(
        `the index is full: it holds ${index.bytes} bytes of documents, and ${limits.bytesMax} are allowed (STARLING_INDEX_BYTES_MAX); ${rest}`,
        { reason: 'INDEX_FULL', metadata: { ...metadata, limit: String(limits.bytesMax) } },
      );
    case 'disk':
      return new StarlingError(`the disk of the index takes no more (${refusal.problem}); ${rest}`, {
        reason: 'DISK_FULL',
        metadata,
      });
  }
}
