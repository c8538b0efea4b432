import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** Node's own word, for observers, that an HTTP/2 server of this process has a new stream. */
const channel = 'http2.server.stream.created';

/**
 * Gives connections that were accepted the HTTP/2 window of those that were dialled. grpc-js lets only a client say how large its
 * window is; a server's stays at 64 KiB (RFC 9113 §6.9.2), which is less than one frame with its prefix: each would wait
 * for a round trip, and what a dialler sends over 100 ms could not be more than 640 KiB a second. Measured on loopback (bench/link.ts): a third less CPU for what a dialler sends.
 */
export class ReceiveWindow {
  readonly #bytes: number;
  readonly #isOurs: (socket: Pick<Socket, 'remoteAddress' | 'remotePort'>) => boolean;
  /** Whose window is open: a second time would only count towards the settings that the other side has yet to acknowledge, and too many of these throw. */
  readonly #opened = new WeakSet<object>();

  /** `isOurs`: whether a connection of this process carries a link. Begins at once; `stop` ends it. */
  constructor(bytes: number, isOurs: (socket: Pick<Socket, 'remoteAddress' | 'remotePort'>) => boolean) {
    this.#bytes = bytes;
    this.#isOurs = isOurs;
    subscribe(channel, this.#onStream);
  }

  stop(): void {
    unsubscribe(channel, this.#onStream);
  }

  readonly #onStream = (message: unknown): void => {
    const { session } = (message as { readonly stream: ServerHttp2Stream }).stream;
    if (session === undefined || session.destroyed || this.#opened.has(session)) return;
    if (!this.#isOurs(session.socket)) return;
    this.#opened.add(session);
    // Both: of the connection, and of each stream in it, the one that has just begun included.
    const server = session as ServerHttp2Session;
    server.setLocalWindowSize(this.#bytes);
    server.settings({ initialWindowSize: this.#bytes });
  };
}
