import { describe, expect, it } from 'vitest';
import { copiesOf, defaultKademliaConfig, type KademliaConfig } from './config.ts';
import { type LookupRecord, positionOfRecord, type RecordKind } from './record.ts';
import { RecordStore } from './record-store.ts';
import { isWithinBounds } from './task.ts';

const config: KademliaConfig = { ...defaultKademliaConfig, recordsMax: 8, holdersPerKeywordMax: 2 };

function record(kind: RecordKind, key: number, publisher = 'p', more: Partial<LookupRecord> = {}): LookupRecord {
  const bytes = new Uint8Array(0);
  return {
    ...{ kind, key: Uint8Array.of(key), value: bytes, version: 1, expiresAt: 1_000, publisher },
    ...{ publicKey: bytes, signature: bytes, ...more },
  };
}

function storeOf(): RecordStore {
  return new RecordStore(config, positionOfRecord({ kind: 'value', key: Uint8Array.of(0) }));
}

describe('keyword records', () => {
  it('have fewer copies than others', () => {
    expect([copiesOf(config, 'keyword'), copiesOf(config, 'provider'), copiesOf(config, 'value')]).toEqual([3, 20, 20]);
  });

  it('take their share of the room and no more, so that what people put has its own', () => {
    const store = storeOf();
    for (let key = 0; key < 4; key++) expect(store.put(0, record('keyword', key), 0)).toBe('stored');
    expect(store.put(0, record('keyword', 4), 0)).toBe('full');
    for (let key = 0; key < 4; key++) expect(store.put(0, record('value', key), 0)).toBe('stored');
    expect([store.count, store.keywordCount]).toEqual([8, 4]);
    // One that is renewed takes no further place, and one that expires gives its place back.
    expect(store.put(0, record('keyword', 1, 'p', { version: 2, expiresAt: 2_000 }), 0)).toBe('stored');
    expect(store.expire(1_500)).toBe(7);
    expect([store.count, store.keywordCount]).toEqual([1, 1]);
    expect(store.put(1_500, record('keyword', 4, 'p', { expiresAt: 2_000 }), 0)).toBe('stored');
  });

  it('of one word are as many as a rare word has', () => {
    const store = storeOf();
    expect(['a', 'b', 'c'].map((publisher) => store.put(0, record('keyword', 1, publisher), 0))).toEqual([
      'stored',
      'stored',
      'full',
    ]);
  });

  it('say next to nothing', () => {
    const saying = (bytes: number) => record('keyword', 1, 'p', { value: new Uint8Array(bytes) });
    expect([16, 17].map((bytes) => isWithinBounds(0, config, saying(bytes)))).toEqual([true, false]);
  });
});
