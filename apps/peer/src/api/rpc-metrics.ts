import { ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder, status } from '@grpc/grpc-js';
import type { MetricsRegistry, Sample } from '@starling/metrics';

/** Names and codes of the calls served, as go-grpc-prometheus counts them, so that public dashboards work. */
export class RpcMetrics {
  /** By path and code. */
  readonly #handled = new Map<string, number>();
  #registry: MetricsRegistry | null = null;

  /** Where durations go. */
  attach(registry: MetricsRegistry): void {
    this.#registry = registry;
  }

  handled(): Sample[] {
    return [...this.#handled].map(([key, value]) => {
      const [service = '', method = '', code = ''] = key.split('/');
      return { labels: { grpc_service: service, grpc_method: method, grpc_code: code }, value };
    });
  }

  /** Sees every call of a method that is served; unknown methods never get here, so the labels stay a closed set. */
  readonly interceptor: ServerInterceptor = (method, call) => {
    const startedAt = performance.now();
    const isUnary = !method.requestStream && !method.responseStream;
    const [, service = '', name = ''] = method.path.split('/');
    let isDone = false;
    const done = (code: status): void => {
      if (isDone) return;
      isDone = true;
      const key = `${service}/${name}/${status[code] ?? 'UNKNOWN'}`;
      this.#handled.set(key, (this.#handled.get(key) ?? 0) + 1);
      if (!isUnary) return;
      const labels = { grpc_service: service, grpc_method: name };
      this.#registry?.observe('grpc_server_handling_seconds', (performance.now() - startedAt) / 1_000, labels);
    };
    return new ServerInterceptingCall(call, {
      start: (next) => next(new ServerListenerBuilder().withOnCancel(() => done(status.CANCELLED)).build()),
      sendStatus: (answer, next) => {
        done(answer.code ?? status.UNKNOWN);
        next(answer);
      },
    });
  };
}
