import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Authority, createIdentity, createRequest, NamePolicy, namesOf } from '@starling/identity';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect } from './client.ts';
import type { TlsOptions } from './tls.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

let authority: Authority;
beforeAll(async () => {
  authority = await Authority.create('prod');
});

/** A gRPC server without methods that shows a peer's certificate; 127.0.0.2 is not in it, 127.0.0.1 is. */
async function peer(host: string, credentials?: ServerCredentials): Promise<string> {
  const identity = createIdentity();
  const issued = await authority.issue(await createRequest(identity, namesOf([])), {
    names: new NamePolicy([]),
    lifetimeMs: 60_000,
  });
  if (!issued.ok) throw new Error(issued.problem);
  const pair = {
    private_key: Buffer.from(identity.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    cert_chain: Buffer.from(issued.certificate),
  };
  const server = new Server();
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:0`, credentials ?? ServerCredentials.createSsl(null, [pair]), (error, port) =>
      error ? reject(error) : resolve(`${host}:${port}`),
    );
  });
}

async function tryConnect(address: string, tls: TlsOptions | 'off'): Promise<string> {
  try {
    const client = await connect({ addresses: [address], learnAddresses: false, timeoutMs: 1_000, tls });
    client.close();
    return 'connected';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a client with TLS', () => {
  it('takes any peer of its authority, under whatever address', async () => {
    const address = await peer('127.0.0.2');
    expect(await tryConnect(address, { ca: authority.bundle })).toBe('connected');
    expect(await tryConnect(address, { ca: authority.bundle, mesh: 'prod' })).toBe('connected');
  });

  it('says why it takes no other', async () => {
    const address = await peer('127.0.0.1');
    const stranger = (await Authority.create('prod')).bundle;
    expect(await tryConnect(address, { ca: stranger })).toMatch(/its certificate is refused: /);
    expect(await tryConnect(address, {})).toMatch(/its certificate is refused: /);
    expect(await tryConnect(address, { ca: authority.bundle, mesh: 'test' })).toMatch(/no peer of the mesh test/);
    expect(await tryConnect(await peer('127.0.0.1', ServerCredentials.createInsecure()), { ca: stranger })).toMatch(
      /it does not encrypt/,
    );
    expect(await tryConnect(address, 'off')).toMatch(/^no peer answers.*says nothing without encryption$/);
    expect(await tryConnect('127.0.0.1:1', 'off')).toBe('no peer answers at 127.0.0.1:1');
  });

  it('checks the name of a server that is no peer', async () => {
    const leaf = new X509Certificate(authority.certificate);
    const pair = { private_key: Buffer.from(authority.key), cert_chain: Buffer.from(authority.certificate) };
    const address = await peer('127.0.0.1', ServerCredentials.createSsl(null, [pair]));
    expect(leaf.checkIP('127.0.0.1')).toBeUndefined();
    expect(await tryConnect(address, { ca: authority.bundle })).toMatch(/its certificate is refused/);
  });

  it('refuses an authority that is none before it dials', async () => {
    const ca = readFileSync(new URL(import.meta.url), 'utf8').slice(0, 100);
    expect(await tryConnect('127.0.0.1:1', { ca })).toMatch(/authority cannot be used/);
  });
});
