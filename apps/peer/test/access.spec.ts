import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type DescFile, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ClientDuplexStream, type StatusObject, status } from '@grpc/grpc-js';
import { connect, fromStatus, type StarlingError } from '@starling/client';
import {
  AdminService,
  DrainRequestSchema,
  GetPeerRequestSchema,
  type GrpcMethod,
  MeshService,
  PublishRequestSchema,
  PublishStreamRequestSchema,
  SubscribeRequestSchema,
  toGrpcDefinition,
} from '@starling/wire';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methodPolicy } from '../src/auth/policy.ts';
import { allows, type Role, roles } from '../src/auth/roles.ts';
import { loadConfig } from '../src/config/load.ts';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from '../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { createLogs } from '../src/logs/logs.ts';
import { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { collect, RawClient } from './raw-client.ts';

const mesh = toGrpcDefinition(MeshService);
const admin = toGrpcDefinition(AdminService);
const folder = mkdtempSync(join(tmpdir(), 'starling-access-'));
const path = join(folder, 'tokens');
const tokenOf = (role: Role): string => `starling_${role}_secret-of-the-test`;
const lineOf = (role: Role, name: string, token: string, end = ''): string =>
  `${role} ${name} sha256:${createHash('sha256').update(token).digest('hex')}${end}\n`;
const lines = (): string => roles.map((role) => lineOf(role, `the-${role}`, tokenOf(role))).join('');

let peer: RunningPeer;
let log = '';
const clients: RawClient[] = [];

beforeAll(async () => {
  writeFileSync(path, lines() + lineOf('client', 'late', 'late', ' expires:2020-01-01T00:00:00Z'));
  const loaded = loadConfig({
    STARLING_NAME: 'guarded',
    STARLING_LINK_HOST: '127.0.0.1',
    STARLING_API_HOST: '127.0.0.1',
    STARLING_HTTP_HOST: '127.0.0.1',
    STARLING_LINK_PORT: '0',
    STARLING_API_PORT: '0',
    STARLING_HTTP_PORT: '0',
    STARLING_SEED_TIMEOUT_MS: '0',
    STARLING_LOG_LEVEL: 'warn',
    STARLING_LOG_FORMAT: 'json',
    // Without TLS, and with tokens all the same.
    STARLING_INSECURE: 'true',
    STARLING_TOKENS_FILE: path,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const logs = createLogs(loaded.config, 'guarded', {
    write: (line: string) => {
      log += line;
    },
  });
  peer = await RunningPeer.start(loaded.config, logs);
  await until(() => peer.peer.overlay.ready().ready);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await peer?.stop(200);
  rmSync(folder, { recursive: true, force: true });
});

function as(authorization?: string): RawClient {
  const client = new RawClient(apiOf(peer), authorization);
  clients.push(client);
  return client;
}
const bearer = (role: Role): RawClient => as(`Bearer ${tokenOf(role)}`);

/** What a method answers to one empty request, whatever kind of method it is: its error, or null when it was let in. */
async function answerOf(client: RawClient, method: string): Promise<StarlingError | null> {
  const bytes = (value: Buffer): Buffer => value;
  const any: GrpcMethod<Buffer, Buffer> = {
    path: method,
    requestStream: true,
    responseStream: true,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } as never;
  const call: ClientDuplexStream<Buffer, Buffer> = client.duplex(any);
  return new Promise((resolve) => {
    // One answer is enough of a stream that would go on for ever.
    call.on('data', () => {
      resolve(null);
      call.cancel();
    });
    call.on('status', ({ code }: StatusObject) => {
      if (code === status.OK) resolve(null);
    });
    call.on('error', (error) => resolve(fromStatus(error)));
    call.end(Buffer.alloc(0));
  });
}

/** Every method that reflection knows of: what is really served. */
async function servedMethods(): Promise<string[]> {
  const { serverReflectionInfo } = toGrpcDefinition(ServerReflection);
  const call = bearer('viewer').duplex(serverReflectionInfo);
  const answers = collect<ServerReflectionResponse>(call);
  call.write(create(ServerReflectionRequestSchema, { messageRequest: { case: 'listServices', value: '*' } }));
  const services = [
    MeshService.typeName,
    AdminService.typeName,
    'starling.v1.SearchService',
    'starling.v1.LookupService',
    'grpc.health.v1.Health',
  ];
  const all = [...services, 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];
  for (const value of all) {
    call.write(create(ServerReflectionRequestSchema, { messageRequest: { case: 'fileContainingSymbol', value } }));
  }
  call.end();
  const [listed, ...files] = (await answers).map(({ messageResponse }) => messageResponse);
  const names = listed?.case === 'listServicesResponse' ? listed.value.service.map(({ name }) => name) : [];
  expect(names.toSorted()).toEqual(all.toSorted());
  const protos = files.flatMap((file) =>
    file.case === 'fileDescriptorResponse'
      ? file.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
      : [],
  );
  const methods = protos.flatMap((proto: DescFile['proto']) =>
    proto.service.flatMap((service) => service.method.map(({ name }) => `/${proto.package}.${service.name}/${name}`)),
  );
  return [...new Set(methods)].toSorted();
}

describe('the policy', () => {
  it('has a row for each method that is served, and no other', async () => {
    expect(Object.keys(methodPolicy).toSorted()).toEqual(await servedMethods());
  });

  it.each(Object.entries(methodPolicy))('%s', async (method, { role: least }) => {
    for (const role of roles) {
      const error = await answerOf(bearer(role), method);
      if (allows(role, least)) {
        expect(error?.code ?? 'OK', role).not.toMatch(/UNAUTHENTICATED|PERMISSION_DENIED/);
      } else {
        expect(error, role).toMatchObject({
          code: 'PERMISSION_DENIED',
          reason: 'ROLE_TOO_LOW',
          metadata: { role, role_needed: least },
        });
      }
    }
    expect(await answerOf(as(), method)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' });
  });
});

describe('a call', () => {
  const ask = (authorization?: string) =>
    as(authorization).unary(admin.getPeer, create(GetPeerRequestSchema)).catch(fromStatus);

  it.each([
    ['no token', undefined, 'TOKEN_MISSING'],
    ['another scheme', `Basic ${tokenOf('viewer')}`, 'TOKEN_UNKNOWN'],
    ['a token without a scheme', tokenOf('viewer'), 'TOKEN_UNKNOWN'],
    ['an unknown token', 'Bearer starling_viewer_guess', 'TOKEN_UNKNOWN'],
    ['a hash instead of the token', `Bearer sha256:${'0'.repeat(64)}`, 'TOKEN_UNKNOWN'],
    ['a token of 9,000 characters', `Bearer ${'x'.repeat(9_000)}`, 'TOKEN_UNKNOWN'],
    ['two tokens in one', `Bearer ${tokenOf('viewer')} ${tokenOf('operator')}`, 'TOKEN_UNKNOWN'],
    ['a token whose time is over', 'Bearer late', 'TOKEN_EXPIRED'],
  ])('with %s is refused', async (_what, authorization, reason) => {
    expect(await ask(authorization)).toMatchObject({ code: 'UNAUTHENTICATED', reason });
  });

  it('is let in with its token, whatever the case of the scheme', async () => {
    expect(await ask(`bearer ${tokenOf('viewer')}`)).toMatchObject({ mesh: 'starling' });
  });

  it('that is refused is counted by its reason, and as a call that was handled', async () => {
    await ask();
    const text = await (await fetch(`${httpOf(peer)}/metrics`)).text();
    expect(text).toMatch(/starling_calls_refused_total\{reason="token-missing"\} [1-9]/);
    expect(text).toMatch(/starling_calls_refused_total\{reason="role-too-low"\} [1-9]/);
    expect(text).toMatch(/grpc_server_handled_total\{.*"GetPeer",grpc_code="UNAUTHENTICATED"\} [1-9]/);
  });

  it('that is refused a thousand times writes a screenful of log, and no secret', async () => {
    const client = as('Bearer starling_viewer_guess');
    const before = log.length;
    await Promise.all(
      Array.from({ length: 1_000 }, () =>
        client.unary(admin.getPeer, create(GetPeerRequestSchema)).catch(() => undefined),
      ),
    );
    const written = log.slice(before).split('\n').length;
    expect(written).toBeLessThan(100);
    expect(log).toContain('a call was refused: token-unknown');
    expect(log).not.toMatch(/secret-of-the-test|starling_viewer_guess/);
  });

  it('that is refused changes nothing, though its messages come with it', async () => {
    const published = peer.peer.overlay.mesh.pubsub.stats.delivered;
    const call = bearer('viewer').duplex(mesh.publishStream);
    const answers = collect(call);
    for (let i = 0; i < 100; i++) {
      call.write(create(PublishStreamRequestSchema, { message: { topic: 't', payload: new Uint8Array(1_000) } }));
    }
    call.end();
    await expect(answers).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await bearer('client').unary(mesh.publish, create(PublishRequestSchema, { topic: 't' }));
    await until(() => peer.peer.overlay.mesh.pubsub.stats.delivered > published);
    expect(peer.peer.overlay.mesh.pubsub.stats.delivered).toBe(published + 1);
  });

  it('of Drain needs an operator, and says which peer it is', async () => {
    const drain = bearer('operator').unary(admin.drain, create(DrainRequestSchema, { peerId: 'another' }));
    expect(fromStatus(await drain.catch((error: unknown) => error))).toMatchObject({ reason: 'WRONG_PEER' });
  });
});

describe('a token that is taken back', () => {
  it('ends the streams that it opened, also those whose client does not read, and nobody else’s', async () => {
    writeFileSync(path, lines() + lineOf('client', 'short-lived', 'short-lived'));
    await until(async () => (await answerOf(as('Bearer short-lived'), '/grpc.health.v1.Health/Check')) === null);
    const request = create(SubscribeRequestSchema, { topics: ['>'] });
    const kept = bearer('client').stream(mesh.subscribe, request);
    kept.on('error', () => {});
    let isKept = true;
    kept.on('close', () => {
      isKept = false;
    });
    kept.resume();
    const own = as('Bearer short-lived');
    const reading = collect(own.stream(mesh.subscribe, request)).catch(fromStatus);
    const publishing = own.duplex(mesh.publishStream);
    const answers = collect(publishing).catch(fromStatus);
    const sleeping = as('Bearer short-lived').stream(mesh.subscribe, request);
    sleeping.on('error', () => {});
    await until(() => peer.peer.subscriptions.size === 3 && peer.peer.access.streams >= 4);
    writeFileSync(path, lines());
    expect(await reading).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
    expect(await answers).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
    await until(() => peer.peer.subscriptions.size === 1);
    expect(isKept).toBe(true);
    kept.cancel();
    await until(() => peer.peer.access.streams === 0);
  });

  it('is replaced by the SDK, which asks for another one, once', async () => {
    writeFileSync(path, lines() + lineOf('client', 'first', 'first'));
    await until(async () => (await answerOf(as('Bearer first'), '/grpc.health.v1.Health/Check')) === null);
    const given: string[] = [];
    const tokens = ['first', tokenOf('client')];
    const client = await connect({
      tls: 'off',
      addresses: [apiOf(peer)],
      learnAddresses: false,
      token: async () => {
        const next = tokens.shift() ?? 'starling_none';
        given.push(next);
        return next;
      },
    });
    const events = client.subscribe({ topics: ['replaced'] })[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ kind: 'live' });
    writeFileSync(path, lines());
    await until(async () => (await answerOf(as('Bearer first'), '/grpc.health.v1.Health/Check')) !== null);
    await client.publish({ topic: 'replaced', payload: 'x' });
    let next = (await events.next()).value;
    if (next?.kind === 'live') next = (await events.next()).value;
    expect(next).toMatchObject({ kind: 'message', topic: 'replaced' });
    expect(given).toEqual(['first', tokenOf('client')]);
    await events.return?.(undefined);
    client.close();
    const refused = await connect({
      tls: 'off',
      addresses: [apiOf(peer)],
      learnAddresses: false,
      token: async () => 'wrong',
    });
    await expect(refused.getPeer()).rejects.toMatchObject({ reason: 'TOKEN_UNKNOWN' });
    refused.close();
    const still = await connect({
      tls: 'off',
      addresses: [apiOf(peer)],
      learnAddresses: false,
      token: tokenOf('viewer'),
    });
    await expect(still.publish({ topic: 't', payload: '' })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      metadata: { role_needed: 'client' },
    });
    expect((await still.getPeer()).mesh).toBe('starling');
    still.close();
  });
});

describe('a peer with an issuer of JSON Web Tokens', () => {
  const others = new TestMesh();
  afterAll(() => others.stop());

  it('takes them beside its own, and ends a stream when its token does', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keys = join(folder, 'keys.json');
    writeFileSync(keys, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }));
    const other = await others.start({
      STARLING_LOG_LEVEL: 'silent',
      STARLING_TOKENS_FILE: path,
      STARLING_JWT_ISSUER: 'https://issuer.test/',
      STARLING_JWT_AUDIENCE: 'starling',
      STARLING_JWT_JWKS_FILE: keys,
      STARLING_JWT_ROLES: 'readers=viewer,writers=client',
    });
    await until(() => other.peer.overlay.ready().ready);
    // It counts for as long as clocks may differ after its end.
    const token = await new SignJWT({ roles: ['writers'] })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer('https://issuer.test/')
      .setAudience('starling')
      .setSubject('ann')
      .setExpirationTime(Math.floor(Date.now() / 1_000))
      .sign(privateKey);
    const client = new RawClient(apiOf(other), `Bearer ${token}`);
    const streaming = collect(client.stream(mesh.subscribe, create(SubscribeRequestSchema, { topics: ['>'] })));
    const drain = client.unary(admin.drain, create(DrainRequestSchema)).catch(fromStatus);
    expect(await drain).toMatchObject({ reason: 'ROLE_TOO_LOW', metadata: { role: 'client' } });
    expect(fromStatus(await streaming.catch((error: unknown) => error))).toMatchObject({ reason: 'TOKEN_EXPIRED' });
    const late = client.unary(admin.getPeer, create(GetPeerRequestSchema)).catch(fromStatus);
    expect(await late).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
    client.close();
    const own = new RawClient(apiOf(other), `Bearer ${tokenOf('viewer')}`);
    expect(await own.unary(admin.getPeer, create(GetPeerRequestSchema))).toMatchObject({ mesh: 'starling' });
    own.close();
  });
});
