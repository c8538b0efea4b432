import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authority } from './authority.ts';
import { initAuthority } from './authority-directory.ts';
import { createIdentity } from './identity.ts';
import { authorityKeyOf, joinMesh, renewMembership } from './join-client.ts';
import { type JoinEvent, JoinServer } from './join-server.ts';
import { JoinTokens, joinTokensMax } from './join-tokens.ts';
import { NamePolicy, namesOf } from './names.ts';
import { renewedAuthority } from './rooted-authority.test-support.ts';
import { readTlsDirectory } from './tls-directory.ts';

const cleanups: (() => unknown)[] = [];
let dir: string;
let authority: Authority;
let server: JoinServer;
let address: string;
let events: JoinEvent[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'starling-join-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  ({ authority } = await initAuthority(join(dir, 'ca'), 'm'));
  events = [];
  server = new JoinServer({
    authority: () => authority,
    dir: join(dir, 'ca'),
    policy: { names: new NamePolicy(['edge.example']), lifetimeMs: 3_600_000 },
    names: [],
    on: (event) => events.push(event),
  });
  address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  cleanups.push(() => server.close());
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const token = (forMs = 60_000) => new JoinTokens(join(dir, 'ca')).add(authorityKeyOf(authority.certificate), forMs);
const wish = (name: string, names: string[] = [], identity = createIdentity()) => ({
  address,
  identity,
  names: namesOf(names),
  dir: join(dir, name),
  timeoutMs: 5_000,
});

describe('a join token', () => {
  it('is good for one certificate, of the key that asks', async () => {
    const text = token();
    const first = wish('first', ['edge.example']);
    const joined = await joinMesh(first, text);
    expect(joined).toMatchObject({ mesh: 'm', peerId: first.identity.id });
    expect(readTlsDirectory(first.dir, { privateKey: first.identity.privateKey, mesh: 'm' }).ok).toBe(true);
    await expect(joinMesh(wish('second'), text)).rejects.toThrow(/used already.*\(used\)/);
    expect(server.counts).toMatchObject({ issued: 1, refused: { used: 1 } });
    expect(events).toMatchObject([
      { kind: 'issued', how: 'join', peerId: first.identity.id },
      { kind: 'refused', reason: 'used', from: expect.stringContaining('127.0.0.1') },
    ]);
  });

  it('is good once also when many ask at the same time', async () => {
    const text = token();
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => joinMesh(wish(`w${i}`), text)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(server.counts).toMatchObject({ issued: 1, refused: { used: 7 } });
  });

  it('that nobody made, or that has expired, is refused with the reason', async () => {
    const strange = token().replace(/_join_.{10}/, '_join_AAAAAAAAAA');
    await expect(joinMesh(wish('a'), strange)).rejects.toThrow(/none of this authority.*\(unknown\)/);
    await expect(joinMesh(wish('a'), token(-1))).rejects.toThrow(/has expired \(expired\)/);
    await expect(joinMesh(wish('a'), 'no token')).rejects.toThrow('no join token');
    expect(server.counts.refused).toMatchObject({ unknown: 1, expired: 1 });
  });

  it('is not used up by a request that the authority refuses', async () => {
    const text = token();
    await expect(joinMesh(wish('a', ['other.example']), text)).rejects.toThrow(
      /other\.example is not allowed \(request\)/,
    );
    await joinMesh(wish('a', ['edge.example']), text);
  });

  it('is told to nobody but its authority', async () => {
    const other = await initAuthority(join(dir, 'other'), 'm');
    const text = new JoinTokens(join(dir, 'ca')).add(authorityKeyOf(other.authority.certificate), 60_000);
    await expect(joinMesh(wish('a'), text)).rejects.toThrow(
      'not of the authority that the token names: nothing was said',
    );
    expect(events).toEqual([]);
  });

  it('is kept as a hash, for the owner alone; there are no more than a bound of them; the expired make room', () => {
    const tokens = new JoinTokens(join(dir, 'ca'));
    const now = Date.now();
    const text = tokens.add('a'.repeat(52), 1_000, now);
    const [file = ''] = readdirSync(join(dir, 'ca', 'join'));
    expect(text).not.toContain(file.slice(0, 20));
    expect(statSync(join(dir, 'ca', 'join', file)).mode & 0o777).toBe(0o600);
    for (let i = 1; i < joinTokensMax; i++) writeFileSync(join(dir, 'ca', 'join', `${i}.open`), String(now + 1_000));
    expect(() => tokens.add('a'.repeat(52), 1_000, now)).toThrow(`${joinTokensMax} join tokens`);
    expect(() => tokens.add('a'.repeat(52), 1_000, now + 2_000)).not.toThrow();
    expect(readdirSync(join(dir, 'ca', 'join'))).toHaveLength(1);
  });
});

describe('a renewal', () => {
  it('needs the certificate that is renewed, and the same key', async () => {
    const member = wish('member');
    await joinMesh(member, token());
    const renewed = await renewMembership(member, 'm');
    expect(renewed.peerId).toBe(member.identity.id);
    expect(server.counts).toMatchObject({ issued: 1, renewed: 1 });
    await expect(renewMembership(wish('stranger'), 'm')).rejects.toThrow('nothing to renew');
  });

  it('is refused for another key, and without a certificate', async () => {
    const post = (body: string) =>
      new Promise<string>((resolve, reject) => {
        const call = httpsRequest(`https://${address}/v1/renew`, {
          method: 'POST',
          rejectUnauthorized: false,
          agent: false,
        });
        call.on('error', reject).on('response', (response) => {
          let text = '';
          response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(`${response.statusCode} ${text}`));
        });
        call.end(body);
      });
    expect(await post(JSON.stringify({ request: 'x' }))).toMatch(/^403 .*not-certified/);
    expect(await post('{"request":')).toMatch(/^400 .*malformed/);
    expect(await post('x'.repeat(20_000))).toMatch(/^400 .*malformed/);
  });
});

describe('an authority under a root', () => {
  let [before, after]: Authority[] = [];
  beforeEach(async () => {
    const pairs = await renewedAuthority();
    before = Authority.of('m', ...pairs.before, pairs.root);
    after = Authority.of('m', ...pairs.after, pairs.root);
  });

  /** One that begins with the authority as it is now: the other has made its certificate already. */
  async function listening(): Promise<void> {
    const other = new JoinServer({
      authority: () => authority,
      dir: join(dir, 'ca'),
      policy: { names: new NamePolicy([]), lifetimeMs: 3_600_000 },
      names: [],
      on: (event) => events.push(event),
    });
    address = `127.0.0.1:${await other.listen('127.0.0.1', 0)}`;
    cleanups.push(() => other.close());
  }

  it('is known by the chain that its join server shows, also when it has another key than whoever renews has heard of', async () => {
    authority = before as Authority;
    await listening();
    const member = wish('member');
    await joinMesh(member, token());
    authority = after as Authority;
    await listening();
    const renewed = await renewMembership({ ...member, address }, 'm');
    expect(renewed.peerId).toBe(member.identity.id);
    const reading = readTlsDirectory(member.dir, { privateKey: member.identity.privateKey, mesh: 'm' });
    expect(reading.ok && reading.material.authorities).toBe(after?.bundle);
  });

  it('of another root is none, whatever chain it shows', async () => {
    authority = before as Authority;
    await listening();
    const member = wish('member');
    await joinMesh(member, token());
    const stranger = await renewedAuthority();
    authority = Authority.of('m', ...stranger.before, stranger.root);
    await listening();
    await expect(renewMembership({ ...member, address }, 'm')).rejects.toThrow('nothing was said to it');
  });

  it('that is renewed under a running server is shown by it at once, so that tokens of the new key are good', async () => {
    authority = before as Authority;
    await listening();
    await joinMesh(wish('early'), token());
    authority = after as Authority;
    await vi.waitFor(() => joinMesh(wish('late'), token()), { timeout: 20_000, interval: 200 });
  });
});

it('one address is served so often in a minute and no more', async () => {
  const text = token();
  const answers = await Promise.allSettled(
    Array.from({ length: 25 }, (_, i) =>
      joinMesh(wish(`w${i}`), `${text.slice(0, 14)}${'B'.repeat(43)}${text.slice(57)}`),
    ),
  );
  const reasons = answers.map((answer) =>
    answer.status === 'rejected' ? /\(([a-z-]+)\)$/.exec(String(answer.reason.message))?.[1] : 'ok',
  );
  expect(reasons.filter((reason) => reason === 'unknown')).toHaveLength(20);
  expect(reasons.filter((reason) => reason === 'too-many')).toHaveLength(5);
});
