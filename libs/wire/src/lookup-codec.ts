import { create } from '@bufbuild/protobuf';
import {
  fromBytes,
  type KademliaMessage,
  type LookupRecord,
  type RecordKind,
  type StoreOutcome,
  toBytes,
} from '@starling/core-kademlia';
import { unreachable } from '@starling/kernel';
import type { KindInit, KindOf } from './control-codec.ts';
import { enumNames } from './enum-names.ts';
import {
  type LookupRecord as LookupRecordProto,
  LookupRecordSchema,
  RecordKind as RecordKindProto,
  StoreOutcome as StoreOutcomeProto,
} from './gen/starling/link/v1/kademlia_pb.ts';
import { fromPeerProto, fromUint64, toPeerProto, toUint64 } from './peer-codec.ts';
import { MalformedError } from './proto-reader.ts';

/** Longest text that names a publisher. */
const publisherCharsMax = 256;

const kinds = enumNames<RecordKind, RecordKindProto>({
  value: RecordKindProto.VALUE,
  provider: RecordKindProto.PROVIDER,
  keyword: RecordKindProto.KEYWORD,
});

const outcomes = enumNames<StoreOutcome, StoreOutcomeProto>({
  stored: StoreOutcomeProto.STORED,
  held: StoreOutcomeProto.HELD,
  newer: StoreOutcomeProto.NEWER,
  full: StoreOutcomeProto.FULL,
  busy: StoreOutcomeProto.BUSY,
  far: StoreOutcomeProto.FAR,
  invalid: StoreOutcomeProto.INVALID,
});

/** Whether it is as big as what users keep. */
export function carriesRecords(message: KademliaMessage): boolean {
  return message.kind === 'store' || (message.kind === 'findValueReply' && message.records.length > 0);
}

export function toLookup(message: KademliaMessage): KindInit {
  switch (message.kind) {
    case 'findNode':
      return { case: 'findNode', value: { rpcId: message.rpcId, target: toBytes(message.target) } };
    case 'findNodeReply':
      return { case: 'findNodeReply', value: { rpcId: message.rpcId, peers: message.peers.map(toPeerProto) } };
    case 'findValue': {
      const { rpcId, recordKind, key, publisher, limit } = message;
      return { case: 'findValue', value: { rpcId, kind: kinds.toProto(recordKind), key, publisher, limit } };
    }
    case 'findValueReply': {
      const { rpcId, records, peers } = message;
      return {
        case: 'findValueReply',
        value: { rpcId, records: records.map(toRecordProto), peers: peers.map(toPeerProto) },
      };
    }
    case 'store':
      return { case: 'store', value: { rpcId: message.rpcId, record: toRecordProto(message.record) } };
    case 'storeReply':
      return { case: 'storeReply', value: { rpcId: message.rpcId, outcome: outcomes.toProto(message.outcome) } };
    default:
      return unreachable(message);
  }
}

/** Throws `MalformedError` for what no peer says. */
export function fromLookup(kind: KindOf<KademliaMessage['kind']>): KademliaMessage {
  const { rpcId } = kind.value;
  switch (kind.case) {
    case 'findNode': {
      const target = fromBytes(kind.value.target);
      if (target === null) throw new MalformedError('target is no position');
      return { kind: 'findNode', rpcId, target };
    }
    case 'findNodeReply':
      return { kind: 'findNodeReply', rpcId, peers: kind.value.peers.map(fromPeerProto) };
    case 'findValue': {
      const { key, limit } = kind.value;
      const publisher = publisherOf(kind.value.publisher);
      return {
        kind: 'findValue',
        rpcId,
        recordKind: kinds.fromProto(kind.value.kind),
        key: own(key),
        publisher,
        limit,
      };
    }
    case 'findValueReply': {
      const { records, peers } = kind.value;
      return { kind: 'findValueReply', rpcId, records: records.map(fromRecordProto), peers: peers.map(fromPeerProto) };
    }
    case 'store':
      return { kind: 'store', rpcId, record: fromRecordProto(kind.value.record) };
    case 'storeReply':
      return { kind: 'storeReply', rpcId, outcome: outcomes.fromProto(kind.value.outcome) };
    default:
      return unreachable(kind);
  }
}

function toRecordProto(record: LookupRecord): LookupRecordProto {
  const { kind, key, value, version, expiresAt, publisher, publicKey, signature } = record;
  return create(LookupRecordSchema, {
    ...{ kind: kinds.toProto(kind), key, value, version: toUint64(version), expiresAtMs: toUint64(expiresAt) },
    ...{ publisher, publicKey, signature },
  });
}

function fromRecordProto(proto: LookupRecordProto | undefined): LookupRecord {
  if (proto === undefined) throw new MalformedError('record is missing');
  const { kind, key, value, version, expiresAtMs, publisher, publicKey, signature } = proto;
  return {
    ...{ kind: kinds.fromProto(kind), key: own(key), value: own(value), version: fromUint64(version) },
    ...{ expiresAt: fromUint64(expiresAtMs), publisher: publisherOf(publisher) },
    ...{ publicKey: own(publicKey), signature: own(signature) },
  };
}

/** A copy: what is held for hours must not keep the frame alive that it came in. */
function own(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

function publisherOf(text: string): string {
  if (text.length > publisherCharsMax) throw new MalformedError('publisher is too long');
  return text;
}
