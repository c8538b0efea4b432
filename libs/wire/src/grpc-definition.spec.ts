import { create, equals } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { MeshService, PublishRequestSchema, PublishResponseSchema } from './gen/starling/v1/mesh_pb.ts';
import { toGrpcDefinition } from './grpc-definition.ts';

describe('toGrpcDefinition', () => {
  const definition = toGrpcDefinition(MeshService);

  it('names every method by its path', () => {
    expect(Object.values(definition).map((method) => method.path)).toEqual([
      '/starling.v1.MeshService/Publish',
      '/starling.v1.MeshService/PublishStream',
      '/starling.v1.MeshService/Subscribe',
    ]);
  });

  it.each([
    ['publish', false, false],
    ['publishStream', true, true],
    ['subscribe', false, true],
  ] as const)('knows which sides of %s stream', (name, requestStream, responseStream) => {
    expect(definition[name]).toMatchObject({ requestStream, responseStream });
  });

  it('carries messages both ways as Buffers', () => {
    const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = definition.publish;
    const request = create(PublishRequestSchema, { topic: 'greetings', payload: new Uint8Array([1, 2]) });
    const bytes = requestSerialize(request);
    expect(Buffer.isBuffer(bytes)).toBe(true);
    expect(equals(PublishRequestSchema, requestDeserialize(bytes), request)).toBe(true);
    const response = create(PublishResponseSchema, { messageId: 'm', sequence: 7n });
    expect(responseDeserialize(responseSerialize(response))).toEqual(response);
  });

  it('throws on malformed bytes, which grpc-js turns into a status', () => {
    expect(() => definition.publish.requestDeserialize(Buffer.from([0xff]))).toThrow();
  });
});
