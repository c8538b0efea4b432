import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { BansMessage } from '@starling/core-bans';
import type { DirectoryMessage, MemberRecord } from '@starling/core-directory';
import type { HyParViewMessage, NeighborPriority } from '@starling/core-hyparview';
import type { LivenessMessage } from '@starling/core-liveness';
import { type PeerInfo, unreachable } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import { fromAggregate, toAggregate } from './aggregate-codec.ts';
import { enumNames, UnknownValueError } from './enum-names.ts';
import {
  type MemberRecord as MemberRecordProto,
  type MemberRecordSchema,
  MemberState,
} from './gen/starling/link/v1/directory_pb.ts';
import { type Message as MessageProto, MessageSchema } from './gen/starling/link/v1/link_pb.ts';
import { DisconnectReason, NeighborPriority as PriorityProto } from './gen/starling/link/v1/membership_pb.ts';
import { fromLookup, toLookup } from './lookup-codec.ts';
import { finite, fromPeerProto, fromPeerProtoOrUnset, fromUint64, toPeerProto, toUint64 } from './peer-codec.ts';
import { fromSearch, toSearch } from './search-codec.ts';
import { fromHolders, fromSummaries, toHolders, toSummaries } from './summaries-codec.ts';

// Everything but broadcast: rare enough for the generated code, which also keeps it honest.

export type ControlMessage = Exclude<MeshMessage<Uint8Array>, { readonly area: 'broadcast' }>;

type Kind = MessageProto['kind'];
export type KindInit = NonNullable<MessageInitShape<typeof MessageSchema>['kind']>;

const priorities = enumNames<NeighborPriority, PriorityProto>({
  high: PriorityProto.HIGH,
  low: PriorityProto.LOW,
  near: PriorityProto.NEAR,
});

const disconnectReasons = enumNames<Extract<HyParViewMessage, { kind: 'disconnect' }>['reason'], DisconnectReason>({
  leave: DisconnectReason.LEAVE,
  evicted: DisconnectReason.EVICTED,
  swapped: DisconnectReason.SWAPPED,
});

const memberStates = enumNames<MemberRecord['state'], MemberState>({
  up: MemberState.UP,
  left: MemberState.LEFT,
  dead: MemberState.DEAD,
});

/** Encodes a `Message` of link.proto. */
export function encodeControl(message: ControlMessage): Uint8Array {
  const swarm = message.area === 'membership' ? message.swarm : 0;
  return toBinary(MessageSchema, create(MessageSchema, { swarm, kind: toKind(message) }));
}

/**
 * Null: a kind or an enum value that this version does not know. Throws `MalformedError`, or what protobuf-es throws, for
 * bytes that are no message.
 */
export function decodeControl(bytes: Uint8Array): ControlMessage | null {
  const { swarm, kind } = fromBinary(MessageSchema, bytes);
  try {
    return fromKind(swarm, kind);
  } catch (error) {
    if (error instanceof UnknownValueError) return null;
    throw error;
  }
}

function toKind(message: ControlMessage): KindInit {
  switch (message.area) {
    case 'membership':
      return toMembership(message.message);
    case 'liveness':
      return toLiveness(message.message);
    case 'directory':
      return toDirectory(message.message);
    case 'search':
      return toSearch(message.message);
    case 'aggregate':
      return toAggregate(message.message);
    case 'lookup':
      return toLookup(message.message);
    case 'bans':
      return toBans(message.message);
    case 'summaries':
      return toSummaries(message.message);
    case 'holders':
      return toHolders(message.message);
    default:
      return unreachable(message);
  }
}

function toMembership(message: HyParViewMessage): KindInit {
  switch (message.kind) {
    case 'join':
      return { case: 'join', value: { sender: toPeerProto(message.sender) } };
    case 'forwardJoin':
      return { case: 'forwardJoin', value: { joiner: toPeerProto(message.joiner), ttl: message.ttl } };
    case 'neighbor': {
      const priority = priorities.toProto(message.priority);
      const dropping = optional('dropping', message.dropping);
      return { case: 'neighbor', value: { sender: toPeerProto(message.sender), priority, ...dropping } };
    }
    case 'neighborReply':
      return {
        case: 'neighborReply',
        value: { accepted: message.accepted, ...optional('dropped', message.dropped) },
      };
    case 'disconnect': {
      const reason = disconnectReasons.toProto(message.reason);
      return { case: 'disconnect', value: { reason, ...optional('alternative', message.alternative) } };
    }
    case 'shuffle': {
      const { origin, ttl, sample } = message;
      return { case: 'shuffle', value: { origin: toPeerProto(origin), ttl, sample: sample.map(toPeerProto) } };
    }
    case 'shuffleReply':
      return { case: 'shuffleReply', value: { sample: message.sample.map(toPeerProto) } };
    default:
      return unreachable(message);
  }
}

function toLiveness(message: LivenessMessage): KindInit {
  switch (message.kind) {
    case 'ping':
      return { case: 'ping', value: { nonce: message.nonce } };
    case 'ack':
      return { case: 'ack', value: { nonce: message.nonce } };
    case 'probe':
      return {
        case: 'probe',
        value: { target: toPeerProto(message.target), nonce: message.nonce, silentMs: message.silentMs },
      };
    case 'probeReply': {
      const { target, nonce, alive } = message;
      return { case: 'probeReply', value: { target, nonce, alive } };
    }
    case 'watchers':
      return { case: 'watchers', value: { peers: message.peers.map(toPeerProto) } };
    default:
      return unreachable(message);
  }
}

function toDirectory(message: DirectoryMessage): KindInit {
  switch (message.kind) {
    case 'directoryDigest':
      return { case: 'directoryDigest', value: { hashes: [...message.hashes], versions: message.versions } };
    case 'directoryRecords': {
      const { bucketCount, buckets, records, reply } = message;
      const value = { bucketCount, buckets: [...buckets], records: records.map(toRecord), reply };
      return { case: 'directoryRecords', value };
    }
    default:
      return unreachable(message);
  }
}

function toRecord({ info, state, ttlMs }: MemberRecord): MessageInitShape<typeof MemberRecordSchema> {
  return { info: toPeerProto(info), state: memberStates.toProto(state), ttlMs };
}

function toBans(message: BansMessage): KindInit {
  switch (message.kind) {
    case 'bansDigest':
      return { case: 'bansDigest', value: { hash: message.hash } };
    case 'bansList': {
      const bans = message.bans.map(({ subject, number, hash }) => ({ subject, number: toUint64(number), hash }));
      return { case: 'bansList', value: { bans, reply: message.reply } };
    }
    case 'bansRecords':
      return {
        case: 'bansRecords',
        value: {
          records: message.records.map(({ statement, signature, key }) => ({
            statement: statement as Uint8Array<ArrayBuffer>,
            signature: signature as Uint8Array<ArrayBuffer>,
            key,
          })),
        },
      };
    default:
      return unreachable(message);
  }
}

/** A field that is unset for null. */
function optional<Name extends string>(
  name: Name,
  peer: PeerInfo | null,
): { [K in Name]?: ReturnType<typeof toPeerProto> } {
  return peer === null ? {} : ({ [name]: toPeerProto(peer) } as { [K in Name]: ReturnType<typeof toPeerProto> });
}

function fromKind(swarm: number, kind: Kind): ControlMessage | null {
  switch (kind.case) {
    case 'join':
    case 'forwardJoin':
    case 'neighbor':
    case 'neighborReply':
    case 'disconnect':
    case 'shuffle':
    case 'shuffleReply':
      return { area: 'membership', swarm, message: fromMembership(kind) };
    case 'ping':
    case 'ack':
    case 'probe':
    case 'probeReply':
    case 'watchers':
      return { area: 'liveness', message: fromLiveness(kind) };
    case 'directoryDigest':
    case 'directoryRecords':
      return { area: 'directory', message: fromDirectory(kind) };
    case 'query':
    case 'answer':
    case 'decline':
    case 'cancel':
    case 'seek':
    case 'found':
    case 'linkTerms':
      return { area: 'search', message: fromSearch(kind) };
    case 'aggregateQuery':
    case 'aggregateAnswer':
    case 'aggregateDecline':
    case 'aggregateCancel':
      return { area: 'aggregate', message: fromAggregate(kind) };
    case 'findNode':
    case 'findNodeReply':
    case 'findValue':
    case 'findValueReply':
    case 'store':
    case 'storeReply':
      return { area: 'lookup', message: fromLookup(kind) };
    case 'bansDigest':
    case 'bansList':
    case 'bansRecords':
      return { area: 'bans', message: fromBans(kind) };
    case 'summaryDigest':
    case 'summaryVersions':
    case 'summaryFetch':
    case 'summaryRecords':
      return { area: 'summaries', message: fromSummaries(kind) };
    case 'holderQuery':
    case 'holderAnswer':
    case 'holderCancel':
      return { area: 'holders', message: fromHolders(kind) };
    default:
      return null;
  }
}

export type KindOf<Case extends Kind['case']> = Extract<Kind, { readonly case: Case }>;

function fromMembership(kind: KindOf<HyParViewMessage['kind']>): HyParViewMessage {
  switch (kind.case) {
    case 'join':
      return { kind: 'join', sender: fromPeerProto(kind.value.sender) };
    case 'forwardJoin':
      return { kind: 'forwardJoin', joiner: fromPeerProto(kind.value.joiner), ttl: kind.value.ttl };
    case 'neighbor': {
      const { sender, priority, dropping } = kind.value;
      return {
        kind: 'neighbor',
        sender: fromPeerProto(sender),
        priority: priorities.fromProto(priority),
        dropping: fromPeerProtoOrUnset(dropping),
      };
    }
    case 'neighborReply': {
      const { accepted, dropped } = kind.value;
      return { kind: 'neighborReply', accepted, dropped: fromPeerProtoOrUnset(dropped) };
    }
    case 'disconnect': {
      const { reason, alternative } = kind.value;
      return {
        kind: 'disconnect',
        reason: disconnectReasons.fromProto(reason),
        alternative: fromPeerProtoOrUnset(alternative),
      };
    }
    case 'shuffle': {
      const { origin, ttl, sample } = kind.value;
      return { kind: 'shuffle', origin: fromPeerProto(origin), ttl, sample: sample.map(fromPeerProto) };
    }
    case 'shuffleReply':
      return { kind: 'shuffleReply', sample: kind.value.sample.map(fromPeerProto) };
    default:
      return unreachable(kind);
  }
}

function fromLiveness(kind: KindOf<LivenessMessage['kind']>): LivenessMessage {
  switch (kind.case) {
    case 'ping':
      return { kind: 'ping', nonce: kind.value.nonce };
    case 'ack':
      return { kind: 'ack', nonce: kind.value.nonce };
    case 'probe': {
      const { target, nonce, silentMs } = kind.value;
      return { kind: 'probe', target: fromPeerProto(target), nonce, silentMs };
    }
    case 'probeReply': {
      const { target, nonce, alive } = kind.value;
      return { kind: 'probeReply', target, nonce, alive };
    }
    case 'watchers':
      return { kind: 'watchers', peers: kind.value.peers.map(fromPeerProto) };
    default:
      return unreachable(kind);
  }
}

function fromDirectory(kind: KindOf<DirectoryMessage['kind']>): DirectoryMessage {
  switch (kind.case) {
    case 'directoryDigest':
      return { kind: 'directoryDigest', hashes: kind.value.hashes, versions: kind.value.versions };
    case 'directoryRecords': {
      const { bucketCount, buckets, records, reply } = kind.value;
      return { kind: 'directoryRecords', bucketCount, buckets, records: records.map(fromRecord), reply };
    }
    default:
      return unreachable(kind);
  }
}

function fromRecord({ info, state, ttlMs }: MemberRecordProto): MemberRecord {
  return { info: fromPeerProto(info), state: memberStates.fromProto(state), ttlMs: finite(ttlMs) };
}

/** Bytes and numbers only: what a record says is read where it is judged. */
function fromBans(kind: KindOf<BansMessage['kind']>): BansMessage {
  switch (kind.case) {
    case 'bansDigest':
      return { kind: 'bansDigest', hash: kind.value.hash };
    case 'bansList': {
      const bans = kind.value.bans.map(({ subject, number, hash }) => ({ subject, number: fromUint64(number), hash }));
      return { kind: 'bansList', bans, reply: kind.value.reply };
    }
    case 'bansRecords':
      return {
        kind: 'bansRecords',
        // Copies: a record is kept for long, and a view would keep the whole frame.
        records: kind.value.records.map(({ statement, signature, key }) => ({
          statement: new Uint8Array(statement),
          signature: new Uint8Array(signature),
          key,
        })),
      };
    default:
      return unreachable(kind);
  }
}
