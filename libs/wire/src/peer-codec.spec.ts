import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type PeerInfo, timestampMsMax } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { PeerInfoSchema } from './gen/starling/link/v1/peer_pb.ts';
import { fromPeerProto, toPeerProto } from './peer-codec.ts';
import { MalformedError } from './proto-reader.ts';

const peer: PeerInfo = {
  ...{ id: 'a'.repeat(52), address: '10.0.0.1:7400', apiAddress: '10.0.0.1:7401' },
  ...{ incarnation: 17, zone: 'z', name: 'starling-0' },
};
const bytesOf = (info: PeerInfo) => toBinary(PeerInfoSchema, toPeerProto(info));
const read = (bytes: Uint8Array) => fromPeerProto(fromBinary(PeerInfoSchema, bytes));

describe('the version in a peer’s own word', () => {
  it('arrives, in so many bytes', () => {
    const told = bytesOf({ ...peer, version: '1.10.0' });
    expect(read(told)).toEqual({ ...peer, version: '1.10.0' });
    expect(told.length - bytesOf(peer).length).toBe('1.10.0'.length + 2);
  });

  it('is not known of a peer that does not know the field, whose bytes are those of before', () => {
    expect(read(bytesOf(peer))).toEqual(peer);
    expect('version' in read(bytesOf(peer))).toBe(false);
  });

  it.each([
    ['as long as it may be', `1.${'2'.repeat(62)}`],
    ['of git describe', 'v0.1.0-14-g2414721'],
    ['with everything that semver has', '1.0.0-rc.1+build.5'],
  ])('may be %s', (_, version) => {
    expect(read(bytesOf({ ...peer, version })).version).toBe(version);
  });

  it.each([
    ['too long', `1.${'2'.repeat(63)}`],
    ['an escape sequence of a terminal', '1.0\u001b[2J'],
    ['two lines', '1.0\nREADY'],
    ['markup', '<b>1.0</b>'],
    ['a lookalike', '1․0'],
    ['a space', ' '],
    ['an option', '-rf'],
  ])('is refused when it is %s', (_, version) => {
    const bytes = toBinary(PeerInfoSchema, create(PeerInfoSchema, { ...toPeerProto(peer), version }));
    expect(() => read(bytes)).toThrow(MalformedError);
  });
});

describe('the incarnation in a peer’s own word', () => {
  it('is a time that a timestamp can tell, or the peer is refused', () => {
    expect(read(bytesOf({ ...peer, incarnation: timestampMsMax })).incarnation).toBe(timestampMsMax);
    expect(() => read(bytesOf({ ...peer, incarnation: timestampMsMax + 1 }))).toThrow(MalformedError);
  });
});
