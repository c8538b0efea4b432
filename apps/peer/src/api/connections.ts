import { createServer, type Server, type Socket } from 'node:net';

export interface ConnectionLimits {
  /** Connections at once. */
  readonly connectionsMax: number;
  /** Of them those over which no call was let in yet. */
  readonly newcomersMax: number;
  /** How long a connection may be one of those, in ms. */
  readonly newcomerMaxMs: number;
}

/** Why connections were closed, as the metric names it. */
export const closingReasons = ['full', 'crowded', 'no-call', 'refused', 'stalled'] as const;
export type ClosingReason = (typeof closingReasons)[number];

interface Connection {
  readonly socket: Socket;
  readonly since: number;
  /** Calls over it that were refused. */
  refused: number;
}

/** Calls that are refused over a connection of which none was let in: whoever guesses tokens has to connect again. (guess) */
const refusedMax = 100;

/** How often it is looked for connections whose time is over. */
const sweepMs = 500;

/**
 * Takes the API's connections and hands them to gRPC. Whoever connects has a short while to make a call that is let in: a
 * TLS handshake that is never finished, half a preface, half a header, and a connection that is opened to be had all look the
 * same from here, and end the same. When there are too many of those the oldest goes, so a flood of them keeps nobody out who
 * calls at once, and those who have called are not touched.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #server: Server;
  readonly #closed = new Map<ClosingReason, number>();
  /** By remote address and port, the oldest first. */
  readonly #newcomers = new Map<string, Connection>();
  readonly #known = new Map<string, Connection>();
  #timer: NodeJS.Timeout | undefined;

  /** `accept` is given each connection. */
  constructor(limits: ConnectionLimits, accept: (socket: Socket) => void) {
    this.#limits = limits;
    this.#server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => {
      if (this.#admit(socket)) accept(socket);
    });
  }

  get newcomers(): number {
    return this.#newcomers.size;
  }

  get known(): number {
    return this.#known.size;
  }

  closed(): Record<ClosingReason, number> {
    return Object.fromEntries(closingReasons.map((reason) => [reason, this.#closed.get(reason) ?? 0])) as never;
  }

  /** Listens from now on. Resolves with the port. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        // A connection that breaks before it is taken is its client's business.
        this.#server.on('error', () => {});
        this.#timer = setInterval(() => this.sweep(performance.now()), sweepMs).unref();
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** A call of this connection was let in. `remote`: as grpc-js names it, `address:port`. */
  called(remote: string): void {
    const connection = this.#newcomers.get(remote);
    if (connection === undefined) return;
    this.#newcomers.delete(remote);
    this.#known.set(remote, connection);
  }

  /** A call of this connection was refused. */
  refused(remote: string): void {
    const connection = this.#newcomers.get(remote);
    if (connection === undefined) return;
    connection.refused++;
    if (connection.refused >= refusedMax) this.#close(connection.socket, 'refused');
  }

  /** Breaks a connection off, because it does not take what is to end it. */
  drop(remote: string, reason: ClosingReason): void {
    const connection = this.#known.get(remote) ?? this.#newcomers.get(remote);
    if (connection !== undefined) this.#close(connection.socket, reason);
  }

  /** Closes the connections whose time to make a call is over. */
  sweep(now: number): void {
    for (const { socket, since } of this.#newcomers.values()) {
      if (now - since < this.#limits.newcomerMaxMs) break;
      this.#close(socket, 'no-call');
    }
  }

  /** Takes no more connections. */
  stop(): void {
    clearInterval(this.#timer);
    this.#server.close();
  }

  /** Breaks all connections off. */
  destroy(): void {
    for (const { socket } of [...this.#newcomers.values(), ...this.#known.values()]) socket.destroy();
  }

  #admit(socket: Socket): boolean {
    // Gone already.
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return false;
    }
    socket.on('error', () => {});
    if (this.#newcomers.size + this.#known.size >= this.#limits.connectionsMax) {
      // One who has not called makes room, for it may never do so; those who have do not.
      const [oldest] = this.#newcomers.values();
      this.#close(oldest?.socket ?? socket, 'full');
      if (oldest === undefined) return false;
    } else if (this.#newcomers.size >= this.#limits.newcomersMax) {
      const [oldest] = this.#newcomers.values();
      if (oldest !== undefined) this.#close(oldest.socket, 'crowded');
    }
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    const connection = { socket, since: performance.now(), refused: 0 };
    this.#newcomers.set(remote, connection);
    socket.once('close', () => {
      for (const table of [this.#newcomers, this.#known]) if (table.get(remote) === connection) table.delete(remote);
    });
    return true;
  }

  #close(socket: Socket, reason: ClosingReason): void {
    this.#closed.set(reason, (this.#closed.get(reason) ?? 0) + 1);
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    for (const table of [this.#newcomers, this.#known]) if (table.get(remote)?.socket === socket) table.delete(remote);
    socket.destroy();
  }
}
