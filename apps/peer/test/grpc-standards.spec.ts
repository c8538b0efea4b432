import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { create, fromBinary, type JsonObject } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { connect, fromStatus } from '@starling/client';
import {
  type Acknowledge,
  AdminService,
  type GrpcMethod,
  LookupService,
  MeshService,
  PublishRequestSchema,
  PutDocumentsRequestSchema,
  SearchService,
  toGrpcDefinition,
} from '@starling/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../src/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from '../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../src/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { collect, RawClient } from './raw-client.ts';

const health = toGrpcDefinition(Health);
const testMesh = new TestMesh();
let peer: RunningPeer;
let raw: RawClient;

beforeAll(async () => {
  [peer] = (await testMesh.startAll(1)) as [RunningPeer];
  raw = new RawClient(apiOf(peer));
});

afterAll(async () => {
  raw?.close();
  await testMesh.stop();
});

describe('reflection', () => {
  const ask = async (version: 'v1' | 'v1alpha', messageRequest: ServerReflectionRequest['messageRequest']) => {
    const { serverReflectionInfo } = toGrpcDefinition(ServerReflection);
    const path = serverReflectionInfo.path.replace(
      ServerReflection.typeName,
      version === 'v1' ? ServerReflection.typeName : ServerReflectionAlpha.typeName,
    );
    const call = raw.duplex({ ...serverReflectionInfo, path });
    const answers = collect<ServerReflectionResponse>(call);
    call.write(create(ServerReflectionRequestSchema, { messageRequest }));
    call.end();
    return (await answers)[0]?.messageResponse;
  };

  it.each(['v1', 'v1alpha'] as const)('%s lists every service', async (version) => {
    const listed = await ask(version, { case: 'listServices', value: '*' });
    expect(listed?.case === 'listServicesResponse' ? listed.value.service.map(({ name }) => name) : []).toEqual([
      'starling.v1.MeshService',
      'starling.v1.SearchService',
      'starling.v1.LookupService',
      'starling.v1.AdminService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
  });

  it.each([
    'starling.v1.MeshService',
    'starling.v1.MeshService.Publish',
    'starling.v1.Message',
    'google.protobuf.Duration',
    'google.rpc.Status',
    'google.rpc.BadRequest',
  ])('gives the file of %s and all that it imports', async (value) => {
    const answer = await ask('v1', { case: 'fileContainingSymbol', value });
    const files = answer?.case === 'fileDescriptorResponse' ? answer.value.fileDescriptorProto : [];
    const decoded = files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    const names = new Set(decoded.map((file) => file.name));
    expect(names.size).toBeGreaterThan(0);
    for (const file of decoded) for (const imported of file.dependency) expect(names).toContain(imported);
  });

  it('answers what it does not know', async () => {
    expect(await ask('v1', { case: 'fileByFilename', value: 'nope.proto' })).toMatchObject({
      case: 'errorResponse',
      value: { errorCode: 5 },
    });
    expect(await ask('v1', { case: undefined })).toMatchObject({ case: 'errorResponse', value: { errorCode: 3 } });
  });
});

describe('health', () => {
  const check = (service: string) => raw.unary(health.check, create(HealthCheckRequestSchema, { service }));

  it.each(['', 'ready', 'live', 'startup', 'starling.v1.MeshService', 'starling.v1.AdminService'])(
    'Check knows %j',
    async (service) => {
      expect((await check(service)).status).toBe(ServingStatus.SERVING);
    },
  );

  it('Check does not know others', async () => {
    await expect(check('nope')).rejects.toMatchObject({ code: 5 });
  });
});

describe('the wrong protocol on a port', () => {
  it('HTTP/1 to the gRPC port ends the connection at once, and hurts nobody', async () => {
    const socket = connectTcp(peer.ports.api, '127.0.0.1');
    let isClosed = false;
    socket.on('close', () => {
      isClosed = true;
    });
    socket.on('error', () => {});
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => isClosed);
    expect(await raw.unary(health.check, create(HealthCheckRequestSchema))).toMatchObject({ status: 1 });
  });

  it('TLS to the gRPC port fails at once, and hurts nobody', async () => {
    const failed = new Promise((resolve) => {
      connectTls({ port: peer.ports.api, host: '127.0.0.1', rejectUnauthorized: false }).on('error', resolve);
    });
    expect(await failed).toBeInstanceOf(Error);
    expect(await raw.unary(health.check, create(HealthCheckRequestSchema))).toMatchObject({ status: 1 });
  });

  it('gRPC to the HTTP port is an error that says so', async () => {
    await expect(
      connect({ tls: 'off', addresses: [`127.0.0.1:${peer.ports.http}`], timeoutMs: 500 }),
    ).rejects.toMatchObject({
      reason: 'UNREACHABLE',
    });
  });

  it('an unknown method is UNIMPLEMENTED', async () => {
    const method = { ...health.check, path: '/starling.v1.MeshService/Nope' };
    await expect(raw.unary(method, create(HealthCheckRequestSchema))).rejects.toMatchObject({ code: 12 });
  });

  it('bytes that are no message are refused', async () => {
    const garbled = { ...health.check, requestSerialize: () => Buffer.from([0xff, 0xff, 0xff]) };
    await expect(raw.unary(garbled, create(HealthCheckRequestSchema))).rejects.toMatchObject({ code: 13 });
  });
});

describe('a request that cannot be read', () => {
  const methods = [MeshService, SearchService, LookupService, AdminService].flatMap(
    (service) => Object.values(toGrpcDefinition(service)) as GrpcMethod<unknown, unknown>[],
  );
  /** What a call with these bytes fails with. */
  const refusal = async (method: GrpcMethod<unknown, unknown>, bytes: Uint8Array) => {
    const garbled = { ...method, requestSerialize: () => Buffer.from(bytes) };
    const failed = (promise: Promise<unknown>) => promise.then(() => null, fromStatus);
    if (!method.responseStream) return failed(raw.unary(garbled, {}));
    if (!method.requestStream) return failed(collect(raw.stream(garbled, {})));
    const call = raw.duplex(garbled);
    const end = failed(collect(call));
    call.write({});
    return end;
  };

  it.each(methods.map((method) => [method.path, method] as const))('%s says why', async (_path, method) => {
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x05, 0x61])]) {
      expect(await refusal(method, bytes)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'INVALID_REQUEST',
        message: expect.stringMatching(/^the request cannot be read: ./),
      });
    }
  });

  const nested = (depth: number): JsonObject => {
    let value: JsonObject = { word: 'deep' };
    for (let i = 1; i < depth; i++) value = { in: value };
    return value;
  };

  it('is also a document that is nested too deep', async () => {
    const put = toGrpcDefinition(SearchService).putDocuments;
    const documents = (depth: number) =>
      create(PutDocumentsRequestSchema, { documents: [{ id: 'd', fields: nested(depth) }] });
    expect(await raw.unary(put, documents(49))).toMatchObject({ storedCount: 1 });
    await expect(raw.unary(put, documents(50)).catch(fromStatus)).resolves.toMatchObject({
      reason: 'INVALID_REQUEST',
      message: expect.stringContaining('depth'),
    });
  });

  it('is also one that wants what this peer has no word for', async () => {
    const { publish } = toGrpcDefinition(MeshService);
    const later = create(PublishRequestSchema, { topic: 't', acknowledge: 3 as Acknowledge });
    await expect(raw.unary(publish, later).catch(fromStatus)).resolves.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'acknowledge' }],
    });
  });
});

describe('HTTP', () => {
  const get = async (path: string) => {
    const response = await fetch(httpOf(peer) + path);
    return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
  };

  it('serves probes, status and metrics', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: '{"live":true}' });
    expect((await get('/startupz')).status).toBe(200);
    expect(JSON.parse((await get('/readyz')).body)).toEqual({
      state: 'ready',
      ready: true,
      reason: 'alone: no other peer found',
    });
    expect(JSON.parse((await get('/status')).body)).toMatchObject({
      id: peer.peer.overlay.self.id,
      meshSize: 1,
      links: [],
      apiAddress: apiOf(peer),
    });
    const metrics = await get('/metrics');
    expect(metrics.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(metrics.body).toContain('starling_peer_state{state="ready"} 1\n');
    expect((await get('/nope')).status).toBe(404);
  });
});

// Last: it ends the peer.
describe('draining', () => {
  it('turns health and readiness, ends streams, and refuses new work, while the process stays', async () => {
    const states: HealthCheckResponse[] = [];
    const watch = raw.stream(health.watch, create(HealthCheckRequestSchema, { service: 'ready' }));
    watch.on('data', (response: HealthCheckResponse) => states.push(response));
    watch.on('error', () => {});
    await until(() => states.length === 1);
    const client = await connect({ tls: 'off', addresses: [apiOf(peer)] });
    await client.drain(peer.peer.overlay.self.id);
    await until(() => states.length === 2);
    expect(states.map(({ status }) => status)).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    const readyz = await fetch(`${httpOf(peer)}/readyz`);
    expect(readyz.status).toBe(503);
    expect(await readyz.json()).toEqual({ state: 'draining', ready: false, reason: 'leaving the mesh' });
    expect((await fetch(`${httpOf(peer)}/healthz`)).status).toBe(200);
    await expect(client.publish({ topic: 't', payload: '' }, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    client.close();
    watch.cancel();
  });
});
