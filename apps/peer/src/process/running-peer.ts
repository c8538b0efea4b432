import type { AddressInfo } from 'node:net';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { PeerCache } from '@starling/discovery';
import { defaultGrpcTransportConfig, GrpcTransport } from '@starling/transport-grpc';
import type { Logger } from 'pino';
import { ApiServer } from '../api/api-server.ts';
import { RpcMetrics } from '../api/rpc-metrics.ts';
import { appModule } from '../app.module.ts';
import { type AccessControl, createAccess } from '../auth/create-access.ts';
import type { Config } from '../config/schema.ts';
import type { Logs } from '../logs/logs.ts';
import { Peer } from '../peer.ts';
import { listenError } from '../start-error.ts';
import { discoveryOf } from './discovery.ts';
import { certificateConditions, ExpiryNotice } from './expiry-notice.ts';
import { expiryOf, openSecurity, type PeerSecurity } from './security.ts';

/** What stopping takes at the most, beside leaving the mesh: the API's calls, the links, HTTP. Together with the longest default drain it is below ten seconds. */
const closeMs = { api: 1_500, links: 1_500, http: 500 } as const;

/** A peer with its three servers, from start to stop. */
export class RunningPeer {
  readonly peer: Peer;
  readonly ports: { readonly link: number; readonly api: number; readonly http: number };
  readonly #api: ApiServer;
  readonly #http: NestExpressApplication;
  readonly #control: AccessControl;
  readonly #security: PeerSecurity;
  readonly #log: Logger;
  readonly #notice: ExpiryNotice | null;
  #cache: PeerCache | null = null;
  #stopping: Promise<void> | null = null;

  private constructor(
    peer: Peer,
    ports: RunningPeer['ports'],
    servers: { readonly api: ApiServer; readonly http: NestExpressApplication },
    {
      control,
      security,
      log,
    }: { readonly control: AccessControl; readonly security: PeerSecurity; readonly log: Logger },
  ) {
    this.peer = peer;
    this.ports = ports;
    this.#api = servers.api;
    this.#http = servers.http;
    this.#control = control;
    this.#security = security;
    this.#log = log;
    this.#notice = security.tls === null ? null : new ExpiryNotice(security.tls.watch, log);
  }

  /**
   * Starts a peer and its servers; joining the mesh goes on afterwards. Throws a StartError when it cannot. `signal` ends the
   * waiting for a certificate.
   */
  static async start(config: Config, logs: Logs, signal?: AbortSignal): Promise<RunningPeer> {
    const security = await openSecurity(config, logs, signal);
    const { identity, tls } = security;
    const rpc = new RpcMetrics();
    const control = createAccess(config, logs.api);
    const { access } = control;
    const api = new ApiServer({
      host: config.apiHost,
      port: config.apiPort,
      payloadBytesMax: config.payloadBytesMax,
      rpc,
      access,
      connections: {
        connectionsMax: config.apiConnectionsMax,
        newcomersMax: config.apiNewcomersMax,
        newcomerMaxMs: config.apiNewcomerMaxMs,
      },
      credentials: tls?.api ?? null,
    });
    const transport = new GrpcTransport(
      {
        ...defaultGrpcTransportConfig,
        host: config.linkHost,
        port: config.linkPort,
        mesh: config.mesh,
      },
      tls?.links ?? null,
      (trouble) => logs.links.warn(trouble, 'a link came to nothing for want of trust'),
    );
    const bindApi = (): Promise<number> =>
      api.bind().catch((error: unknown) => {
        throw listenError(error, config.apiPort, config.apiHost, 'STARLING_API');
      });
    const bindLinks = (): Promise<number> =>
      transport.listen().catch((error: unknown) => {
        throw listenError(error, config.linkPort, config.linkHost, 'STARLING_LINK');
      });
    // The peer must know its addresses before it exists. A known API port is bound last, once everything is served.
    const link = await bindLinks();
    const early = config.apiPort === 0 ? await bindApi() : null;
    const ports = { link, api: early ?? config.apiPort };
    const { all, cache } = discoveryOf(config, logs.discovery);
    const peer = new Peer({
      ...{ config, logs, security, transport, ports, rpc, access, connections: api.connections },
      conditions: () => [
        ...(tls === null ? [] : certificateConditions(tls.watch.current, Date.now())),
        ...(cache?.trouble.isFailing ? (['cacheUnwritten'] as const) : []),
      ],
    });

    const http = await NestFactory.create<NestExpressApplication>(appModule(peer, logs), {
      logger: nestLogger(logs.http),
      forceCloseConnections: true,
      abortOnError: false,
      bodyParser: false,
    });
    http.disable('x-powered-by');
    http.connectMicroservice({ strategy: api.mount(peer, logs.api) });
    await http.startAllMicroservices();
    if (early === null) await bindApi();
    await http.listen(config.httpPort, config.httpHost).catch((error: unknown) => {
      throw listenError(error, config.httpPort, config.httpHost, 'STARLING_HTTP');
    });
    const httpPort = (http.getHttpServer().address() as AddressInfo).port;

    const rest = { control, security, log: logs.peer };
    const running = new RunningPeer(peer, { ...ports, http: httpPort }, { api, http }, rest);
    running.#notice?.start();
    await peer.start(all);
    if (cache !== null) running.#remember(cache);
    logs.peer.info(
      {
        id: identity.id,
        isNewIdentity: identity.isNew,
        link: peer.overlay.self.address,
        api: peer.overlay.self.apiAddress,
        ports: running.ports,
        mesh: config.mesh,
        certificateExpires: tls === null ? null : expiryOf(tls.watch.current),
        startMs: Math.round(performance.now()),
        startCpuMs: Math.round((process.cpuUsage().user + process.cpuUsage().system) / 1_000),
      },
      'the peer listens',
    );
    return running;
  }

  /**
   * Not ready, leave the mesh, finish the calls, close: each with a deadline of its own and a line in the log. Resolves
   * when everything is closed; calling it again waits for the first.
   */
  stop(drainTimeoutMs: number): Promise<void> {
    this.#stopping ??= this.#stop(drainTimeoutMs);
    return this.#stopping;
  }

  /** Neighbours are worth trying first after a restart. */
  #remember(cache: PeerCache): void {
    this.#cache = cache;
    this.peer.overlay.on((event) => {
      if (event.kind === 'neighborUp') cache.remember(event.peer);
    });
  }

  async #stop(drainTimeoutMs: number): Promise<void> {
    const { peer } = this;
    this.#security.tls?.watch.close();
    this.#notice?.stop();
    await this.#step('left the mesh', drainTimeoutMs + 500, async () => {
      if (peer.overlay.state === 'draining' || peer.overlay.state === 'stopped') return;
      await peer.drain(drainTimeoutMs);
    });
    await this.#step('finished the calls of clients', closeMs.api + 200, () => {
      peer.health.close();
      this.#control.stop();
      return this.#api.close(closeMs.api);
    });
    await this.#step('closed the links', closeMs.links, () => Promise.all([peer.stop(), this.#cache?.save()]));
    await this.#step('closed HTTP', closeMs.http, () => this.#http.close());
  }

  async #step(name: string, deadlineMs: number, work: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), deadlineMs);
    });
    let outcome: string;
    try {
      outcome = (await Promise.race([work(), late])) === 'late' ? 'late' : 'done';
    } catch (error) {
      outcome = 'failed';
      this.#log.error({ err: error }, `stopping: not ${name}`);
    }
    clearTimeout(timer);
    const ms = Math.round(performance.now() - startedAt);
    if (outcome === 'late') this.#log.warn({ ms }, `stopping: not yet ${name}; going on`);
    else if (outcome === 'done') this.#log.info({ ms }, `stopping: ${name}`);
  }
}

/** What Nest says, at the level that it deserves: its start-up chatter is nobody's news. */
function nestLogger(log: Logger): LoggerService {
  const say =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown): void =>
      log[level](message instanceof Error ? { err: message } : {}, String(message));
  return { log: say('debug'), debug: say('debug'), verbose: say('debug'), warn: say('warn'), error: say('error') };
}
