import { create } from '@bufbuild/protobuf';
import type { PeerInfo } from '@starling/kernel';
import { enumNames } from './enum-names.ts';
import {
  type Hello as HelloProto,
  HelloSchema,
  type Refusal as RefusalProto,
  RefusalReason,
} from './gen/starling/link/v1/link_pb.ts';
import { fromPeerProto, fromUint64, toPeerProto, toUint64 } from './peer-codec.ts';

/** The first word of either side of a link: link.proto. */
export interface Hello {
  readonly version: number;
  readonly versionMin: number;
  /** One bit for each optional ability. */
  readonly features: bigint;
  readonly mesh: string;
  readonly peer: PeerInfo;
  /** Of the sender's process. */
  readonly session: bigint;
  /** Counts the hellos of that session. */
  readonly number: number;
}

/** The answer to a hello that is not accepted. */
export interface Refusal {
  readonly reason: RefusalWord;
  readonly detail: string;
}

export type RefusalWord =
  | 'wrong-mesh'
  | 'wrong-version'
  | 'self'
  | 'duplicate'
  | 'busy'
  | 'bad-hello'
  | 'untrusted'
  | 'not-certified'
  | 'banned';

const reasons = enumNames<RefusalWord, RefusalReason>({
  'wrong-mesh': RefusalReason.WRONG_MESH,
  'wrong-version': RefusalReason.WRONG_VERSION,
  self: RefusalReason.SELF,
  duplicate: RefusalReason.DUPLICATE,
  busy: RefusalReason.BUSY,
  'bad-hello': RefusalReason.BAD_HELLO,
  untrusted: RefusalReason.UNTRUSTED,
  'not-certified': RefusalReason.NOT_CERTIFIED,
  banned: RefusalReason.BANNED,
});

export function toHelloProto(hello: Hello): HelloProto {
  return create(HelloSchema, { ...hello, peer: toPeerProto(hello.peer), number: toUint64(hello.number) });
}

export function fromHelloProto(proto: HelloProto): Hello {
  const { version, versionMin, features, mesh, peer, session, number } = proto;
  return { version, versionMin, features, mesh, peer: fromPeerProto(peer), session, number: fromUint64(number) };
}

export function toRefusalProto({ reason, detail }: Refusal): { reason: RefusalReason; detail: string } {
  return { reason: reasons.toProto(reason), detail };
}

export function fromRefusalProto({ reason, detail }: RefusalProto): Refusal {
  return { reason: reasons.fromProto(reason), detail };
}
