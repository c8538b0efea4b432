import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AggregateMessage,
  AggregateTally,
  CellData,
  GroupData,
  GroupKey,
  LostReason,
  PartialData,
  SketchData,
} from '@starling/core-aggregate';
import { unreachable } from '@starling/kernel';
import { enumNames } from './enum-names.ts';
import {
  type AggregateCell,
  type AggregateCellSchema,
  type AggregateGroup,
  type AggregateGroupSchema,
  AggregateLostReason,
  type AggregatePartial,
  type AggregatePartialSchema,
  type AggregateSketch,
  type AggregateSketchSchema,
  type AggregateTally as AggregateTallyProto,
  type AggregateTallySchema,
  type AggregateValue,
  type AggregateValueSchema,
} from './gen/starling/link/v1/aggregate_pb.ts';
import type { Message as MessageProto, MessageSchema } from './gen/starling/link/v1/link_pb.ts';
import { finite, fromUint64, toUint64 } from './peer-codec.ts';
import { MalformedError } from './proto-reader.ts';

type KindInit = NonNullable<MessageInitShape<typeof MessageSchema>['kind']>;
type AggregateKind = Extract<MessageProto['kind'], { readonly case: AggregateMessage['kind'] }>;

const lostReasons = enumNames<LostReason, AggregateLostReason>({
  broken: AggregateLostReason.BROKEN,
  late: AggregateLostReason.LATE,
  shed: AggregateLostReason.SHED,
  unread: AggregateLostReason.UNREAD,
  unsound: AggregateLostReason.UNSOUND,
});

/** A message about peers as a `Message.kind` of link.proto. */
export function toAggregate(message: AggregateMessage): KindInit {
  switch (message.kind) {
    case 'aggregateQuery': {
      const { kind, ...value } = message;
      return { case: kind, value };
    }
    case 'aggregateAnswer': {
      const { kind, queryId, wave, partial, tally } = message;
      const value = { queryId, wave, ...(partial !== null && { partial: toPartial(partial) }), tally: toTally(tally) };
      return { case: kind, value };
    }
    case 'aggregateDecline':
      return { case: message.kind, value: { queryId: message.queryId, wave: message.wave } };
    case 'aggregateCancel':
      return { case: message.kind, value: { queryId: message.queryId } };
    default:
      return unreachable(message);
  }
}

/** Throws `MalformedError`, or `UnknownValueError` for a reason that this version does not know. */
export function fromAggregate(kind: AggregateKind): AggregateMessage {
  switch (kind.case) {
    case 'aggregateQuery': {
      const { queryId, wave, text, timeoutMs, hops, tree } = kind.value;
      return { kind: kind.case, queryId, wave, text, timeoutMs: finite(timeoutMs), hops, tree };
    }
    case 'aggregateAnswer': {
      const { queryId, wave, partial, tally } = kind.value;
      if (tally === undefined) throw new MalformedError('answer without a tally');
      const data = partial === undefined ? null : fromPartial(partial);
      return { kind: kind.case, queryId, wave, partial: data, tally: fromTally(tally) };
    }
    case 'aggregateDecline':
      return { kind: kind.case, queryId: kind.value.queryId, wave: kind.value.wave };
    case 'aggregateCancel':
      return { kind: kind.case, queryId: kind.value.queryId };
    default:
      return unreachable(kind);
  }
}

function toTally({ bytes, lost, ...counts }: AggregateTally): MessageInitShape<typeof AggregateTallySchema> {
  return {
    ...counts,
    bytes: toUint64(bytes),
    lost: lost.map(({ peer, reason }) => ({ peer, reason: lostReasons.toProto(reason) })),
  };
}

function fromTally({ answered, missing, messages, bytes, lost }: AggregateTallyProto): AggregateTally {
  const named = lost.map(({ peer, reason }) => ({ peer, reason: lostReasons.fromProto(reason) }));
  return { answered, missing, messages, bytes: fromUint64(bytes), lost: named };
}

function toPartial({ groups, cut, other }: PartialData): MessageInitShape<typeof AggregatePartialSchema> {
  return {
    groups: groups.map(toGroup),
    ...(cut !== null && { cut: cut.map(toValue) }),
    ...(other !== null && { other: toGroup(other) }),
  };
}

function fromPartial({ groups, cut, other }: AggregatePartial): PartialData {
  if (other === undefined) return { groups: groups.map(fromGroup), cut: null, other: null };
  return { groups: groups.map(fromGroup), cut: cut.map(fromValue), other: fromGroup(other) };
}

function toGroup({ key, peers, cells }: GroupData): MessageInitShape<typeof AggregateGroupSchema> {
  return { key: key.map(toValue), peers, cells: cells.map(toCell) };
}

function fromGroup({ key, peers, cells }: AggregateGroup): GroupData {
  return { key: key.map(fromValue), peers, cells: cells.map(fromCell) };
}

function toValue(value: GroupKey[number]): MessageInitShape<typeof AggregateValueSchema> {
  if (value === null) return {};
  return { kind: typeof value === 'string' ? { case: 'text', value } : { case: 'number', value } };
}

function fromValue({ kind }: AggregateValue): GroupKey[number] {
  return kind.case === undefined ? null : kind.value;
}

function toCell({ count, sketch, ...rest }: CellData): MessageInitShape<typeof AggregateCellSchema> {
  return { ...rest, count: toUint64(count), ...(sketch !== null && { sketch: toSketch(sketch) }) };
}

function fromCell({ count, sum, min, max, least, most, sketch }: AggregateCell): CellData {
  const data = sketch === undefined ? null : fromSketch(sketch);
  return { count: fromUint64(count), sum, min, max, least, most, sketch: data };
}

/** Indexes as steps: neighbouring bins take a byte. */
function toSketch({ zeros, indexes, counts }: SketchData): MessageInitShape<typeof AggregateSketchSchema> {
  const gaps = indexes.slice(1).map((index, at) => index - (indexes[at] as number));
  return { zeros: toUint64(zeros), first: indexes[0] ?? 0, gaps, counts: counts.map(toUint64) };
}

function fromSketch({ zeros, first, gaps, counts }: AggregateSketch): SketchData {
  const indexes: number[] = counts.length === 0 ? [] : [first];
  for (const gap of gaps) indexes.push((indexes.at(-1) ?? 0) + gap);
  return { zeros: fromUint64(zeros), indexes, counts: counts.map(fromUint64) };
}
