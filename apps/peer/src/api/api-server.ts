import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { AdminService, LookupService, MeshService, SearchService } from '@starling/wire';
import type { Logger } from 'pino';
import type { Access } from '../auth/access.ts';
import { Health as HealthService } from '../gen/grpc/health/v1/health_pb.ts';
import type { Peer } from '../peer.ts';
import { failStream } from './calls.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { GrpcStrategy } from './grpc-strategy.ts';
import { ensureReadable } from './malformed.ts';
import { servePublishStream } from './publish-stream.ts';
import { servePutDocumentsStream } from './put-documents-stream.ts';
import { serveQuery } from './query-stream.ts';
import { Reflection } from './reflection.ts';
import type { RpcMetrics } from './rpc-metrics.ts';

/** Largest message of a call: one payload with its headers, or a batch of documents. 4 MiB: gRPC's own default. */
const callBytesMin = 4 * 1024 * 1024;

export interface ApiServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly payloadBytesMax: number;
  readonly rpc: RpcMetrics;
  readonly access: Access;
  readonly connections: ConnectionLimits;
  /** Null: plain text. */
  readonly credentials: ServerCredentials | null;
}

/** The gRPC API: one plain grpc-js server with the services of starling.v1, health and reflection. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #server: Server;
  /** Those of clients. */
  readonly connections: Connections;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    // Room for a payload that is a little too large, so that its sender gets our reason rather than gRPC's.
    const callBytesMax = Math.max(callBytesMin, 2 * options.payloadBytesMax);
    this.#server = new Server({
      // The first is nearest to the wire: what access refuses is counted.
      interceptors: [options.rpc.interceptor, options.access.interceptor],
      'grpc.max_receive_message_length': callBytesMax,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': 1_000,
      // Dead clients are found; idle ones may stay.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      // Clients behind a Service spread again over the peers now and then; streams have a minute to end.
      'grpc.max_connection_age_ms': 30 * 60_000,
      'grpc.max_connection_age_grace_ms': 60_000,
      // In MB, of one connection: headers, frames and answers that wait. (guess: ten of the largest calls)
      'grpc-node.max_session_memory': 64,
    });
    const injector = this.#server.createConnectionInjector(options.credentials ?? ServerCredentials.createInsecure());
    this.connections = new Connections(options.connections, (socket) => injector.injectConnection(socket));
  }

  /** Adds what is served; the unary methods come from Nest, to which the returned strategy is given. */
  mount(peer: Peer, log: Logger): GrpcStrategy {
    const { access } = this.#options;
    const guarded =
      <C extends { emit(event: 'error', error: unknown): boolean }>(serve: (call: C) => void) =>
      (call: C): void => {
        try {
          peer.overlay.ensureServing();
          // A stream of requests has none yet.
          if ('request' in call) ensureReadable(call.request);
          serve(call);
        } catch (error) {
          failStream(call, error, log);
        }
      };
    const streams: Record<string, UntypedHandleCall> = {
      '/starling.v1.MeshService/PublishStream': guarded((call: Parameters<typeof servePublishStream>[0]) =>
        servePublishStream(call, {
          publish: (request) => peer.publish(request, call),
          pace: () => Math.max(access.pace(call.metadata), peer.overlay.paceMs()),
          log,
        }),
      ),
      '/starling.v1.MeshService/Subscribe': guarded((call: Parameters<typeof peer.subscriptions.serve>[0]) =>
        peer.subscriptions.serve(call),
      ),
      '/starling.v1.SearchService/Query': guarded((call: Parameters<typeof serveQuery>[0]) =>
        serveQuery(call, peer.queries, log),
      ),
      '/starling.v1.SearchService/PutDocumentsStream': guarded((call: Parameters<typeof servePutDocumentsStream>[0]) =>
        servePutDocumentsStream(call, {
          index: peer.index,
          limits: peer.indexLimits,
          pace: () => access.pace(call.metadata),
          log,
        }),
      ),
      '/starling.v1.SearchService/Respond': guarded((call: Parameters<typeof peer.respondStreams.serve>[0]) =>
        peer.respondStreams.serve(call),
      ),
      '/starling.v1.AdminService/WatchTopology': guarded((call: Parameters<typeof peer.watches.serve>[0]) =>
        peer.watches.serve(call),
      ),
    };
    peer.health.addTo(this.#server);
    new Reflection([MeshService, SearchService, LookupService, AdminService, HealthService]).addTo(this.#server);
    return new GrpcStrategy({
      server: this.#server,
      services: [MeshService, SearchService, LookupService, AdminService],
      streams,
    });
  }

  /** Listens from now on. Resolves with the port. */
  bind(): Promise<number> {
    const { host, port } = this.#options;
    this.#options.access.start(this.connections);
    return this.connections.listen(host, port);
  }

  /** Takes no new calls, waits for the open ones, and breaks off those that remain after `timeoutMs`. */
  close(timeoutMs: number): Promise<void> {
    this.connections.stop();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.connections.destroy();
        resolve();
      };
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        done();
      }, timeoutMs);
      this.#server.tryShutdown(done);
    });
  }
}
