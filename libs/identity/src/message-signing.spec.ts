import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { type BatchSignature, digestBytes, type SignedPart } from '@starling/core-plumtree';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base32 } from './base32.ts';
import { createIdentity, type Identity } from './identity.ts';
import { MessageSigning } from './message-signing.ts';

const identity = createIdentity();
const signing = new MessageSigning(identity, 'm');
const stream = `${identity.id}~1700000000000`;
const part: SignedPart<Uint8Array> = {
  ...{ stream, seq: 2 ** 40 + 7, publishedAt: 1_700_000_000_000.25, tree: 9, body: Buffer.from('hello') },
};

function batchOf(by: MessageSigning, of: string, first = 1, digests: Uint8Array = new Uint8Array(48)): BatchSignature {
  return { key: by.key, first, digests, signature: by.sign(of, first, digests) };
}

describe('the bytes that are signed', () => {
  it('are those of broadcast.proto', () => {
    const number = (value: number, bytes = 8) => {
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64LE(BigInt(value));
      return buffer.subarray(0, bytes);
    };
    const text = (value: string) => Buffer.concat([number(value.length, 2), Buffer.from(value)]);
    const time = Buffer.alloc(8);
    time.writeDoubleLE(part.publishedAt);
    const all = Buffer.concat([text(stream), number(part.seq), time, number(part.tree, 4), part.body]);
    const digest = createHash('sha256').update(all).digest().subarray(0, digestBytes);
    expect(Buffer.from(signing.digest(part))).toEqual(digest);

    const signed = Buffer.concat([Buffer.from('starling batch 1\0'), text('m'), text(stream), number(5), digest]);
    const signature = sign('sha256', signed, { key: identity.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(signing.verify(stream, { key: signing.key, first: 5, digests: digest, signature })).toBe(true);
  });

  it('are the same whether a body is copied beside its header or not', () => {
    const digestOf = (body: Uint8Array) => Buffer.from(signing.digest({ ...part, body })).toString('hex');
    const sizes = [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024];
    const seen = new Set<string>();
    for (const size of sizes) {
      const body = Buffer.alloc(size, 7);
      const header = Buffer.alloc(2 + stream.length + 20);
      let at = header.writeUInt16LE(stream.length, 0);
      at += header.write(stream, at);
      at = header.writeBigUInt64LE(BigInt(part.seq), at);
      at = header.writeDoubleLE(part.publishedAt, at);
      header.writeUInt32LE(part.tree, at);
      const plain = createHash('sha256')
        .update(header)
        .update(body)
        .digest('hex')
        .slice(0, 2 * digestBytes);
      expect(digestOf(body)).toBe(plain);
      seen.add(plain);
    }
    expect(seen.size).toBe(sizes.length);
  });
});

describe('a signature', () => {
  const batch = batchOf(signing, stream);
  const flipped = (bytes: Uint8Array) =>
    Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  const other = createIdentity();
  const otherSigning = new MessageSigning(other, 'm');

  it("is good for its origin's stream, in its mesh", () => {
    expect(new MessageSigning(other, 'm').verify(stream, batch)).toBe(true);
    expect(new MessageSigning(other, 'n').verify(stream, batch)).toBe(false);
  });

  it.each<[string, string, BatchSignature]>([
    ['over another stream', `${identity.id}~1700000000001`, batch],
    ["over another peer's stream", `${other.id}~1700000000000`, batch],
    ['over another first number', stream, { ...batch, first: 2 }],
    ['over other digests', stream, { ...batch, digests: flipped(batch.digests) }],
    ['over fewer digests', stream, { ...batch, digests: batch.digests.slice(16) }],
    ['that is another', stream, { ...batch, signature: flipped(batch.signature) }],
    ['that is cut off', stream, { ...batch, signature: batch.signature.slice(1) }],
    ['in DER', stream, { ...batch, signature: sign('sha256', batch.digests, identity.privateKey) }],
    ['by another key under its own name', stream, { ...batchOf(otherSigning, stream), key: signing.key }],
    ['by another key', stream, batchOf(otherSigning, stream)],
    ['with a key of other bytes', stream, { ...batch, key: flipped(batch.key) }],
    ['with no key', stream, { ...batch, key: new Uint8Array() }],
    ['of a stream that names nobody', 'x', batch],
  ])('is refused %s', (_, of, refused) => {
    // Of a peer that knows the key, and of one that does not.
    const fresh = new MessageSigning(other, 'm');
    expect(fresh.verify(of, refused)).toBe(false);
    expect(fresh.verify(stream, batch)).toBe(true);
    expect(fresh.verify(of, refused)).toBe(false);
  });

  it.each([
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('by a key of another kind (%s) is refused, though the id is its hash', (_, { publicKey, privateKey }) => {
    const key = publicKey.export({ type: 'spki', format: 'der' });
    const id = base32(createHash('sha256').update(key).digest());
    expect(
      signing.verify(`${id}~1`, { key, first: 1, digests: new Uint8Array(16), signature: new Uint8Array(64) }),
    ).toBe(false);
    expect(privateKey.type).toBe('private');
  });

  it('by what is no point of the curve is refused', () => {
    const key = Buffer.from(signing.key);
    key.fill(1, 27);
    const id = base32(createHash('sha256').update(key).digest());
    expect(signing.verify(`${id}~1`, { ...batch, key })).toBe(false);
  });

  it('never throws, and no change of a byte is taken', () => {
    const fields = ['key', 'digests', 'signature'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.nat(), fc.integer({ min: 1, max: 255 }), (field, at, bits) => {
        const changed = Uint8Array.from(batch[field]);
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ bits;
        expect(signing.verify(stream, { ...batch, [field]: changed })).toBe(false);
      }),
      { numRuns: 60 },
    );
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.string(), bytes, fc.maxSafeNat(), bytes, bytes, (of, key, first, digests, signature) => {
        expect(signing.verify(of, { key, first, digests, signature })).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the keys of others', () => {
  it('are kept up to a bound, and read anew when they were forgotten', () => {
    const small = new MessageSigning(identity, 'm', 2);
    const peers: readonly Identity[] = [1, 2, 3].map(() => createIdentity());
    const batches = peers.map((peer) => {
      const of = `${peer.id}~1`;
      return { of, batch: batchOf(new MessageSigning(peer, 'm'), of) };
    });
    for (const { of, batch } of [...batches, ...batches.slice(0, 1)]) expect(small.verify(of, batch)).toBe(true);
    expect(small.keys).toBe(2);
    expect(small.stats).toEqual({ keysRead: 4, keysEvicted: 2 });
  });
});
