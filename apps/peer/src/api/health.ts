import { create } from '@bufbuild/protobuf';
import {
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { StarlingError, toStatus } from '@starling/client';
import { toGrpcDefinition } from '@starling/wire';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health_pb.ts';

/** Watch calls at once; a health checker keeps one. More are refused. */
const watchesMax = 1_000;

/**
 * grpc.health.v1 with Check and Watch. Own code rather than `grpc-health-check`, which reads its protocol from disk (a
 * peer is one file) and writes to watchers without bound.
 */
export class Health {
  readonly #serving = new Map<string, boolean>();
  readonly #watchers = new Map<HealthWatcher, string>();

  /** Names a service and says whether it serves; watchers are told of a change. */
  set(service: string, serving: boolean): void {
    if (this.#serving.get(service) === serving) return;
    this.#serving.set(service, serving);
    for (const [watcher, watched] of this.#watchers) if (watched === service) watcher.say(this.#statusOf(service));
  }

  get watching(): number {
    return this.#watchers.size;
  }

  addTo(server: Server): void {
    server.addService(toGrpcDefinition(HealthService), {
      check: (
        call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
        answer: sendUnaryData<HealthCheckResponse>,
      ) => {
        const { service } = call.request;
        if (this.#serving.has(service)) answer(null, response(this.#statusOf(service)));
        else answer({ code: status.NOT_FOUND, details: `no service ${JSON.stringify(service.slice(0, 100))}` });
      },
      watch: (call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>) => this.#watch(call),
    });
  }

  /** Ends every watch, so that the server can close. */
  close(): void {
    for (const watcher of this.#watchers.keys()) watcher.end();
  }

  #watch(call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>): void {
    if (this.#watchers.size >= watchesMax) {
      const full = {
        reason: 'TOO_MANY_WATCHES',
        retryAfterMs: 5_000,
        metadata: { limit: String(watchesMax) },
      } as const;
      call.emit('error', toStatus(new StarlingError(`${watchesMax} health watches are open already`, full)));
      return;
    }
    const watcher = new HealthWatcher(call);
    this.#watchers.set(watcher, call.request.service);
    call.on('error', () => {});
    call.on('close', () => this.#watchers.delete(watcher));
    call.on('cancelled', () => this.#watchers.delete(watcher));
    watcher.say(this.#statusOf(call.request.service));
  }

  #statusOf(service: string): ServingStatus {
    const serving = this.#serving.get(service);
    if (serving === undefined) return ServingStatus.SERVICE_UNKNOWN;
    return serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }
}

/** A watch whose reader is slow is told only the newest state. */
class HealthWatcher {
  readonly #call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;
  #waiting: ServingStatus | null = null;
  #isFull = false;

  constructor(call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>) {
    this.#call = call;
    call.on('drain', () => {
      this.#isFull = false;
      if (this.#waiting !== null) this.say(this.#waiting);
    });
  }

  say(state: ServingStatus): void {
    if (this.#isFull) {
      this.#waiting = state;
      return;
    }
    this.#waiting = null;
    this.#isFull = !this.#call.write(response(state));
  }

  end(): void {
    this.#call.end();
  }
}

function response(state: ServingStatus): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status: state });
}
