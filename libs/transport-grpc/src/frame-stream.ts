import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import { frameBytesMax } from '@starling/wire';
import type { GrpcTransportConfig } from './config.ts';

/** The one method of `starling.link.v1.LinkService`. */
export const exchangePath = '/starling.link.v1.LinkService/Exchange';

/** Frames pass through grpc-js as they are: the codec is ours. */
export const passThrough = (bytes: Buffer): Buffer => bytes;

/** `clean`: the other side ended it on purpose. */
export type StreamEnd = { readonly clean: boolean; readonly detail: string };

export interface FrameStreamHandler {
  frame(bytes: Buffer): void;
  /** Once, and nothing after it; also after `abort`. */
  ended(end: StreamEnd): void;
}

/** A stream of frames, whichever side opened it. */
export interface FrameStream {
  /** Who is told. Replaceable: a stream changes hands when it becomes a link. */
  handler: FrameStreamHandler;
  /** `done` is called when grpc-js has written it, flow control included. Never, when the stream ends first. */
  write(frame: Buffer, done?: () => void): void;
  /** Nothing more comes, and nothing more goes. */
  readonly over: boolean;
  /** Ends it after what was written. */
  end(): void;
  /** Ends it now. */
  abort(): void;
}

const deaf: FrameStreamHandler = { frame: () => {}, ended: () => {} };

/** Channel options of both sides. */
export function channelOptions(config: GrpcTransportConfig): ChannelOptions {
  return {
    'grpc.max_receive_message_length': frameBytesMax(config.frames),
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': config.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
    // Counting every message for a debugger costs more than sending it.
    'grpc.enable_channelz': 0,
  };
}

/** The dialler's side: a connection of its own for one call. */
export class DialledStream implements FrameStream {
  handler: FrameStreamHandler = deaf;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #onOver: () => void;
  #over = false;

  constructor(address: string, credentials: ChannelCredentials, config: GrpcTransportConfig, onOver: () => void) {
    this.#onOver = onOver;
    this.#client = new Client(`dns:${address}`, credentials, {
      ...channelOptions(config),
      // Measured: the retry buffer takes 12 % of a sender's CPU, and a link is never retried by gRPC.
      'grpc.enable_retries': 0,
      // One connection per link: sharing would tie the links' windows and deaths together.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config_disable_resolution': 1,
      // Peers are reached directly, whatever proxy the environment names for other traffic.
      'grpc.enable_http_proxy': 0,
      'grpc-node.flow_control_window': config.windowBytes,
    });
    this.#call = this.#client.makeBidiStreamRequest<Buffer, Buffer>(exchangePath, passThrough, passThrough);
    this.#call.on('data', (frame: Buffer) => {
      if (!this.#over) this.handler.frame(frame);
    });
    // `status` follows every end; an `error` without a listener would be thrown.
    this.#call.on('error', () => {});
    this.#call.on('status', ({ code, details }) => {
      this.#finish({ clean: code === status.OK, detail: `${status[code]}: ${details}` });
    });
  }

  get over(): boolean {
    return this.#over;
  }

  write(frame: Buffer, done?: () => void): void {
    if (!this.#over) this.#call.write(frame, done);
  }

  end(): void {
    if (!this.#over) this.#call.end();
  }

  abort(): void {
    this.#finish({ clean: false, detail: 'aborted' });
  }

  #finish(end: StreamEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#call.cancel();
    this.#client.close();
    this.#onOver();
    this.handler.ended(end);
  }
}

/** The acceptor's side. */
export class AcceptedStream implements FrameStream {
  handler: FrameStreamHandler = deaf;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #onOver: () => void;
  #over = false;
  #ending = false;

  constructor(call: ServerDuplexStream<Buffer, Buffer>, onOver: () => void) {
    this.#call = call;
    this.#onOver = onOver;
    call.on('data', (frame: Buffer) => {
      if (!this.#over) this.handler.frame(frame);
    });
    call.on('cancelled', () =>
      this.#finish({ clean: false, detail: 'cancelled by the dialler, or its connection broke' }),
    );
    call.on('error', () => this.#finish({ clean: false, detail: 'broken' }));
    call.on('end', () => {
      // The dialler has ended its half: so do we.
      this.end();
      this.#finish({ clean: true, detail: 'ended by the dialler' });
    });
    call.on('finish', () => this.#finish({ clean: true, detail: 'ended' }));
  }

  get over(): boolean {
    return this.#over;
  }

  write(frame: Buffer, done?: () => void): void {
    if (!this.#over && !this.#ending) this.#call.write(frame, done);
  }

  end(): void {
    if (this.#over || this.#ending) return;
    this.#ending = true;
    this.#call.end();
  }

  abort(): void {
    if (this.#over) return;
    this.#finish({ clean: false, detail: 'aborted' });
    this.#call.emit('error', { code: status.ABORTED, details: 'link aborted' });
  }

  #finish(end: StreamEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
    this.handler.ended(end);
  }
}
