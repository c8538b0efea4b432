import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DnsDiscovery, type DnsResolver } from './dns-discovery.ts';
import { FileDiscovery } from './file-discovery.ts';
import { defaultPeerCacheConfig, PeerCache } from './peer-cache.ts';
import { staticDiscovery } from './static-discovery.ts';

let folder: string;
let troubles: string[];
const onTrouble = (source: string, message: string): void => {
  troubles.push(`${source}: ${message}`);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-discovery-'));
  troubles = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a static list', () => {
  it('is what was configured', async () => {
    expect(await staticDiscovery(['a:1', 'b:2']).find()).toEqual(['a:1', 'b:2']);
  });
});

describe('DNS', () => {
  const unknown = Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' });
  const broken = Object.assign(new Error('queryA ETIMEOUT'), { code: 'ETIMEOUT' });
  const nothing: DnsResolver = {
    resolve4: () => Promise.reject(unknown),
    resolve6: () => Promise.reject(unknown),
    resolveSrv: () => Promise.reject(unknown),
    lookup: () => Promise.reject(unknown),
  };

  it('gives the addresses of a name with its port', async () => {
    const resolver = {
      ...nothing,
      resolve4: () => Promise.resolve(['10.0.0.1', '10.0.0.2']),
      resolve6: () => Promise.resolve(['fd00::1']),
    };
    const dns = new DnsDiscovery('peers.svc:7400', onTrouble, resolver);
    expect(await dns.find()).toEqual(['10.0.0.1:7400', '10.0.0.2:7400', '[fd00::1]:7400']);
  });

  it('gives names and ports of SRV records', async () => {
    const resolver = { ...nothing, resolveSrv: () => Promise.resolve([{ name: 'peer-0.peers.svc', port: 7400 }]) };
    expect(await new DnsDiscovery('_links._tcp.peers.svc', onTrouble, resolver).find()).toEqual([
      'peer-0.peers.svc:7400',
    ]);
  });

  it('falls back to what the system knows: the hosts file', async () => {
    const resolver = { ...nothing, lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) };
    expect(await new DnsDiscovery('laptop:1', onTrouble, resolver).find()).toEqual(['127.0.0.1:1']);
  });

  it('takes no answer for nobody yet, without complaint', async () => {
    expect(await new DnsDiscovery('peers.svc:7400', onTrouble, nothing).find()).toEqual([]);
    expect(await new DnsDiscovery('_links._tcp.peers.svc', onTrouble, nothing).find()).toEqual([]);
    expect(troubles).toEqual([]);
  });

  it('tells once that the name stays unknown, and again after it was known', async () => {
    let isKnown = false;
    const resolve4 = () => (isKnown ? Promise.resolve(['10.0.0.1']) : Promise.reject(unknown));
    let now = 0;
    const dns = new DnsDiscovery('peers.svc.wrong.domain:7400', onTrouble, { ...nothing, resolve4 }, () => now);
    const told: number[] = [];
    for (const known of [false, false, false, false, true, false, false, false]) {
      isKnown = known;
      await dns.find();
      told.push(troubles.length);
      now += 5_000;
    }
    expect(told).toEqual([0, 0, 1, 1, 1, 1, 1, 2]);
    expect(troubles[0]).toBe('dns peers.svc.wrong.domain:7400: the name is unknown: is it right?');
  });

  it('tells once that the servers fail, and again after they have worked', async () => {
    let answer: Promise<readonly string[]>;
    const dns = new DnsDiscovery('peers.svc:7400', onTrouble, { ...nothing, resolve4: () => answer });
    for (const works of [false, false, true, false]) {
      answer = works ? Promise.resolve(['10.0.0.1']) : Promise.reject(broken);
      if (works) await dns.find();
      else await expect(dns.find()).rejects.toThrow('ETIMEOUT');
    }
    expect(troubles).toHaveLength(2);
    expect(dns.trouble.failures).toBe(3);
  });

  it('takes a bounded part of a large answer', async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const dns = new DnsDiscovery('peers.svc:7400', onTrouble, { ...nothing, resolve4: () => Promise.resolve(many) });
    expect(await dns.find()).toHaveLength(256);
  });

  it.each(['', 'peers.svc', 'peers.svc:', 'a b:1', '10.0.0.1:x'])('refuses %j', (query) => {
    expect(() => new DnsDiscovery(query, onTrouble, nothing)).toThrow('neither');
  });
});

describe('a file', () => {
  it('has one address per line, and comments; and is read anew each time', async () => {
    const path = join(folder, 'peers');
    const file = new FileDiscovery(path, onTrouble);
    expect(await file.find()).toEqual([]);
    writeFileSync(path, '# seeds\na:1\n\n  b:2  # the second\n');
    expect(await file.find()).toEqual(['a:1', 'b:2']);
    expect(troubles).toEqual([]);
  });

  it('is refused when it is too large or no file', async () => {
    const path = join(folder, 'peers');
    writeFileSync(path, 'x'.repeat(70_000));
    await expect(new FileDiscovery(path, onTrouble).find()).rejects.toThrow('larger');
    await expect(new FileDiscovery(folder, onTrouble).find()).rejects.toThrow('EISDIR');
    expect(troubles).toHaveLength(2);
  });
});

describe('the peer cache', () => {
  const path = (): string => join(folder, 'data', 'peers.json');
  const cache = (now = () => 1_000): PeerCache =>
    new PeerCache(path(), onTrouble, { ...defaultPeerCacheConfig, peersMax: 3 }, now);

  it('gives what the run before met, the latest first', async () => {
    const before = cache();
    for (const id of ['a', 'b', 'c', 'a']) before.remember({ id, address: `${id}:1` });
    await before.save();
    expect(await cache().find()).toEqual(['a:1', 'c:1', 'b:1']);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'data'))).toEqual(['peers.json']);
  });

  it('is bounded: those not seen for longest go', async () => {
    const before = cache();
    for (const id of ['a', 'b', 'c', 'd']) before.remember({ id, address: `${id}:1` });
    await before.save();
    expect(await cache().find()).toEqual(['d:1', 'c:1', 'b:1']);
  });

  it('keeps what the run before knew, also when this one writes first', async () => {
    const before = cache();
    before.remember({ id: 'a', address: 'a:1' });
    await before.save();
    const after = cache();
    after.remember({ id: 'b', address: 'b:1' });
    await after.save();
    expect(await cache().find()).toEqual(['b:1', 'a:1']);
  });

  it('does not try what was not seen for long', async () => {
    const before = cache(() => 1_000);
    before.remember({ id: 'a', address: 'a:1' });
    await before.save();
    expect(await cache(() => 2_000 + defaultPeerCacheConfig.expiryMs).find()).toEqual([]);
  });

  it.each(['', '{', 'null', '{"version":2,"peers":[]}', '{"version":1,"peers":7}', '[]', '\u0000\u0001'])(
    'is empty, and told, when its file is %j',
    async (text) => {
      const first = cache();
      first.remember({ id: 'a', address: 'a:1' });
      await first.save();
      writeFileSync(path(), text);
      const broken = cache();
      expect(await broken.find()).toEqual([]);
      expect(await broken.find()).toEqual([]);
      expect(troubles).toHaveLength(1);
      broken.remember({ id: 'b', address: 'b:1' });
      await broken.save();
      expect(await cache().find()).toEqual(['b:1']);
    },
  );

  it('ignores entries that are none', async () => {
    const first = cache();
    first.remember({ id: 'a', address: 'a:1' });
    await first.save();
    const json = JSON.parse(readFileSync(path(), 'utf8')) as { peers: unknown[] };
    json.peers.push(null, 7, { id: 'x' }, { id: 'x', address: 1, seenAt: 'now' });
    writeFileSync(path(), JSON.stringify(json));
    expect(await cache().find()).toEqual(['a:1']);
  });

  it('tells once that the disk is full, leaves the old file whole, and goes on when there is room', async (context) => {
    const disk = join(folder, 'disk');
    execFileSync('mkdir', [disk]);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      context.skip('mounting a small tmpfs needs root: run the tests as root to include this one');
    }
    try {
      const full = new PeerCache(join(disk, 'peers.json'), onTrouble);
      full.remember({ id: 'a', address: 'a:1' });
      await full.save();
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(56 * 1024));
      for (let i = 0; i < 60; i++) full.remember({ id: `${i}`.repeat(40), address: `${'x'.repeat(200)}:1` });
      await full.save();
      await full.save();
      expect(troubles).toHaveLength(1);
      expect(troubles[0]).toContain('ENOSPC');
      expect(full.trouble.failures).toBe(2);
      expect(await new PeerCache(join(disk, 'peers.json'), onTrouble).find()).toEqual(['a:1']);
      expect(readdirSync(disk).sort()).toEqual(['ballast', 'peers.json']);
      rmSync(join(disk, 'ballast'));
      await full.save();
      expect(await new PeerCache(join(disk, 'peers.json'), onTrouble).find()).toHaveLength(61);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
