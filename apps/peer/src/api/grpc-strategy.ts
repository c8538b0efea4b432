import type { DescService } from '@bufbuild/protobuf';
import type {
  Server as GrpcServer,
  handleBidiStreamingCall,
  handleServerStreamingCall,
  ServerUnaryCall,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import { BaseRpcContext, type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { toStatus } from '@starling/client';
import { type GrpcMethod, toGrpcDefinition } from '@starling/wire';
import { firstValueFrom } from 'rxjs';
import { ensureReadable, tolerant } from './malformed.ts';

/** What a unary controller method gets beside the request. */
export class CallContext extends BaseRpcContext<[ServerUnaryCall<unknown, unknown>]> {
  get call(): ServerUnaryCall<unknown, unknown> {
    return this.getArgByIndex(0);
  }
}

export type StreamHandler = handleServerStreamingCall<never, never> | handleBidiStreamingCall<never, never>;

export interface GrpcStrategyOptions {
  readonly server: GrpcServer;
  readonly services: readonly DescService[];
  /** By path, `/starling.v1.MeshService/Subscribe`: the methods that stream. Nest never sees them. */
  readonly streams: Readonly<Record<string, UntypedHandleCall>>;
}

/**
 * Mounts Nest's controllers as the unary methods of one plain grpc-js server, and plain handlers as its streams. Nest's own
 * gRPC server would own the connection and turn streams into observables, which know no back-pressure.
 */
export class GrpcStrategy extends Server implements CustomTransportStrategy {
  readonly #options: GrpcStrategyOptions;

  constructor(options: GrpcStrategyOptions) {
    super();
    this.#options = options;
  }

  /** Adds every method to the server, which its owner binds. Throws when one has no handler: a peer serves all or nothing. */
  listen(done: (error?: unknown) => void): void {
    try {
      for (const service of this.#options.services) this.#mount(service);
      done();
    } catch (error) {
      done(error);
    }
  }

  /** The server is closed by its owner, after the streams. */
  close(): void {}

  override on(): void {}

  override unwrap<T>(): T {
    return this.#options.server as T;
  }

  #mount(service: DescService): void {
    const definition = toGrpcDefinition(service);
    const handlers: Record<string, UntypedHandleCall> = {};
    const methods: Record<string, GrpcMethod<unknown, unknown>> = {};
    for (const [name, method] of Object.entries(definition)) {
      const stream = this.#options.streams[method.path];
      const handler = stream ?? this.#unary(method.path);
      if (handler === undefined) throw new Error(`nothing serves ${method.path}`);
      handlers[name] = handler;
      methods[name] = tolerant(method as GrpcMethod<unknown, unknown>);
    }
    this.#options.server.addService(methods, handlers);
  }

  #unary(path: string): UntypedHandleCall | undefined {
    const handler = this.getHandlerByPattern(path);
    if (handler === null) return undefined;
    return (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => {
      const respond = async (): Promise<unknown> => {
        ensureReadable(call.request);
        return firstValueFrom(this.transformToObservable(await handler(call.request, new CallContext([call]))));
      };
      respond().then(
        (response) => answer(null, response),
        (error: unknown) => answer(toStatus(error)),
      );
    };
  }
}
