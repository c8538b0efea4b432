import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StarlingError } from '@starling/client';
import { exportJWK, exportSPKI, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from './caller.ts';
import { JwtVerifier, jwtLimits } from './jwt-verifier.ts';
import { defaultKeySetConfig, KeySet, keysFromUrl } from './key-set.ts';
import type { Role } from './roles.ts';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
const issuer = 'https://issuer.test/';
const audience = 'starling';
const now = Date.UTC(2026, 10, 25);
const seconds = now / 1_000;
const roles = new Map<string, Role>([
  ['mesh-reader', 'viewer'],
  ['mesh-writer', 'client'],
  ['mesh-admin', 'operator'],
]);

/** An issuer as companies have one: a key set behind HTTP. */
let server: Server;
let url: string;
let served: { readonly status: number; readonly body: string };
let requests: number;
const pairs: Record<string, Pair> = {};

async function keySetOf(...kids: string[]): Promise<JSONWebKeySet> {
  const keys = kids.map(async (kid) => {
    const { publicKey } = pairs[kid] as Pair;
    return { ...(await exportJWK(publicKey)), kid, alg: kid.split('-')[0] as string, use: 'sig' };
  });
  return { keys: await Promise.all(keys) };
}

const serve = async (...kids: string[]): Promise<void> => {
  served = { status: 200, body: JSON.stringify(await keySetOf(...kids)) };
};

function sign(
  kid: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload = { iss: issuer, aud: audience, sub: 'ann', exp: seconds + 60, roles: ['mesh-writer'], ...claims };
  return new SignJWT(payload as JWTPayload)
    .setProtectedHeader({ alg: kid.split('-')[0] as string, kid, ...header })
    .sign((pairs[kid] as Pair).privateKey);
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

let failures: unknown[];
let clock: number;
function verifier(rolesClaim = 'roles'): JwtVerifier {
  const keys = new KeySet(
    keysFromUrl(url),
    (error) => failures.push(error),
    { ...defaultKeySetConfig, timeoutMs: 500 },
    () => clock,
  );
  return new JwtVerifier({ issuer, audience, rolesClaim, roles }, keys.key);
}

async function outcomeOf(token: string, by = verifier(), at = now): Promise<Caller | StarlingError> {
  try {
    return await by.verify(token, at);
  } catch (error) {
    if (error instanceof StarlingError) return error;
    throw error;
  }
}

beforeAll(async () => {
  for (const kid of ['RS256-1', 'ES256-1', 'ES256-2', 'ES256-stranger']) {
    pairs[kid] = await generateKeyPair(kid.split('-')[0] as string, { extractable: true });
  }
  server = createServer((_request, response) => {
    requests++;
    // 0: an issuer that takes the request and says nothing.
    if (served.status === 0) return;
    response.writeHead(served.status, { location: url }).end(served.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
});
beforeEach(async () => {
  await serve('RS256-1', 'ES256-1');
  requests = 0;
  failures = [];
  clock = 1_000_000;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('a JSON Web Token', () => {
  it.each(['RS256-1', 'ES256-1'])('signed by the issuer (%s) says who calls, and until when', async (kid) => {
    const caller = await outcomeOf(await sign(kid));
    expect(caller).toMatchObject({ name: 'ann', role: 'client' });
    const end = now + 60_000 + jwtLimits.clockSkewMs;
    expect('isValid' in caller && [caller.isValid(end - 1), caller.isValid(end)]).toEqual([true, false]);
  });

  it.each([
    ['expired', () => sign('ES256-1', { exp: seconds - 60 }), 'TOKEN_EXPIRED'],
    ['for another audience', () => sign('ES256-1', { aud: 'another' }), 'TOKEN_UNKNOWN'],
    ['for no audience', () => sign('ES256-1', { aud: undefined }), 'TOKEN_UNKNOWN'],
    ['of another issuer', () => sign('ES256-1', { iss: 'https://evil.test/' }), 'TOKEN_UNKNOWN'],
    ['without an end', () => sign('ES256-1', { exp: undefined }), 'TOKEN_UNKNOWN'],
    ['not yet valid', () => sign('ES256-1', { nbf: seconds + 60 }), 'TOKEN_UNKNOWN'],
    ['of an unknown key', () => sign('ES256-stranger'), 'TOKEN_UNKNOWN'],
    ['of a key that calls itself another', () => sign('ES256-stranger', {}, { kid: 'ES256-1' }), 'TOKEN_UNKNOWN'],
    ['with an extension that is not understood', () => sign('ES256-1', {}, { crit: ['x'], x: 1 }), 'TOKEN_UNKNOWN'],
    ['with no role', () => sign('ES256-1', { roles: [] }), 'ROLE_TOO_LOW'],
    ['with the roles of another program', () => sign('ES256-1', { roles: ['operator', 7, null] }), 'ROLE_TOO_LOW'],
    ['whose roles are an object', () => sign('ES256-1', { roles: { 'mesh-admin': true } }), 'ROLE_TOO_LOW'],
  ])('that is %s is refused', async (_what, make, reason) => {
    // jose signs no `crit` that it does not know; the header is then put in by hand, and the signature is wrong as well.
    const token = await make().catch(async () => {
      const [, ...rest] = (await sign('ES256-1')).split('.');
      return [encode({ alg: 'ES256', kid: 'ES256-1', crit: ['x'], x: 1 }), ...rest].join('.');
    });
    expect(await outcomeOf(token)).toMatchObject({ reason });
  });

  it('without a signature is refused, whatever it calls that', async () => {
    const [, payload] = (await sign('ES256-1')).split('.');
    for (const alg of ['none', 'None', 'NONE', '']) {
      expect(await outcomeOf(`${encode({ alg })}.${payload}.`)).toMatchObject({ reason: 'TOKEN_UNKNOWN' });
    }
  });

  it('signed with the public key as if it were a shared secret is refused', async () => {
    const secret = new TextEncoder().encode(await exportSPKI((pairs['RS256-1'] as Pair).publicKey));
    const token = await new SignJWT({ iss: issuer, aud: audience, exp: seconds + 60, roles: ['mesh-admin'] })
      .setProtectedHeader({ alg: 'HS256', kid: 'RS256-1' })
      .sign(secret);
    expect(await outcomeOf(token)).toMatchObject({ reason: 'TOKEN_UNKNOWN' });
  });

  it('of which anything was changed is refused', async () => {
    const token = await sign('ES256-1');
    const [header, , signature] = token.split('.');
    const payload = encode({ iss: issuer, aud: audience, sub: 'ann', exp: seconds + 60, roles: ['mesh-admin'] });
    expect(await outcomeOf(`${header}.${payload}.${signature}`)).toMatchObject({ reason: 'TOKEN_UNKNOWN' });
  });

  it('has the highest of its roles, wherever its issuer keeps them', async () => {
    const said = ['mesh-reader', 'mesh-admin', 'other'];
    const places: [string, JWTPayload][] = [
      ['roles', { roles: said }],
      ['scope', { scope: said.join(' ') }],
      ['realm_access.roles', { realm_access: { roles: said } }],
      ['https://starling.test/roles', { 'https://starling.test/roles': said }],
    ];
    for (const [claim, claims] of places) {
      expect(await outcomeOf(await sign('ES256-1', claims), verifier(claim))).toMatchObject({ role: 'operator' });
    }
    const token = await sign('ES256-1', { roles: said });
    expect(await outcomeOf(token, verifier('constructor.name'))).toMatchObject({ reason: 'ROLE_TOO_LOW' });
  });

  it('is not checked twice in a minute, and is after it', async () => {
    const by = verifier();
    const token = await sign('ES256-1', { exp: seconds + 600 });
    const first = await outcomeOf(token, by);
    expect(by.verify(token, now + 59_000)).toBe(first);
    expect(by.verify(token, now + 61_000)).toBeInstanceOf(Promise);
  });

  it('is refused for a moment while too many others are being checked', async () => {
    served = { status: 0, body: '' };
    const by = verifier();
    const tokens = await Promise.all(Array.from({ length: 65 }, (_, i) => sign('ES256-1', { sub: String(i) })));
    const outcomes = await Promise.all(tokens.map((token) => outcomeOf(token, by)));
    expect(outcomes.at(-1)).toMatchObject({ reason: 'TOO_MANY_CALLS', retryAfterMs: 100 });
    expect(outcomes.slice(0, 64).map((outcome) => 'reason' in outcome && outcome.reason)).toEqual(
      Array.from({ length: 64 }, () => 'ISSUER_UNREACHABLE'),
    );
    expect(requests).toBe(1);
  });
});

describe("an issuer's keys", () => {
  it('are asked for once, and again for a key that is new, but not for each token that names one', async () => {
    const by = verifier();
    await outcomeOf(await sign('ES256-1'), by);
    await outcomeOf(await sign('RS256-1'), by);
    expect(requests).toBe(1);
    await serve('ES256-2');
    clock += 10_001;
    expect(await outcomeOf(await sign('ES256-2'), by)).toMatchObject({ role: 'client' });
    expect(requests).toBe(2);
    for (let i = 0; i < 20; i++) await outcomeOf(await sign('ES256-stranger', { sub: String(i) }), by);
    expect(requests).toBe(2);
    expect(await outcomeOf(await sign('ES256-1', { sub: 'of the key that was taken back' }), by)).toMatchObject({
      reason: 'TOKEN_UNKNOWN',
    });
  });

  it('are used on while the issuer cannot be reached, for an hour', async () => {
    const by = verifier();
    await outcomeOf(await sign('ES256-1'), by);
    served = { status: 503, body: '' };
    clock += 20 * 60_000;
    expect(await outcomeOf(await sign('ES256-1', { sub: 'b' }), by)).toMatchObject({ role: 'client' });
    clock += 41 * 60_000;
    const refused = await outcomeOf(await sign('ES256-1', { sub: 'c' }), by);
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'ISSUER_UNREACHABLE' });
    expect(failures.length).toBeGreaterThanOrEqual(1);
    await serve('ES256-1');
    clock += 10_001;
    expect(await outcomeOf(await sign('ES256-1', { sub: 'd' }), by)).toMatchObject({ role: 'client' });
  });

  it.each([
    ['an error', { status: 500, body: '' }],
    ['a redirection', { status: 302, body: '' }],
    ['no JSON', { status: 200, body: 'keys' }],
    ['something else', { status: 200, body: '{"keys":7}' }],
    ['more than it may', { status: 200, body: JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) }) }],
    [
      'too many keys',
      { status: 200, body: JSON.stringify({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) }) },
    ],
    ['nothing at all, in time', { status: 0, body: '' }],
  ])('are not taken from %s', async (_what, answer) => {
    served = answer;
    expect(await outcomeOf(await sign('ES256-1'))).toMatchObject({ reason: 'ISSUER_UNREACHABLE' });
    expect(failures).toHaveLength(1);
  });
});
