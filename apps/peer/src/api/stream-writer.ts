import type { ServerWritableStream } from '@grpc/grpc-js';

/** What a stream of answers needs of a grpc-js call. */
export type WritableCall<T> = Pick<ServerWritableStream<unknown, T>, 'write' | 'cancelled'> & {
  end(): void;
  on(event: 'drain' | 'cancelled' | 'close' | 'finish' | 'error', listener: () => void): unknown;
};

/**
 * Writes to one client with back-pressure, by pull: `pump` is called when there may be something to write, and is given
 * `write` until the client's window is full. Nothing is queued here, so what a slow client costs is decided by whoever
 * holds the data.
 */
export class StreamWriter<T> {
  readonly #call: WritableCall<T>;
  readonly #pump: (writer: StreamWriter<T>) => void;
  #isFull = false;
  #isOpen = true;
  #isPumping = false;
  /** Times that the client was slower than the data. */
  pauses = 0;

  /** `closed` is called once, whoever ended the stream and why ever. */
  constructor(call: WritableCall<T>, pump: (writer: StreamWriter<T>) => void, closed: () => void) {
    this.#call = call;
    this.#pump = pump;
    const close = (): void => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      closed();
    };
    call.on('drain', () => {
      this.#isFull = false;
      this.wake();
    });
    // grpc-js says `cancelled` for a client that gave up or vanished, `close` and `finish` for the other ends.
    call.on('cancelled', close);
    call.on('close', close);
    call.on('finish', close);
    call.on('error', close);
    if (call.cancelled) close();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The client takes more now. */
  get hasRoom(): boolean {
    return this.#isOpen && !this.#isFull;
  }

  /** Lets the pump run, unless it is running or the client is not ready for more. */
  wake(): void {
    if (!this.hasRoom || this.#isPumping) return;
    this.#isPumping = true;
    try {
      this.#pump(this);
    } finally {
      this.#isPumping = false;
    }
  }

  write(message: T): void {
    if (!this.#isOpen) return;
    if (this.#call.write(message)) return;
    this.#isFull = true;
    this.pauses++;
  }

  end(): void {
    if (this.#isOpen) this.#call.end();
  }

  /** The call is ended by somebody else: nothing more is written, and `closed` is not called. */
  close(): void {
    this.#isOpen = false;
  }
}
