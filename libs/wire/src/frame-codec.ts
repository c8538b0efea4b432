import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MeshMessage } from '@starling/mesh';
import {
  type BroadcastMessage,
  broadcastBytes,
  broadcastFieldMax,
  broadcastFieldMin,
  readControl,
  readGossip,
  writeControl,
  writeGossip,
} from './broadcast-codec.ts';
import { decodeControl, encodeControl } from './control-codec.ts';
import { UnknownValueError } from './enum-names.ts';
import { FrameSchema, HelloSchema, RefusalSchema } from './gen/starling/link/v1/link_pb.ts';
import {
  fromHelloProto,
  fromRefusalProto,
  type Hello,
  type Refusal,
  toHelloProto,
  toRefusalProto,
} from './hello-codec.ts';
import { carriesRecords } from './lookup-codec.ts';
import { MalformedError, ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';
import { StreamNamesIn, StreamNamesOut } from './stream-names.ts';

export interface FrameLimits {
  /** A frame is ended when it has this many bytes. Measured: beyond 64 KiB grpc-js gains nothing more. */
  readonly frameBytes: number;
  /** The largest body; a message may have 64 KiB beside it. */
  readonly bodyBytesMax: number;
}

export const defaultFrameLimits: FrameLimits = { frameBytes: 64 * 1024, bodyBytesMax: 1024 * 1024 + 64 * 1024 };

/** What a message may have beside its body. */
const messageOverheadBytes = 64 * 1024;

/** The largest frame that a peer may send: what the receiving side sets its limit to. */
export function frameBytesMax(limits: FrameLimits): number {
  return 1024 * 1024 + limits.bodyBytesMax;
}

/** What a writer of frames takes at a time: room for one full frame. */
export function slabBytes(limits: FrameLimits): number {
  return limits.frameBytes + 4 * 1024;
}

/** A frame as it was received. `malformed`: nothing in it may be used. */
export type DecodedFrame =
  | {
      readonly kind: 'frame';
      readonly hello: Hello | null;
      readonly refusal: Refusal | null;
      readonly confirm: boolean;
      readonly goodbye: boolean;
      readonly messages: readonly MeshMessage<Uint8Array>[];
      /** Messages and fields that this version does not know. */
      readonly unknown: number;
    }
  | { readonly kind: 'malformed'; readonly reason: string };

/** A message ready to be queued: a broadcast message as it is, because the names in it are encoded late, others as bytes. */
export type OutgoingMessage =
  | Extract<MeshMessage<Uint8Array>, { readonly area: 'broadcast' }>
  | {
      readonly area: 'encoded';
      readonly bytes: Uint8Array;
      /** It carries what users keep, so it waits for control, and a link that has no room for it drops it. */
      readonly isBulk: boolean;
    };

const tags = { hello: 0x0a, refusal: 0x12, confirm: 0x18, message: 0x22, gossip: 0x2a, goodbye: 0x30 } as const;

/** Encodes what need not wait. */
export function toOutgoing(message: MeshMessage<Uint8Array>): OutgoingMessage {
  if (message.area === 'broadcast') return message;
  const isBulk = message.area === 'lookup' && carriesRecords(message.message);
  return { area: 'encoded', bytes: encodeControl(message), isBulk };
}

/** What a message weighs in a queue: close to what it will take in a frame. */
export function outgoingBytes(message: OutgoingMessage): number {
  return message.area === 'encoded' ? message.bytes.length + 4 : broadcastBytes(message.message);
}

/** Whether the other side would take it. */
export function isSendable(message: OutgoingMessage, limits: FrameLimits): boolean {
  if (message.area === 'encoded') return message.bytes.length <= messageOverheadBytes + limits.bodyBytesMax;
  if (message.message.kind === 'gossip') return message.message.body.length <= limits.bodyBytesMax;
  return broadcastBytes(message.message) <= messageOverheadBytes + limits.bodyBytesMax;
}

/** The frame that opens a stream. */
export function encodeHello(hello: Hello): Buffer {
  return toBuffer(toBinary(FrameSchema, create(FrameSchema, { hello: toHelloProto(hello) })));
}

/** With the hello, when the dialler may know who refuses. */
export function encodeRefusal(refusal: Refusal, hello: Hello | null): Buffer {
  const who = hello === null ? {} : { hello: toHelloProto(hello) };
  return toBuffer(toBinary(FrameSchema, create(FrameSchema, { refusal: toRefusalProto(refusal), ...who })));
}

export function encodeConfirm(): Buffer {
  return Buffer.from([tags.confirm, 1]);
}

export function encodeGoodbye(): Buffer {
  return Buffer.from([tags.goodbye, 1]);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The sending side of one link: puts messages into frames, in order. */
export class FrameEncoder {
  readonly #limits: FrameLimits;
  readonly #names = new StreamNamesOut();
  readonly #writer: ProtoWriter;

  /** One writer may serve many encoders: a frame is begun and cut without a pause. */
  constructor(limits: FrameLimits, writer = ProtoWriter.forFrames(slabBytes(limits))) {
    this.#limits = limits;
    this.#writer = writer;
  }

  /** Adds a message to the frame that is being made. Control before gossip: link.proto says that they are read in that order. */
  add(message: OutgoingMessage): void {
    const writer = this.#writer;
    if (message.area === 'encoded') {
      writer.reserve(message.bytes.length + 8);
      writer.varint(tags.message);
      writer.bytes(message.bytes);
      return;
    }
    writer.reserve(1);
    if (message.message.kind === 'gossip') {
      writer.varint(tags.gossip);
      writeGossip(writer, this.#names, message.swarm, message.message);
    } else {
      writer.varint(tags.message);
      writeControl(writer, this.#names, message.swarm, message.message);
    }
  }

  /** Whether `bytes` more would make the frame longer than one is to be, unless it would be alone in it. */
  isFull(bytes: number): boolean {
    return this.#writer.length > 0 && this.#writer.length + bytes > this.#limits.frameBytes;
  }

  /** Ends the frame. It is to be given back when it is written. */
  take(): Buffer {
    return this.#writer.cut();
  }

  /** Takes back a frame that nobody reads any more, for its memory. */
  release(frame: Buffer): void {
    this.#writer.release(frame);
  }
}

/** The receiving side of one link. Never throws, whatever the bytes. */
export class FrameDecoder {
  readonly #limits: FrameLimits;
  readonly #names = new StreamNamesIn();

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** Bodies may be views of `frame`: it must not be changed afterwards. */
  decode(frame: Buffer): DecodedFrame {
    try {
      return this.#decode(frame);
    } catch (error) {
      // Ours, or what the generated code throws for bytes that it cannot read.
      return { kind: 'malformed', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #decode(frame: Buffer): DecodedFrame {
    const reader = new ProtoReader(frame);
    const messages: MeshMessage<Uint8Array>[] = [];
    let hello: Hello | null = null;
    let refusal: Refusal | null = null;
    let confirm = false;
    let goodbye = false;
    let unknown = 0;
    while (!reader.done) {
      const tag = reader.varint();
      switch (tag) {
        case tags.gossip: {
          const { swarm, message, unknown: fields } = readGossip(reader, this.#enter(reader), this.#names);
          unknown += fields;
          if (message.body.length > this.#limits.bodyBytesMax) throw new MalformedError('body is too big');
          messages.push({ area: 'broadcast', swarm, message });
          break;
        }
        case tags.message: {
          const message = this.#readMessage(reader, this.#enter(reader));
          if (message === null) unknown++;
          else messages.push(message);
          break;
        }
        case tags.hello:
          hello = fromHelloProto(fromBinary(HelloSchema, reader.view()));
          break;
        case tags.refusal:
          refusal = readRefusal(reader.view());
          break;
        case tags.confirm:
          confirm = reader.bool();
          break;
        case tags.goodbye:
          goodbye = reader.bool();
          break;
        default:
          reader.skip(tag);
          unknown++;
      }
    }
    return { kind: 'frame', hello, refusal, confirm, goodbye, messages, unknown };
  }

  #enter(reader: ProtoReader): number {
    const end = reader.enter();
    if (end - reader.position > messageOverheadBytes + this.#limits.bodyBytesMax) {
      throw new MalformedError('message is too big');
    }
    return end;
  }

  /** Reads a Message up to `end`: by hand when it is a broadcast's, else with the generated code. */
  #readMessage(reader: ProtoReader, end: number): MeshMessage<Uint8Array> | null {
    const start = reader.position;
    let swarm = 0;
    let message: BroadcastMessage | null = null;
    while (reader.position < end) {
      const tag = reader.varint();
      const field = tag >>> 3;
      if (tag === 0x08) {
        swarm = reader.uint32();
      } else if (field >= broadcastFieldMin && field <= broadcastFieldMax && (tag & 7) === 2) {
        message = readControl(reader, field, reader.enter(), this.#names);
      } else {
        reader.skip(tag);
      }
    }
    if (reader.position !== end) throw new MalformedError('message is cut off');
    if (message !== null) return { area: 'broadcast', swarm, message };
    return decodeControl(reader.bytes.subarray(start, end));
  }
}

function readRefusal(bytes: Uint8Array): Refusal {
  const proto = fromBinary(RefusalSchema, bytes);
  try {
    return fromRefusalProto(proto);
  } catch (error) {
    if (error instanceof UnknownValueError) return { reason: 'busy', detail: proto.detail };
    throw error;
  }
}
