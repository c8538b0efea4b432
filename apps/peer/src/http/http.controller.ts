import { Controller, Get, Header, HttpException, HttpStatus, Inject } from '@nestjs/common';
import type { Peer } from '../peer.ts';
import { PEER } from '../tokens.ts';
import { version } from '../version.ts';

/** Metrics for Prometheus, probes for the kubelet, status for people. */
@Controller()
export class HttpController {
  readonly #peer: Peer;

  constructor(@Inject(PEER) peer: Peer) {
    this.#peer = peer;
  }

  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  metrics(): Promise<string> {
    return this.#peer.metrics.registry.text();
  }

  /** Live: the event loop answers. Says nothing about other peers, or a fault of theirs would restart this one. */
  @Get('healthz')
  @Header('Cache-Control', 'no-store')
  live(): object {
    return { live: true };
  }

  /** Started: it serves, whether it has joined or not. */
  @Get('startupz')
  @Header('Cache-Control', 'no-store')
  started(): object {
    return { started: true };
  }

  /** Ready: clients may be sent here. 503 with the reason while they may not. */
  @Get('readyz')
  @Header('Cache-Control', 'no-store')
  ready(): object {
    const report = this.#peer.overlay.ready();
    if (!report.ready) throw new HttpException(report, HttpStatus.SERVICE_UNAVAILABLE);
    return report;
  }

  @Get('status')
  @Header('Cache-Control', 'no-store')
  status(): object {
    const { overlay, config, subscriptions, watches, index } = this.#peer;
    const { self, mesh } = overlay;
    const report = overlay.report();
    return {
      id: self.id,
      name: self.name,
      zone: self.zone,
      mesh: config.mesh,
      version,
      ...overlay.ready(),
      linkAddress: self.address,
      apiAddress: self.apiAddress,
      startedAt: new Date(performance.timeOrigin).toISOString(),
      meshSize: overlay.size,
      links: report.links,
      neighbors: overlay.neighbors.map(({ id, name, address, zone }) => ({ id, name, address, zone })),
      passiveView: mesh.root.membership.passiveView().length,
      store: { messages: mesh.root.broadcast.store.size, bytes: mesh.root.broadcast.store.bytes },
      subscriptions: subscriptions.size,
      topologyWatches: watches.size,
      index: { documents: index.size, bytes: index.bytes },
    };
  }
}
