import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { infoOf } from '../spec/kademlia-network.ts';
import { defaultKademliaConfig } from './config.ts';
import { type Contact, sortByDistance } from './contact.ts';
import { FullTable } from './full-table.ts';
import { KBuckets } from './k-buckets.ts';
import { compareDistance, fromBytes, positionOfPeer, sharedBits, toBytes } from './position.ts';
import { RoutingTable } from './routing-table.ts';

const ids = fc.nat({ max: 400 }).map((n) => `p${n}`);
const change = fc.record({ add: fc.boolean(), id: ids });
const changes = fc.array(change, { maxLength: 300 });

function contactOf(id: string, zone = ''): Contact {
  return { info: infoOf(id, zone), position: positionOfPeer(id) };
}

function idsOf(contacts: readonly Contact[]): string[] {
  return contacts.map(({ info }) => info.id);
}

describe('positions', () => {
  it('survive the wire, and nothing but 32 bytes is one', () => {
    fc.assert(
      fc.property(ids, fc.nat({ max: 64 }), (id, length) => {
        const position = positionOfPeer(id);
        expect(fromBytes(toBytes(position))).toEqual(position);
        expect(fromBytes(new Uint8Array(length)) === null).toBe(length !== 32);
      }),
    );
  });

  it('have a distance that is a metric: symmetric, and for one distance from a point there is one point (Kademlia §2.1)', () => {
    fc.assert(
      fc.property(ids, ids, ids, (a, b, c) => {
        const [x, y, z] = [positionOfPeer(a), positionOfPeer(b), positionOfPeer(c)];
        expect(sharedBits(x, y)).toBe(sharedBits(y, x));
        expect(compareDistance(x, y, z) === 0).toBe(b === c);
        if (sharedBits(x, y) > sharedBits(x, z)) expect(compareDistance(x, y, z)).toBe(-1);
      }),
    );
  });
});

describe('a table of all', () => {
  it('finds the nearest just as sorting everybody would', () => {
    fc.assert(
      fc.property(changes, ids, fc.integer({ min: 1, max: 25 }), (steps, target, count) => {
        const table = new FullTable();
        const twin = new Map<string, Contact>();
        const point = positionOfPeer(`key ${target}`);
        for (const { add, id } of steps) {
          if (add) {
            table.set(contactOf(id));
            twin.set(id, contactOf(id));
          } else {
            table.delete(id);
            twin.delete(id);
          }
          if (twin.size % 7 === 0) table.closest(point, 3); // works changes in at odd moments
        }
        const expected = sortByDistance(point, [...twin.values()]).slice(0, count);
        expect(idsOf(table.closest(point, count))).toEqual(idsOf(expected));
        expect(table.size).toBe(twin.size);
        for (const id of twin.keys()) expect(table.get(id)?.info.id).toBe(id);
      }),
    );
  });
});

describe('k-buckets', () => {
  const k = 4;

  it('hold at most k peers at each distance, and find the nearest of those they hold', () => {
    fc.assert(
      fc.property(changes, ids, fc.integer({ min: 1, max: 25 }), (steps, target, count) => {
        const self = positionOfPeer('self');
        const buckets = new KBuckets(self, k, k, ({ info }) => info.zone === 'near');
        for (const { add, id } of steps) {
          if (add) buckets.add(contactOf(id, id.endsWith('1') ? 'near' : 'far'), id.endsWith('2'));
          else buckets.delete(id);
        }
        const held = [...buckets.contacts()];
        const perBucket = new Map<number, number>();
        for (const { position } of held) {
          const at = sharedBits(self, position);
          perBucket.set(at, (perBucket.get(at) ?? 0) + 1);
        }
        for (const size of perBucket.values()) expect(size).toBeLessThanOrEqual(k);
        expect(buckets.size).toBe(held.length);
        const point = positionOfPeer(target);
        expect(idsOf(buckets.closest(point, count))).toEqual(idsOf(sortByDistance(point, held).slice(0, count)));
      }),
    );
  });

  it('keep those known longest, and give the place of one that went to the newest in waiting (§2.2, §4.1)', () => {
    const self = positionOfPeer('self');
    const alike = Array.from({ length: 400 }, (_, i) => contactOf(`p${i}`)).filter(
      ({ position }) => sharedBits(self, position) === 0,
    );
    const buckets = new KBuckets(self, k, 2, () => false);
    for (const contact of alike.slice(0, 8)) buckets.add(contact, false);
    const first = alike.slice(0, k);
    expect([...buckets.contacts()]).toEqual(first);
    buckets.delete((first[0] as Contact).info.id);
    expect(idsOf([...buckets.contacts()])).toEqual(idsOf([...first.slice(1), alike[7] as Contact]));
  });

  it('keep one that did not answer while nobody waits for its place', () => {
    const buckets = new KBuckets(positionOfPeer('self'), k, 2, () => false);
    buckets.add(contactOf('p1'), false);
    buckets.replace('p1');
    expect(buckets.has('p1')).toBe(true);
  });
});

describe('whom a peer knows', () => {
  const config = { ...defaultKademliaConfig, fullTableMax: 50, k: 4 };

  it('is everybody in a small mesh, k per bucket in a large one, and everybody again when told so', () => {
    const table = new RoutingTable(config, infoOf('self'));
    for (let i = 0; i < 50; i++) table.memberUp(infoOf(`p${i}`));
    expect([table.isFull, table.size]).toEqual([true, 50]);
    table.memberUp(infoOf('p50'));
    expect(table.isFull).toBe(false);
    expect(table.size).toBeLessThan(50);
    for (let i = 0; i < 12; i++) table.memberDown(`p${i}`);
    expect(table.isFullWanted).toBe(true);
    table.beginFull();
    for (let i = 12; i < 51; i++) table.memberUp(infoOf(`p${i}`));
    expect([table.isFull, table.size]).toEqual([true, 39]);
  });

  it('puts those who did not answer last, until they are heard or time passes', () => {
    const table = new RoutingTable(config, infoOf('self'));
    const point = positionOfPeer('key');
    for (let i = 0; i < 10; i++) table.memberUp(infoOf(`p${i}`));
    const [first, second] = idsOf(table.closest(0, point, 2)) as [string, string];
    table.failed(0, first);
    expect(idsOf(table.closest(1, point, 1))).toEqual([second]);
    expect(idsOf(table.closest(1, point, 10))).toContain(first);
    table.heard(infoOf(first));
    expect(idsOf(table.closest(1, point, 1))).toEqual([first]);
    table.failed(1, first);
    expect(idsOf(table.closest(1 + config.suspectMs, point, 1))).toEqual([first]);
  });
});
