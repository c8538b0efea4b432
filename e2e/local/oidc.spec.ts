import { StarlingClient, StarlingError } from '@starling/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { OidcIssuer, signingKey } from '../support/oidc-issuer.ts';
import { until } from '../support/poll.ts';

let mesh: LocalMesh;
let issuer: OidcIssuer;
const firstKey = signingKey('first');
const others: OidcIssuer[] = [];

/** A peer asks for keys no more often than every 10 s; the rest is for busy machines. */
const keysWithinMs = 30_000;

beforeAll(async () => {
  // Its address has to be known before it is there: peers start while it is away.
  issuer = await OidcIssuer.start({ keys: [firstKey] });
  const keysUrl = await issuer.keysUrl();
  await issuer.stop();
  mesh = await LocalMesh.start(2, {
    STARLING_JWT_ISSUER: issuer.issuer,
    STARLING_JWT_AUDIENCE: 'starling',
    STARLING_JWT_JWKS_URL: keysUrl,
    STARLING_JWT_ROLES_CLAIM: 'realm_access.roles',
    STARLING_JWT_ROLES: 'mesh-readers=viewer,mesh-writers=client,mesh-admins=operator',
  });
}, 90_000);
afterAll(async () => {
  mesh?.stop();
  for (const each of [issuer, ...others]) await each?.stop();
});

/** Another issuer on the loopback, which is stopped after the tests. */
async function another(options: Parameters<typeof OidcIssuer.start>[0]): Promise<OidcIssuer> {
  const made = await OidcIssuer.start(options);
  others.push(made);
  return made;
}

/** The issuer is there (again), with these keys, at the address that peers know. */
async function issuerReturns(...keys: object[]): Promise<void> {
  issuer = await OidcIssuer.start({ keys, port: issuer.port });
}

type Refusal = Pick<StarlingError, 'code' | 'reason' | 'message' | 'metadata'>;

/** What a peer answers who comes with this token: its calls, or why the first is refused. */
async function outcomeOf<T>(token: string, call: (client: StarlingClient) => Promise<T>, at = 0): Promise<T | Refusal> {
  const { api } = mesh.peers[at] as PeerProcess;
  const client = new StarlingClient({ addresses: [api], ...mesh.access, token, learnAddresses: false });
  try {
    return await call(client);
  } catch (error) {
    if (!(error instanceof StarlingError)) throw error;
    const { code, reason, message, metadata } = error;
    return { code, reason, message, metadata };
  } finally {
    client.close();
  }
}

const ask = (token: string) => outcomeOf(token, (client) => client.getPeer({ timeoutMs: 2_000 }));
const publish = (client: StarlingClient) => client.publish({ topic: 'oidc', payload: 'hello' }, { timeoutMs: 2_000 });
const letIn = { report: { peer: { name: 'peer-0' } } };

describe('tokens of an OpenID Provider', { timeout: 90_000 }, () => {
  it('cannot be judged before the provider was ever there: peers start all the same, and static tokens count', async () => {
    const before = await OidcIssuer.start({ keys: [firstKey], issuer: issuer.issuer });
    const token = await before.token('a-dashboard');
    await before.stop();
    expect(await ask(token)).toMatchObject({ code: 'UNAVAILABLE', reason: 'ISSUER_UNREACHABLE' });
    expect(mesh.peers[0]?.output).toContain('the keys of the issuer cannot be had');
    expect(await ask(mesh.access.token as string)).toMatchObject(letIn);

    await issuerReturns(firstKey);
    await until('the same token counts', keysWithinMs, async () => 'report' in (await ask(token)));
  });

  it('let in who has them, by the roles that they name', async () => {
    const viewer = await issuer.token('a-dashboard');
    expect(await ask(viewer)).toMatchObject(letIn);
    expect(await outcomeOf(viewer, publish)).toMatchObject({
      reason: 'ROLE_TOO_LOW',
      metadata: { role: 'viewer', role_needed: 'client' },
    });

    const program = await issuer.token('a-program');
    expect(await outcomeOf(program, publish)).toMatchObject({ id: expect.any(String) });
    const { id } = (await mesh.statuses())[1] as { id: string };
    const drain = (client: StarlingClient) => client.drain(id, { timeoutMs: 2_000 });
    expect(await outcomeOf(program, drain)).toMatchObject({
      reason: 'ROLE_TOO_LOW',
      metadata: { role: 'client', role_needed: 'operator' },
    });
    // Another peer is meant than the one that is asked: it was let in, and nobody is drained.
    expect(await outcomeOf(await issuer.token('an-operator'), drain)).toMatchObject({ reason: 'WRONG_PEER' });

    expect(await ask(await issuer.token('a-stranger'))).toMatchObject({ reason: 'ROLE_TOO_LOW' });
  });

  it('are the same at every peer', async () => {
    expect(await outcomeOf(await issuer.token('a-program'), publish, 1)).toMatchObject({ id: expect.any(String) });
  });

  it('are refused when they are for another audience', async () => {
    expect(await ask(await issuer.token('an-operator', 'urn:payroll'))).toMatchObject({
      reason: 'TOKEN_UNKNOWN',
      message: expect.stringMatching(/its aud is not the one/),
    });
  });

  it('are refused when another issuer made them, though by the same key', async () => {
    const sister = await another({ keys: [firstKey] });
    expect(await ask(await sister.token('an-operator'))).toMatchObject({
      reason: 'TOKEN_UNKNOWN',
      message: expect.stringMatching(/its iss is not the one/),
    });
  });

  it.each([
    ['under the name of its key', 'first', /its signature, or its form/],
    ['under a name of its own', 'mallory', /its issuer has no such key/],
  ])('are refused when somebody signed them who says to be the issuer, %s', async (_what, kid, why) => {
    const impostor = await another({ keys: [signingKey(kid)], issuer: issuer.issuer });
    expect(await ask(await impostor.token('an-operator'))).toMatchObject({
      reason: 'TOKEN_UNKNOWN',
      message: expect.stringMatching(why),
    });
  });

  it('end a stream when their time is over, and open no other', async () => {
    const token = await issuer.token('a-program', 'urn:starling:short');
    const ended = await outcomeOf(token, async (client) => {
      const heard: string[] = [];
      for await (const { kind } of client.subscribe({ topics: ['oidc'], giveUpAfterMs: 1_000 })) heard.push(kind);
      return heard;
    });
    expect(ended).toMatchObject({ reason: 'TOKEN_EXPIRED' });
    expect(await ask(token)).toMatchObject({ reason: 'TOKEN_EXPIRED' });
  });

  it('count on when the issuer changes its key: new ones at once, old ones until peers see that the key is gone', async () => {
    const old = await issuer.token('a-program');
    const unseen = await issuer.token('a-dashboard');
    expect(await ask(old)).toMatchObject(letIn);
    await issuer.stop();
    await issuerReturns(signingKey('second'));
    const token = await issuer.token('a-program');
    await until('the new key is known', keysWithinMs, async () => 'report' in (await ask(token)));
    expect(await ask(unseen)).toMatchObject({
      reason: 'TOKEN_UNKNOWN',
      message: expect.stringMatching(/its issuer has no such key/),
    });
  });

  it('count on while the provider is away, at peers that have its keys; one that starts then has none', async () => {
    const [known, unseen] = [await issuer.token('a-dashboard'), await issuer.token('a-program')];
    expect(await ask(known)).toMatchObject(letIn);
    await issuer.stop();
    expect(await outcomeOf(unseen, publish)).toMatchObject({ id: expect.any(String) });

    mesh.kill([mesh.peers[1] as PeerProcess]);
    await until('peer-1 ended', 10_000, () => mesh.running.length === 1);
    await mesh.spawnAll([1]);
    expect(await outcomeOf(unseen, publish, 1)).toMatchObject({ reason: 'ISSUER_UNREACHABLE' });
  });
});
