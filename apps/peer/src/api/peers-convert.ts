import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { defaultAggregateConfig, planOf, type TableValue, tableOf } from '@starling/core-aggregate';
import type { AttributeType, PeersQuery } from '@starling/query';
import {
  PeersColumnType,
  type PeersValueSchema,
  type QueryPeersResponse,
  QueryPeersResponseSchema,
} from '@starling/wire';
import type { PeersAnswer } from '../overlay/peer-questions.ts';
import { toDuration } from './convert.ts';

const types: Readonly<Record<AttributeType, PeersColumnType>> = {
  text: PeersColumnType.TEXT,
  version: PeersColumnType.VERSION,
  number: PeersColumnType.NUMBER,
  duration: PeersColumnType.DURATION,
  bytes: PeersColumnType.BYTES,
};

/** The table that a question came to, with whom it speaks for. */
export function toPeersResponse(query: PeersQuery, { result, elapsedMs }: PeersAnswer): QueryPeersResponse {
  const { columns, rows, rowsCut } = tableOf(planOf(query), result.partial, defaultAggregateConfig);
  const { tally, known, complete, reason, waves } = result;
  return create(QueryPeersResponseSchema, {
    columns: columns.map(({ name, type }) => ({ name, type: types[type] })),
    rows: rows.map(({ values, peers, isOther }) => ({ values: values.map(toValue), peerCount: peers, other: isOther })),
    rowsCut,
    coverage: {
      peersKnown: known,
      peersAnswered: tally.answered,
      branchesMissing: tally.missing,
      complete,
      reason,
      waves,
      messagesSpent: tally.messages,
      bytesSpent: BigInt(tally.bytes),
      elapsed: toDuration(elapsedMs),
      lost: tally.lost.map(({ peer: peerId, reason: why }) => ({ peerId, reason: why })),
    },
  });
}

function toValue(value: TableValue): MessageInitShape<typeof PeersValueSchema> {
  if (value === null) return {};
  return { kind: typeof value === 'string' ? { case: 'text', value } : { case: 'number', value } };
}
