import { create } from '@bufbuild/protobuf';
import { type PeerInfo, timestampMsMax } from '@starling/kernel';
import { type PeerInfo as PeerInfoProto, PeerInfoSchema } from './gen/starling/link/v1/peer_pb.ts';
import { MalformedError } from './proto-reader.ts';

/** Longest text that a neighbour may put into any field of a PeerInfo. */
const peerTextCharsMax = 256;
/** Longest version that a neighbour may say: twice what `git describe` makes. */
const versionCharsMax = 64;
/** What a version is made of: semver's characters and `_`. It ends up in terminals and tables. */
const versionPattern = /^[0-9A-Za-z][0-9A-Za-z.+_-]*$/;
/** `host:port`: a DNS name, an IPv4 address or a bracketed IPv6 address. Nothing that a resolver could take for a scheme or a path. */
const addressPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}$/;

/** Whether text may be dialled at all. */
export function isAddress(text: string): boolean {
  return addressPattern.test(text) && Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535;
}

export function toPeerProto(peer: PeerInfo): PeerInfoProto {
  const { id, address, apiAddress, incarnation, zone, name, version = '' } = peer;
  return create(PeerInfoSchema, { id, address, apiAddress, incarnation: toUint64(incarnation), zone, name, version });
}

/** Throws `MalformedError` for what no peer says about itself. */
export function fromPeerProto(proto: PeerInfoProto | undefined): PeerInfo {
  if (proto === undefined) throw new MalformedError('peer is missing');
  const { id, address, apiAddress, zone, name, version } = proto;
  if (id === '') throw new MalformedError('peer has no id');
  for (const text of [id, apiAddress, zone, name]) {
    if (text.length > peerTextCharsMax) throw new MalformedError('peer has a text that is too long');
  }
  if (!isAddress(address)) throw new MalformedError('peer has no valid address');
  if (version !== '' && !isVersion(version)) throw new MalformedError('peer has no valid version');
  const incarnation = fromUint64(proto.incarnation);
  // It is a time, which the API tells as a Timestamp: one that is none could be read by no client that makes JSON of it.
  if (incarnation > timestampMsMax) throw new MalformedError('peer has an incarnation that is no time');
  return { id, address, apiAddress, incarnation, zone, name, ...(version !== '' && { version }) };
}

function isVersion(text: string): boolean {
  return text.length <= versionCharsMax && versionPattern.test(text);
}

export function fromPeerProtoOrUnset(proto: PeerInfoProto | undefined): PeerInfo | null {
  return proto === undefined ? null : fromPeerProto(proto);
}

export function toUint64(value: number): bigint {
  return BigInt(Math.max(0, Math.trunc(value)));
}

export function fromUint64(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedError('number is too big');
  return Number(value);
}

export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new MalformedError('number is not finite');
  return value;
}
