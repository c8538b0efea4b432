import { generateKeyPairSync } from 'node:crypto';
import type { LookupRecord, UnsignedRecord } from '@starling/core-kademlia';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIdentity } from './identity.ts';
import { publisherOf, RecordVerification, signRecord } from './record-signing.ts';

const alice = createIdentity();
const mallory = createIdentity();
const text = (of: string) => Uint8Array.from(Buffer.from(of));
const unsigned: UnsignedRecord = { kind: 'value', key: text('song'), value: text('la'), version: 3, expiresAt: 99_000 };
const record = signRecord(alice, unsigned);

describe('a record', () => {
  it('that its publisher signed is taken, again and again', () => {
    const { verify } = new RecordVerification();
    for (let i = 0; i < 3; i++) expect(verify(record)).toBe(true);
    expect(publisherOf(record.publicKey)).toBe(alice.id);
  });

  it.each<[string, Partial<LookupRecord>]>([
    ['another kind', { kind: 'provider' }],
    ['another key', { key: text('sung') }],
    ['a letter moved from the value to the key', { key: text('songl'), value: text('a') }],
    ['another value', { value: text('lo') }],
    ['another version', { version: 4 }],
    ['another expiry', { expiresAt: 99_001 }],
    ['another publisher', { publisher: mallory.id }],
    ["another's key", { publicKey: signRecord(mallory, unsigned).publicKey }],
    ["another's signature", { signature: signRecord(mallory, unsigned).signature }],
    ['no signature', { signature: new Uint8Array() }],
    ['a signature cut off', { signature: record.signature.slice(1) }],
    ['no key', { publicKey: new Uint8Array() }],
  ])('with %s is refused, whether the key is known or not', (_name, change) => {
    const { verify } = new RecordVerification();
    expect(verify({ ...record, ...change })).toBe(false);
    expect(verify(record)).toBe(true);
    expect(verify({ ...record, ...change })).toBe(false);
  });

  it('signed with a key of another kind is refused', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const der = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
    expect(publisherOf(der)).toBeNull();
    expect(new RecordVerification().verify({ ...record, publicKey: der })).toBe(false);
  });

  it('of any bytes does not make it throw', () => {
    const { verify } = new RecordVerification();
    const bytes = fc.uint8Array({ minLength: 60, maxLength: 95 });
    fc.assert(
      fc.property(bytes, bytes, fc.boolean(), (publicKey, signature, isAlice) => {
        expect(verify({ ...record, publicKey: isAlice ? record.publicKey : publicKey, signature })).toBe(false);
      }),
    );
  });
});
