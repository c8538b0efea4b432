import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  connectivityState,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import { frameBytesMax } from '@starling/wire';
import type { GrpcTransportConfig } from './config.ts';

/** The one method of `starling.link.v1.LinkService`. */
export const exchangePath = '/starling.link.v1.LinkService/Exchange';

/** Frames pass through grpc-js as they are: the codec is ours. */
export const passThrough = (bytes: Buffer): Buffer => bytes;

/** The service as grpc-js wants it. */
export const exchangeService = {
  exchange: {
    path: exchangePath,
    requestStream: true,
    responseStream: true,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  },
} as const;

export interface FrameStreamHandler {
  frame(bytes: Buffer): void;
  /** Once, and nothing after it; also after `abort`. `detail` is for people: gRPC cannot tell an end from a break. */
  ended(detail: string): void;
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
  /** The other side has ended it: ends it too. */
  hangUp(): void;
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
      // Who answers is told by the certificate, whatever the address; an IP address is no server name (RFC 6066 §3).
      'grpc.ssl_target_name_override': 'peer.starling.invalid',
    });
    this.#call = this.#client.makeBidiStreamRequest<Buffer, Buffer>(exchangePath, passThrough, passThrough);
    this.#call.on('data', (frame: Buffer) => {
      if (!this.#over) this.handler.frame(frame);
    });
    // `status` follows every end; an `error` without a listener would be thrown.
    this.#call.on('error', () => {});
    this.#call.on('status', ({ code, details }) => {
      this.#finish(`${status[code]}: ${details}`);
    });
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whether the other side has taken the connection and said so; perhaps no more than that. */
  get isConnected(): boolean {
    return !this.#over && this.#client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  write(frame: Buffer, done?: () => void): void {
    if (!this.#over) this.#call.write(frame, done);
  }

  end(): void {
    if (!this.#over) this.#call.end();
  }

  hangUp(): void {
    this.abort();
  }

  abort(): void {
    this.#finish('aborted');
  }

  #finish(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#call.cancel();
    this.#client.close();
    this.#onOver();
    this.handler.ended(detail);
  }
}

/** The acceptor's side. */
export class AcceptedStream implements FrameStream {
  handler: FrameStreamHandler = deaf;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #onOver: () => void;
  /** `host:port` of the other side, as its connection is known by. */
  readonly from: string;
  #over = false;
  #ending = false;

  constructor(call: ServerDuplexStream<Buffer, Buffer>, onOver: () => void) {
    this.#call = call;
    this.#onOver = onOver;
    this.from = call.getPeer();
    call.on('data', (frame: Buffer) => {
      if (!this.#over) this.handler.frame(frame);
    });
    // Also when the connection breaks, sometimes after an `end` that nobody sent.
    call.on('cancelled', () => this.#finish('cancelled'));
    call.on('error', () => this.#finish('broken'));
    call.on('end', () => this.hangUp());
    call.on('finish', () => this.#finish('ended'));
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

  hangUp(): void {
    this.end();
  }

  abort(): void {
    if (this.#over) return;
    this.#finish('aborted');
    this.#call.emit('error', { code: status.ABORTED, details: 'link aborted' });
  }

  #finish(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
    this.handler.ended(detail);
  }
}
