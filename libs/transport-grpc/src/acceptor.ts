import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { type TLSSocket, Server as TlsServer } from 'node:tls';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import type { GrpcTransportConfig } from './config.ts';
import type { InboundRefusal } from './counters.ts';
import { listenOn } from './listen.ts';
import { type MutualTls, type Proof, unsecured } from './mutual-tls.ts';
import { ReceiveWindow } from './receive-window.ts';

/** First byte of a TLS record that begins a handshake (RFC 8446 §5.1); HTTP/2 in plain text begins with a P (RFC 9113 §3.4). */
const tlsHandshake = 0x16;

export interface AcceptorHandler {
  /** A connection is refused; `from` is `host:port`. */
  refused(reason: InboundRefusal, detail: string, from: string): void;
}

/**
 * Takes connections for a grpc-js server, and knows what each of them has proved. A connection that has proved nothing
 * still gets its HTTP/2, so that the refusal of its stream can say why; nothing else is served to it.
 */
export class Acceptor {
  readonly #server: Server;
  readonly #config: GrpcTransportConfig;
  readonly #tls: MutualTls | null;
  readonly #handler: AcceptorHandler;
  readonly #proofs = new Map<string, Proof>();
  readonly #fresh = new Set<Socket>();
  #listener: NetServer | null = null;
  #window: ReceiveWindow | null = null;
  #unwatch: () => void = () => {};

  constructor(server: Server, config: GrpcTransportConfig, tls: MutualTls | null, handler: AcceptorHandler) {
    this.#server = server;
    this.#config = config;
    this.#tls = tls;
    this.#handler = handler;
  }

  /** Resolves with the port. Rejects with a `ListenError`. */
  async listen(): Promise<number> {
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const inject = (socket: Socket, proof: Proof): void => {
      const from = addressOf(socket);
      this.#proofs.set(from, proof);
      socket.once('close', () => this.#proofs.delete(from));
      injector.injectConnection(socket);
    };
    const tls = this.#tls;
    const secure = tls === null ? null : this.#tlsServer(tls, inject);
    const listener = createServer({ noDelay: true }, (socket) => this.#onConnection(socket, secure, inject));
    listener.maxConnections = this.#config.connectionsMax;
    listener.on('drop', (data) => {
      this.#handler.refused('busy', 'too many connections', `${data?.remoteAddress}:${data?.remotePort}`);
    });
    this.#listener = listener;
    // Who has proved nothing gets no more memory here than HTTP/2 gives anybody.
    this.#window = new ReceiveWindow(this.#config.windowBytes, (socket) => this.proofOf(addressOf(socket)).ok);
    return listenOn(listener, this.#config.host, this.#config.port);
  }

  /** What the connection of a call has proved, by the call's `getPeer()`. */
  proofOf(from: string): Proof {
    return this.#proofs.get(from) ?? { ok: false, reason: 'untrusted', detail: 'the connection is not known' };
  }

  /** Takes no more connections; those that are links stay. */
  close(): void {
    this.#unwatch();
    this.#window?.stop();
    this.#listener?.close();
    for (const socket of this.#fresh) socket.destroy();
  }

  /** The first byte tells who encrypts, so that a mistake in the configuration of either side is said in words. */
  #onConnection(socket: Socket, secure: TlsServer | null, inject: (socket: Socket, proof: Proof) => void): void {
    const from = addressOf(socket);
    this.#fresh.add(socket);
    socket.setTimeout(this.#config.acceptTimeoutMs, () => {
      this.#handler.refused('handshake', 'silent', from);
      socket.destroy();
    });
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError).once('close', () => this.#fresh.delete(socket));
    socket.once('readable', () => {
      const head = socket.read() as Buffer | null;
      this.#fresh.delete(socket);
      socket.setTimeout(0).removeAllListeners('timeout');
      if (head === null) {
        socket.destroy();
        return;
      }
      const encrypts = head[0] === tlsHandshake;
      if (secure === null && encrypts) {
        this.#handler.refused('tls-mismatch', 'it encrypts, and links are in plain text here', from);
        // Any plain text makes OpenSSL at the other end say that this is no TLS.
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
        return;
      }
      socket.off('error', onError);
      socket.unshift(head);
      if (secure === null) {
        inject(socket, unsecured);
      } else if (encrypts) {
        secure.emit('connection', socket);
      } else {
        const detail = 'links are encrypted here, and this one is not';
        this.#handler.refused('tls-mismatch', detail, from);
        inject(socket, { ok: false, reason: 'untrusted', detail });
      }
    });
  }

  #tlsServer(tls: MutualTls, inject: (socket: Socket, proof: Proof) => void): TlsServer {
    const server = new TlsServer({
      ALPNProtocols: ['h2'],
      requestCert: true,
      // A chain that does not hold is found by `proofOf`, which can tell the other side.
      rejectUnauthorized: false,
      handshakeTimeout: this.#config.acceptTimeoutMs,
      minVersion: 'TLSv1.3',
    });
    this.#unwatch = tls.watch((options) => server.setSecureContext(options));
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => {});
      const proof = tls.proofOf(socket, Date.now());
      if (!proof.ok) this.#handler.refused(proof.reason, proof.detail, addressOf(socket));
      inject(socket, proof);
    });
    server.on('tlsClientError', (error: Error & { code?: string }, socket) => {
      const detail = `the handshake failed: ${error.message.split('\n', 1)[0]}`;
      this.#handler.refused('handshake', detail, addressOf(socket));
    });
    return server;
  }
}

/** As grpc-js names the other end of a call. */
function addressOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return remoteAddress === undefined ? 'somebody who is gone' : `${remoteAddress}:${remotePort}`;
}
