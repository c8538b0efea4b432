import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { AdminService, MeshService, SearchService } from '@starling/wire';
import type { Logger } from 'pino';
import type { Access } from '../auth/access.ts';
import { Health as HealthService } from '../gen/grpc/health/v1/health_pb.ts';
import type { Peer } from '../peer.ts';
import { failStream } from './calls.ts';
import { GrpcStrategy } from './grpc-strategy.ts';
import { servePublishStream } from './publish-stream.ts';
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
}

/** The gRPC API: one plain grpc-js server with the services of starling.v1, health and reflection. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #server: Server;

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
    });
  }

  /** Adds what is served; the unary methods come from Nest, to which the returned strategy is given. */
  mount(peer: Peer, log: Logger): GrpcStrategy {
    const guarded =
      <C extends { emit(event: 'error', error: unknown): boolean }>(serve: (call: C) => void) =>
      (call: C): void => {
        try {
          peer.overlay.ensureServing();
          serve(call);
        } catch (error) {
          failStream(call, error, log);
        }
      };
    const streams: Record<string, UntypedHandleCall> = {
      '/starling.v1.MeshService/PublishStream': guarded((call: Parameters<typeof servePublishStream>[0]) =>
        servePublishStream(call, (request) => peer.publish(request, call), log),
      ),
      '/starling.v1.MeshService/Subscribe': guarded((call: Parameters<typeof peer.subscriptions.serve>[0]) =>
        peer.subscriptions.serve(call),
      ),
      '/starling.v1.SearchService/Query': guarded((call: Parameters<typeof serveQuery>[0]) =>
        serveQuery(call, peer.queries, log),
      ),
      '/starling.v1.AdminService/WatchTopology': guarded((call: Parameters<typeof peer.watches.serve>[0]) =>
        peer.watches.serve(call),
      ),
    };
    peer.health.addTo(this.#server);
    new Reflection([MeshService, SearchService, AdminService, HealthService]).addTo(this.#server);
    return new GrpcStrategy({
      server: this.#server,
      services: [MeshService, SearchService, AdminService],
      streams,
    });
  }

  /** Listens from now on. Resolves with the port. */
  bind(): Promise<number> {
    const { host, port } = this.#options;
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** Takes no new calls, waits for the open ones, and breaks off those that remain after `timeoutMs`. */
  close(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, timeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
