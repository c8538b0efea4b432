import { randomBytes } from 'node:crypto';
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { testPeer } from '@starling/testing';
import { type DecodedFrame, defaultFrameLimits, encodeHello, FrameDecoder, type Hello } from '@starling/wire';
import { exchangePath, exchangeService, passThrough } from '../frame-stream.ts';

/** A valid hello, to be bent by tests. */
export function rawHello(name: string, changes: Partial<Hello> = {}): Hello {
  return {
    version: 1,
    versionMin: 1,
    features: 0n,
    mesh: 'default',
    peer: testPeer(name, '127.0.0.1:1'),
    session: randomBytes(8).readBigUInt64LE(),
    number: 1,
    ...changes,
  };
}

/** One end of a stream in the test's hand: what came, and a way to wait for more. */
export class RawStream {
  readonly frames: DecodedFrame[] = [];
  ended: string | null = null;
  readonly #stream: { write(frame: Buffer): unknown; end(): unknown };
  readonly #decoder = new FrameDecoder(defaultFrameLimits);
  #wake: () => void = () => {};

  constructor(stream: { write(frame: Buffer): unknown; end(): unknown }) {
    this.#stream = stream;
  }

  write(frame: Buffer | Uint8Array): void {
    this.#stream.write(Buffer.from(frame));
  }

  end(): void {
    this.#stream.end();
  }

  received(frame: Buffer): void {
    this.frames.push(this.#decoder.decode(frame));
    this.#wake();
  }

  finished(how: string): void {
    this.ended ??= how;
    this.#wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Dials a transport without being one. `cut` breaks the connection. */
export function rawDial(port: number): { readonly stream: RawStream; cut(): void } {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
  });
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(exchangePath, passThrough, passThrough);
  const stream = new RawStream(call);
  call.on('data', (frame: Buffer) => stream.received(frame));
  call.on('error', () => {});
  call.on('status', ({ code }) => {
    stream.finished(status[code]);
    client.close();
  });
  return {
    stream,
    cut: () => {
      call.cancel();
      client.close();
    },
  };
}

/** Says hello and confirms: a link, from the transport's point of view. */
export async function rawLink(port: number, name: string): Promise<{ readonly stream: RawStream; cut(): void }> {
  const dialled = rawDial(port);
  dialled.stream.write(encodeHello(rawHello(name)));
  await dialled.stream.until(() => dialled.stream.frames.length > 0);
  dialled.stream.write(Buffer.from([0x18, 1]));
  return dialled;
}

/** Takes links without being a transport. Streams are not read unless `accept` reads them. */
export async function rawServer(
  accept: (call: ServerDuplexStream<Buffer, Buffer>) => void,
): Promise<{ readonly port: number; stop(): void }> {
  const server = new Server();
  server.addService(exchangeService, {
    exchange: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('error', () => {});
      accept(call);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}
