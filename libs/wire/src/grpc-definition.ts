import { type DescMethod, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { writeDelivery } from './delivery-codec.ts';
import { readPublishStreamRequest, writePublishStreamResponse } from './publish-codec.ts';

/** One method as grpc-js wants it: a path and (de)serialisers. Structurally a grpc-js `MethodDefinition`. */
export interface GrpcMethod<I, O> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (request: I) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => I;
  readonly responseSerialize: (response: O) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => O;
}

/** A generated service's methods, by their local (lowerCamelCase) names. */
export type GrpcDefinition<S extends DescService> = {
  readonly [K in keyof S['method']]: GrpcMethod<
    MessageShape<S['method'][K]['input']>,
    MessageShape<S['method'][K]['output']>
  >;
};

/**
 * Turns a service that protobuf-es generated into a grpc-js service definition, for `server.addService`,
 * `makeGenericClientConstructor` and plain `client.make…Request` calls. A deserialiser throws on malformed bytes; grpc-js
 * answers INTERNAL (client) or refuses the call (server).
 */
export function toGrpcDefinition<S extends DescService>(service: S): GrpcDefinition<S> {
  const methods: Record<string, GrpcMethod<unknown, unknown>> = {};
  for (const method of service.methods) methods[method.localName] = toGrpcMethod(service.typeName, method);
  return methods as GrpcDefinition<S>;
}

function toGrpcMethod(service: string, method: DescMethod): GrpcMethod<unknown, unknown> {
  const request = serializers(method.input);
  const response = serializers(method.output);
  return {
    path: `/${service}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  };
}

/** What passes once for each message is written and read by hand; null: that one is left to the generated code. */
const byHand: Readonly<
  Record<string, { write?: (message: never) => Buffer | null; read?: (bytes: Buffer) => object | null } | undefined>
> = {
  'starling.v1.PublishStreamRequest': { read: readPublishStreamRequest },
  'starling.v1.PublishStreamResponse': { write: writePublishStreamResponse },
  'starling.v1.SubscribeResponse': { write: writeDelivery },
};

function serializers(schema: DescMethod['input']): {
  serialize: (message: unknown) => Buffer;
  deserialize: (bytes: Buffer) => unknown;
} {
  const { write, read } = byHand[schema.typeName] ?? {};
  return {
    serialize: (message) => {
      const written = write?.(message as never) ?? null;
      if (written !== null) return written;
      const bytes = toBinary(schema, message as MessageShape<typeof schema>);
      // grpc-js asks for a Buffer: a view, not a copy.
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    deserialize: (bytes) => read?.(bytes) ?? fromBinary(schema, bytes),
  };
}
