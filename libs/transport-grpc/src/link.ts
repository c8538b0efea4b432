import type { LinkStats } from '@starling/host';
import type { PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import {
  type DecodedFrame,
  encodeGoodbye,
  type FrameDecoder,
  FrameEncoder,
  outgoingBytes,
  type ProtoWriter,
} from '@starling/wire';
import type { GrpcTransportConfig } from './config.ts';
import type { TransportCounters } from './counters.ts';
import type { FrameStream } from './frame-stream.ts';
import type { SendQueue } from './send-queue.ts';

export interface LinkHandler {
  /** What one frame held: at least one. */
  messages(link: Link, messages: readonly MeshMessage<Uint8Array>[]): void;
  /** The other side sent what it must not. The link is over. */
  violation(link: Link, reason: string): void;
  /** Once. `saidGoodbye`: the other side ended it on purpose. */
  ended(link: Link, saidGoodbye: boolean): void;
  unknown(count: number): void;
}

type LinkTotals = Pick<TransportCounters, 'bytesIn' | 'bytesOut' | 'framesIn' | 'framesOut'>;

/** A confirmed stream: encodes what is queued into frames as fast as they are taken, and decodes what comes. */
export class Link {
  readonly peer: PeerInfo;
  /** Of the other side's hello on this stream. */
  readonly session: bigint;
  readonly number: number;
  readonly queue: SendQueue;
  readonly #config: GrpcTransportConfig;
  readonly #stream: FrameStream;
  readonly #decoder: FrameDecoder;
  readonly #encoder: FrameEncoder;
  readonly #handler: LinkHandler;
  readonly #totals: LinkTotals;
  #inFlight = 0;
  #closing = false;
  /** Nothing more is written. */
  #over = false;
  #goodbye = false;
  #messagesIn = 0;
  #messagesOut = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(
    config: GrpcTransportConfig,
    remote: { readonly peer: PeerInfo; readonly session: bigint; readonly number: number },
    parts: {
      readonly stream: FrameStream;
      readonly queue: SendQueue;
      readonly decoder: FrameDecoder;
      readonly writer: ProtoWriter;
      /** Totals over all links, kept along with this link's own. */
      readonly totals: LinkTotals;
    },
    handler: LinkHandler,
  ) {
    this.#config = config;
    this.peer = remote.peer;
    this.session = remote.session;
    this.number = remote.number;
    this.queue = parts.queue;
    this.#stream = parts.stream;
    this.#decoder = parts.decoder;
    this.#totals = parts.totals;
    this.#encoder = new FrameEncoder(config.frames, parts.writer);
    this.#handler = handler;
    this.#stream.handler = {
      frame: (bytes) => this.receive(bytes),
      ended: () => {
        this.#over = true;
        handler.ended(this, this.#goodbye);
      },
    };
  }

  get stats(): LinkStats {
    return {
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      queuedBytes: this.queue.bytes,
    };
  }

  /** More waiting would not make the next frame larger. */
  get hasFullFrame(): boolean {
    return this.queue.bytes >= this.#config.frames.frameBytes;
  }

  /** Writes what is queued, unless enough frames are under way: then it gathers, and goes on when one is written. */
  flush(): void {
    while (!this.#over && this.#inFlight < this.#config.framesInFlightMax && !this.queue.empty) {
      const frame = this.#nextFrame();
      this.#bytesOut += frame.length;
      this.#totals.bytesOut += frame.length;
      this.#totals.framesOut++;
      this.#inFlight++;
      this.#stream.write(frame, () => this.#written(frame));
    }
    if (!this.#closing || this.#over || !this.queue.empty) return;
    this.#over = true;
    this.#stream.write(encodeGoodbye());
    this.#stream.end();
  }

  #written(frame: Buffer): void {
    this.#encoder.release(frame);
    this.#inFlight--;
    if (!this.queue.empty || this.#closing) this.flush();
  }

  /** Ends the stream once everything queued is written. */
  close(): void {
    this.#closing = true;
    this.flush();
  }

  abort(): void {
    this.#stream.abort();
  }

  receive(bytes: Buffer): void {
    this.#bytesIn += bytes.length;
    this.#totals.bytesIn += bytes.length;
    this.#totals.framesIn++;
    const frame = this.#decoder.decode(bytes);
    if (frame.kind === 'malformed') {
      this.#handler.violation(this, frame.reason);
      return;
    }
    this.deliver(frame);
  }

  /** The messages of a frame that is decoded already: the one that confirmed the stream may carry some. */
  deliver({ messages, unknown, goodbye }: Extract<DecodedFrame, { readonly kind: 'frame' }>): void {
    this.#messagesIn += messages.length;
    if (unknown > 0) this.#handler.unknown(unknown);
    if (messages.length > 0) this.#handler.messages(this, messages);
    if (!goodbye) return;
    this.#goodbye = true;
    this.#stream.hangUp();
  }

  #nextFrame(): Buffer {
    const encoder = this.#encoder;
    for (let next = this.queue.peek(); next !== undefined; next = this.queue.peek()) {
      if (encoder.isFull(outgoingBytes(next))) break;
      encoder.add(next);
      this.queue.shift();
      this.#messagesOut++;
    }
    return encoder.take();
  }
}
