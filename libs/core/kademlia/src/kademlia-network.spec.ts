import { describe, expect, it } from 'vitest';
import { bytesOf, infoOf, KademliaNetwork, signed } from '../spec/kademlia-network.ts';
import { defaultKademliaConfig } from './config.ts';
import { compareDistance, positionOfKey, positionOfPeer } from './position.ts';

const k = 5;
const ids = Array.from({ length: 60 }, (_, i) => `p${i}`);
const infos = ids.map((id, i) => infoOf(id, `zone-${i % 3}`));
const small = { k };
/** As if there were too many to know all. */
const large = { k, fullTableMax: 1 };

function nearest(key: string, among: readonly string[] = ids): string[] {
  const target = positionOfKey('value', bytesOf(key));
  return [...among].sort((a, b) => compareDistance(target, positionOfPeer(a), positionOfPeer(b))).slice(0, k);
}

describe.each([
  ['all members known', small],
  ['k per bucket', large],
])('a record, with %s', (_name, config) => {
  it('is kept by the k peers nearest to its key and found from everywhere', () => {
    const network = new KademliaNetwork(infos, config);
    const put = network.put('p0', signed({ key: bytesOf('song') }));
    expect(put).toMatchObject({ outcome: 'stored', holders: k, wanted: k });
    expect(network.holders('song').sort()).toEqual(nearest('song').sort());
    for (const id of ids) {
      const got = network.get(id, 'song');
      expect(got).toMatchObject({ outcome: 'found', holders: 1 });
      expect(got.records[0]?.publisher).toBe('author');
    }
  });

  it('is found while one holder lives, though the others died and nobody noticed', () => {
    const network = new KademliaNetwork(infos, config);
    network.put('p0', signed({ key: bytesOf('song') }));
    const [survivor, ...dead] = nearest('song').reverse();
    for (const id of dead) network.kill(id, false);
    for (const id of ids.filter((each) => !dead.includes(each)))
      expect(network.get(id, 'song').outcome, id).toBe('found');
    expect(network.holders('song')).toEqual([survivor]);
  });

  it('that nobody published is not found, and every one of the nearest was asked', () => {
    const network = new KademliaNetwork(infos, config);
    const got = network.get('p7', 'nothing');
    expect(got).toMatchObject({ outcome: 'notFound', records: [] });
    expect(got.hops.map(({ peer }) => peer.id)).toEqual(
      expect.arrayContaining(
        nearest(
          'nothing',
          ids.filter((id) => id !== 'p7'),
        ),
      ),
    );
  });

  it('is replaced by a newer version, and by no older one', () => {
    const network = new KademliaNetwork(infos, config);
    const key = bytesOf('song');
    network.put('p0', signed({ key, version: 2, value: bytesOf('two') }));
    expect(network.put('p1', signed({ key, version: 1, value: bytesOf('one') })).outcome).toBe('superseded');
    expect(network.get('p9', 'song').records[0]?.version).toBe(2);
    network.put('p1', signed({ key, version: 3, value: bytesOf('three') }));
    expect(network.get('p9', 'song', { answers: k }).records[0]?.version).toBe(3);
  });

  it('of one publisher leaves that of another alone, and can be asked for', () => {
    const network = new KademliaNetwork(infos, config);
    const key = bytesOf('song');
    network.put('p0', signed({ key, version: 1 }, 'alice'));
    network.put('p1', signed({ key, version: 9 }, 'mallory'));
    expect(network.get('p9', 'song', { publisher: 'alice' }).records.map(({ version }) => version)).toEqual([1]);
    expect(network.get('p9', 'song').records.map(({ publisher }) => publisher)).toEqual(['mallory', 'alice']);
  });

  it('is gone after it expired', () => {
    const network = new KademliaNetwork(infos, config);
    network.put('p0', signed({ key: bytesOf('song'), expiresAt: 60_000 }));
    network.run(60_000);
    expect(network.get('p9', 'song').outcome).toBe('notFound');
    network.run(defaultKademliaConfig.housekeepingMs);
    expect([...network.nodes.values()].reduce((sum, { core }) => sum + core.store.count, 0)).toBe(0);
  });

  it('moves to whoever becomes one of the nearest, when holders go and when peers join', () => {
    const network = new KademliaNetwork(infos, config);
    network.put('p0', signed({ key: bytesOf('song') }));
    const [first, second] = nearest('song') as [string, string];
    network.kill(first, true);
    network.kill(second, true);
    network.run(5_000);
    const left = ids.filter((id) => id !== first && id !== second);
    expect(network.holders('song').sort()).toEqual(nearest('song', left).sort());
    const joiners = Array.from({ length: 40 }, (_, i) => `j${i}`);
    for (const id of joiners) network.join(infoOf(id));
    network.run(10_000);
    expect(network.holders('song')).toEqual(expect.arrayContaining(nearest('song', [...left, ...joiners])));
  });
});

describe('a copy', () => {
  it('that was made for somebody who hung is made again', () => {
    const network = new KademliaNetwork(infos, small);
    network.put('p0', signed({ key: bytesOf('song') }));
    const [first, second] = nearest('song') as [string, string];
    const left = ids.filter((id) => id !== first && id !== second);
    const heirs = nearest('song', left).slice(-2);
    for (const id of heirs) network.node(id).state = 'hung';
    network.kill(first, true);
    network.kill(second, true);
    network.run(network.config.repairMs);
    for (const id of heirs) network.node(id).state = 'up';
    expect(network.holders('song')).toHaveLength(k - 2);
    network.run(2 * network.config.repairMs);
    expect(network.holders('song').sort()).toEqual(nearest('song', left).sort());
  });

  it('that found somebody busy is made again', () => {
    const network = new KademliaNetwork(infos, { ...small, storesPerSecondMax: 1 });
    network.put('p0', signed({ key: bytesOf('song') }));
    const [first] = nearest('song') as [string];
    const left = ids.filter((id) => id !== first);
    const heir = nearest('song', left).at(-1) as string;
    network.kill(first, true);
    network.run(network.config.sweepDelayMs - 1);
    // Of another key that it is near to, and just now: the one store of this second.
    const near = ids.find((key) => nearest(key).includes(heir)) as string;
    const other = { kind: 'store', rpcId: 7, record: signed({ key: bytesOf(near) }) } as const;
    network.input(heir, { kind: 'message', from: left.find((id) => id !== heir) as string, message: other });
    network.run(1_000);
    expect(network.holders('song')).not.toContain(heir);
    network.run(network.config.repairMs);
    expect(network.holders('song').sort()).toEqual(nearest('song', left).sort());
  });

  it('is given up after a while', () => {
    const network = new KademliaNetwork(infos, small);
    network.put('p0', signed({ key: bytesOf('song') }));
    const [first] = nearest('song') as [string];
    network.node(
      nearest(
        'song',
        ids.filter((id) => id !== first),
      ).at(-1) as string,
    ).state = 'hung';
    network.kill(first, true);
    network.run(5 * network.config.repairMs);
    const made = network.sent.store;
    network.run(5 * network.config.repairMs);
    expect(network.sent.store).toBe(made);
    for (const { core, state } of network.nodes.values()) if (state === 'up') expect(core.copiesQueued).toBe(0);
  });
});

describe('in a mesh of which all is known', () => {
  it('a get is one call, to a holder of the own zone', () => {
    const network = new KademliaNetwork(infos, small);
    network.put('p0', signed({ key: bytesOf('song') }));
    const holders = nearest('song');
    const zones = new Set(holders.map((id) => infos[ids.indexOf(id)]?.zone));
    for (const { id, zone } of infos) {
      const got = network.get(id, 'song');
      if (holders.includes(id)) expect(got).toMatchObject({ rpcs: 0, rounds: 0 });
      else {
        expect(got).toMatchObject({ rpcs: 1, rounds: 1, isFullTable: true });
        if (zones.has(zone)) expect(got.hops[0]?.peer.zone).toBe(zone);
      }
    }
  });

  it('somebody else is asked beside a holder that hangs, long before its time is up', () => {
    const network = new KademliaNetwork(infos, small);
    network.put('p0', signed({ key: bytesOf('song') }));
    const asker = ids.find((id) => !nearest('song').includes(id)) as string;
    const zone = network.node(asker).info.zone;
    for (const id of nearest('song')) if (network.node(id).info.zone === zone) network.node(id).state = 'hung';
    const got = network.get(asker, 'song');
    expect(got).toMatchObject({ outcome: 'found' });
    expect(got.tookMs).toBeLessThan(network.config.rpcTimeoutMs / 2);
    expect(network.node(asker).core.stats.hedged).toBeGreaterThan(0);
  });

  it('a put ends without those that hang, once more than half have the record', () => {
    const network = new KademliaNetwork(infos, small);
    for (const id of nearest('song').slice(0, 2)) network.node(id).state = 'hung';
    const asker = ids.find((id) => !nearest('song').includes(id)) as string;
    const put = network.put(asker, signed({ key: bytesOf('song') }));
    expect(put).toMatchObject({ outcome: 'stored', holders: k - 2, wanted: k });
    expect(put.tookMs).toBeLessThan(network.config.rpcTimeoutMs / 2);
  });

  it('who is late gets its copy though the put has ended', () => {
    const network = new KademliaNetwork(infos, small);
    const late = nearest('song').slice(0, 2);
    for (const id of late) network.node(id).lagMs = 500;
    const asker = ids.find((id) => !nearest('song').includes(id)) as string;
    expect(network.put(asker, signed({ key: bytesOf('song') }))).toMatchObject({ outcome: 'stored', holders: k - 2 });
    network.run(1_000);
    expect(network.holders('song').sort()).toEqual(nearest('song').sort());
  });

  it('in place of those that hang the next nearest take it, and they themselves when they are back', () => {
    const network = new KademliaNetwork(infos, small);
    const hung = nearest('song').slice(0, 2);
    for (const id of hung) network.node(id).state = 'hung';
    const asker = ids.find((id) => !nearest('song').includes(id)) as string;
    const put = network.put(asker, signed({ key: bytesOf('song') }), true);
    const ended = JSON.stringify(put);
    network.run(2 * network.config.rpcTimeoutMs);
    expect(network.holders('song')).toHaveLength(k);
    expect(JSON.stringify(put)).toBe(ended);
    network.run(2 * network.config.repairMs);
    const attempts = network.sent.store;
    for (const id of hung) network.node(id).state = 'up';
    network.run(8 * network.config.repairMs);
    expect(network.holders('song')).toEqual(expect.arrayContaining(nearest('song')));
    const healed = network.sent.store;
    expect(healed).toBeGreaterThan(attempts);
    // All have it: nothing more until the next regular time.
    network.run(20 * network.config.repairMs);
    expect(network.sent.store).toBe(healed);
  });

  it('the next nearest takes what a holder refuses, and a put that fewer than half take has failed', () => {
    const network = new KademliaNetwork(infos, { ...small, recordsMax: 0 });
    expect(network.put('p0', signed({ key: bytesOf('song') }))).toMatchObject({ outcome: 'notStored', holders: 0 });
    expect(network.sent.store).toBeGreaterThan(k);
  });

  it('what its publisher signed is published again and again until it expires', () => {
    const network = new KademliaNetwork(infos, { ...small, republishMs: 60_000 });
    network.put('p0', signed({ key: bytesOf('song'), expiresAt: 500_000 }), true);
    for (const id of nearest('song')) if (id !== 'p0') network.kill(id, false);
    network.run(90_000);
    expect(network.holders('song').length).toBeGreaterThanOrEqual(k - 1);
    expect(network.node('p0').core.stats.republished).toBeGreaterThan(0);
    network.run(600_000);
    expect(network.node('p0').core.publishedCount).toBe(0);
  });

  it('holders tell each other once in an hour, and mostly one of them does', () => {
    const network = new KademliaNetwork(infos, { ...small, republishMs: 60_000 });
    network.put('p0', signed({ key: bytesOf('song') }));
    const before = network.sent.store;
    network.run(10 * 60_000);
    const rounds = (network.sent.store - before) / (k - 1);
    expect(rounds).toBeGreaterThan(5);
    // All of them would be 50 in ten minutes; those whose time comes within the same ten seconds cannot know of each other.
    expect(rounds).toBeLessThan(30);
    for (const { core } of network.nodes.values()) expect(core.stats.copiesFailed).toBe(0);
  });
});

describe('providers', () => {
  it('of one name are many, and are all found', () => {
    const network = new KademliaNetwork(infos, large);
    for (const who of ['alice', 'bob', 'carol']) {
      network.put('p0', signed({ kind: 'provider', key: bytesOf('thumbnails'), value: new Uint8Array() }, who));
    }
    const got = network.get('p9', 'thumbnails', { recordKind: 'provider', answers: 3, limit: 100 });
    expect(got.records.map(({ publisher }) => publisher).sort()).toEqual(['alice', 'bob', 'carol']);
    expect(network.get('p9', 'thumbnails').outcome).toBe('notFound');
  });
});

describe('liars', () => {
  it('that answer with records nobody signed are passed by', () => {
    const network = new KademliaNetwork(infos, large);
    network.put('p0', signed({ key: bytesOf('song') }));
    const forged = { ...signed({ key: bytesOf('song'), version: 99 }), value: bytesOf('forged') };
    const liars = new Set(ids.filter((_, i) => i % 5 === 1));
    network.lie = (from, message) =>
      message.kind === 'findValueReply' && liars.has(from) ? { ...message, records: [forged], peers: [] } : message;
    for (const id of ids) {
      if (liars.has(id)) continue;
      const got = network.get(id, 'song', { paths: 4 });
      expect(got.outcome, id).toBe('found');
      expect(got.records[0]?.version).toBe(1);
    }
  });

  it('that hand on such a record are refused and reported', () => {
    const network = new KademliaNetwork(infos, small);
    const record = { ...signed({ key: bytesOf('song') }), value: bytesOf('forged') };
    const holder = nearest('song')[0] as string;
    const from = ids.find((id) => id !== holder) as string;
    network.input(holder, { kind: 'message', from, message: { kind: 'store', rpcId: 1, record } });
    expect(network.node(holder).core.store.count).toBe(0);
    expect(network.events).toContainEqual({ kind: 'protocolViolation', peer: from, rule: 'record signature' });
  });

  it('on one path do not decide where the other paths lead', () => {
    const network = new KademliaNetwork(infos, large);
    network.put('p0', signed({ key: bytesOf('song') }));
    const got = network.get('p9', 'nothing', { paths: 4 });
    const askedBy = new Map<string, number>();
    for (const { peer, path } of got.hops) {
      expect(askedBy.get(peer.id) ?? path).toBe(path);
      askedBy.set(peer.id, path);
    }
    expect(new Set(askedBy.values()).size).toBeGreaterThan(1);
    expect(got.hops.length).toBe(askedBy.size);
  });
});

describe('bounds', () => {
  it('further lookups than may be under way end at once', () => {
    const network = new KademliaNetwork(infos, { ...large, lookupsMax: 1 });
    const get = {
      kind: 'get',
      recordKind: 'value',
      publisher: '',
      answers: 1,
      limit: 1,
      paths: 1,
      timeoutMs: 900,
    } as const;
    network.command('p0', { ...get, lookupId: 'a', key: bytesOf('a') });
    network.command('p0', { ...get, lookupId: 'b', key: bytesOf('b') });
    expect(network.results.get('b')?.outcome).toBe('overloaded');
    expect(network.finish('a').outcome).toBe('notFound');
  });

  it('lookups wait for a place among the calls, and go on when there is one', () => {
    const network = new KademliaNetwork(infos, { ...large, rpcsMax: 1 });
    const get = {
      kind: 'get',
      recordKind: 'value',
      publisher: '',
      answers: 1,
      limit: 1,
      paths: 1,
      timeoutMs: 9_000,
    } as const;
    for (const lookupId of ['a', 'b', 'c']) network.command('p0', { ...get, lookupId, key: bytesOf(lookupId) });
    for (const lookupId of ['a', 'b', 'c']) expect(network.finish(lookupId).outcome).toBe('notFound');
  });

  it('a lookup ends at its deadline, and when it is cancelled', () => {
    const network = new KademliaNetwork(infos, large);
    const get = {
      kind: 'get',
      recordKind: 'value',
      publisher: '',
      answers: 1,
      limit: 1,
      paths: 1,
      timeoutMs: 7,
    } as const;
    network.command('p0', { ...get, lookupId: 'late', key: bytesOf('x') });
    expect(network.finish('late')).toMatchObject({ outcome: 'deadline', tookMs: 7 });
    network.command('p0', { ...get, lookupId: 'gone', key: bytesOf('x') });
    network.command('p0', { kind: 'cancel', lookupId: 'gone' });
    expect(network.finish('gone').outcome).toBe('cancelled');
    expect(network.node('p0').core.pendingCount).toBe(0);
  });

  it('stores beyond what may be judged in a second are refused, and one publisher does not fill all', () => {
    const network = new KademliaNetwork(infos.slice(0, 1), { storesPerSecondMax: 3, recordBytesMax: 4_000 });
    const say = (n: number, publisher: string): void => {
      const record = signed({ key: bytesOf(`key ${n}`), value: new Uint8Array(200) }, publisher);
      network.input('p0', { kind: 'message', from: 'p1', message: { kind: 'store', rpcId: n, record } });
    };
    for (let n = 0; n < 5; n++) say(n, 'alice');
    const { stats, store } = network.node('p0').core;
    expect(stats.storesRefusedBusy).toBe(2);
    expect([stats.storesRefusedFull, store.count]).toEqual([1, 2]);
    network.run(1_000);
    say(9, 'bob');
    expect(store.count).toBe(3);
  });
});
