import type {
  BatchSignature,
  Gossip,
  IHaveItem,
  PlumtreeMessage,
  SeqRange,
  StreamDigest,
} from '@starling/core-plumtree';
import { unreachable } from '@starling/kernel';
import type { SwarmId } from '@starling/mesh';
import { MalformedError, type ProtoReader, wireType } from './proto-reader.ts';
import { type ProtoWriter, varintBytes } from './proto-writer.ts';
import type { StreamMention, StreamNamesIn, StreamNamesOut } from './stream-names.ts';

// Written by hand, against broadcast.proto, because every message of every stream on every link passes here: about ten
// times as fast as the generated code, and a relay copies a body's bytes once, into the frame. The tests hold it to the
// generated code, both ways.

export type BroadcastMessage = PlumtreeMessage<Uint8Array>;
export type BroadcastControl = Exclude<BroadcastMessage, Gossip<Uint8Array>>;

/** The root swarm: proto3's default, so that it takes no byte. A constant of its own keeps the mesh's code out of every user of this package. */
const rootSwarm: SwarmId = 0;

/** Longest stream name taken, in characters. A peer id, a separator and a time make 66. */
const streamCharsMax = 256;
/** Room for one mention of a stream and all numbers beside it; a name takes at most 3 bytes a character. */
const mentionBytesMax = 64 + streamCharsMax * 3;

/** What a signature adds to a message that shares it with others: guess, for a queue. */
const signatureShareBytes = 48;
/** The longest key, digests and signature that are read; whether they are right is not for the codec to say. */
const keyBytesMax = 256;
const digestsBytesMax = 64 * 16;
const signatureBytesMax = 256;

/** Numbers of `Message.kind` in link.proto. */
const kindField = { iHave: 2, graft: 3, prune: 4, digest: 5, pull: 6, held: 7 } as const;
export const broadcastFieldMin = kindField.iHave;
export const broadcastFieldMax = kindField.held;

const lengthTag = (field: number): number => (field << 3) | wireType.lengthDelimited;
const varintTag = (field: number): number => (field << 3) | wireType.varint;

/** What a message weighs in a queue: close to its encoding, names not counted. */
export function broadcastBytes(message: BroadcastMessage): number {
  switch (message.kind) {
    case 'gossip':
      // A signature is not looked at before it is sent: until then an own one may take in more messages.
      return 32 + message.body.length + (message.signature === null ? 0 : signatureShareBytes);
    case 'iHave':
      return 16 + message.items.length * 16;
    case 'graft':
    case 'pull':
      return 16 + message.ranges.length * 16;
    case 'digest':
      return 16 + message.streams.length * 16;
    case 'held':
    case 'prune':
      return 16;
    default:
      return unreachable(message);
  }
}

/** Writes a Gossip, with its length but without its field's tag. Makes room itself. */
export function writeGossip(
  writer: ProtoWriter,
  names: StreamNamesOut,
  swarm: SwarmId,
  message: Gossip<Uint8Array>,
): void {
  const stream = names.mention(message.stream);
  const body = message.body.length;
  const signature = message.signature === null ? null : signatureMention(names, stream.ref, message.signature);
  const bytes =
    mentionBytes(stream) +
    (signature === null ? 0 : signature.bytes) +
    (1 + varintBytes(message.seq)) +
    (1 + varintBytes(message.round)) +
    9 +
    (message.wantHeld ? 2 : 0) +
    (message.repair ? 2 : 0) +
    (swarm === rootSwarm ? 0 : 1 + varintBytes(swarm)) +
    (message.tree === 0 ? 0 : 1 + varintBytes(message.tree)) +
    (message.entry === 0 ? 0 : 1 + varintBytes(message.entry)) +
    (1 + varintBytes(body) + body);
  writer.reserve(bytes + 8);
  writer.varint(bytes);
  writeMention(writer, stream);
  writer.varint(varintTag(3));
  writer.varint(message.seq);
  writer.varint(varintTag(4));
  writer.varint(message.round);
  writer.varint((5 << 3) | wireType.fixed64);
  writer.double(message.publishedAt);
  if (message.wantHeld) writeUint(writer, 6, 1);
  if (message.repair) writeUint(writer, 7, 1);
  if (swarm !== rootSwarm) writeUint(writer, 8, swarm);
  if (message.tree !== 0) writeUint(writer, 9, message.tree);
  if (message.entry !== 0) writeUint(writer, 10, message.entry);
  if (signature !== null) writeSignature(writer, signature);
  writer.varint(lengthTag(15));
  writer.bytes(message.body);
}

/** A signature as a message mentions it. */
interface SignatureMention {
  /** Null: the same as before. */
  readonly signature: BatchSignature | null;
  readonly key: Uint8Array | null;
  /** Of the submessage, and with its tag and length. */
  readonly inner: number;
  readonly bytes: number;
}

const sameSignature: SignatureMention = { signature: null, key: null, inner: 0, bytes: 2 };

function signatureMention(names: StreamNamesOut, ref: number, signature: BatchSignature): SignatureMention {
  const last = names.signature(ref);
  if (last === signature) return sameSignature;
  names.setSignature(ref, signature);
  const key = last !== undefined && isEqual(last.key, signature.key) ? null : signature.key;
  const inner =
    (key === null ? 0 : lengthField(key.length)) +
    (1 + varintBytes(signature.first)) +
    lengthField(signature.digests.length) +
    lengthField(signature.signature.length);
  return { signature, key, inner, bytes: lengthField(inner) };
}

/** Bytes of a length-delimited field with a small number. */
function lengthField(length: number): number {
  return 1 + varintBytes(length) + length;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}

function writeSignature(writer: ProtoWriter, { signature, key, inner }: SignatureMention): void {
  if (signature === null) {
    writeUint(writer, 12, 1);
    return;
  }
  writer.varint(lengthTag(11));
  writer.varint(inner);
  if (key !== null) {
    writer.varint(lengthTag(1));
    writer.bytes(key);
  }
  writeUint(writer, 2, signature.first);
  writer.varint(lengthTag(3));
  writer.bytes(signature.digests);
  writer.varint(lengthTag(4));
  writer.bytes(signature.signature);
}

/** Reads a BatchSignature. It is likely to be held for minutes, so it is copied out of its frame. Its key is null where it is not said. */
function readSignature(reader: ProtoReader): Omit<BatchSignature, 'key'> & { readonly key: Uint8Array | null } {
  const end = reader.enter();
  let key: Uint8Array | null = null;
  let first = 0;
  let digests: Uint8Array = empty;
  let signature: Uint8Array = empty;
  while (reader.position < end) {
    const tag = reader.varint();
    switch (tag) {
      case lengthTag(1):
        key = copied(reader, keyBytesMax);
        break;
      case varintTag(2):
        first = reader.varint();
        break;
      case lengthTag(3):
        digests = copied(reader, digestsBytesMax);
        break;
      case lengthTag(4):
        signature = copied(reader, signatureBytesMax);
        break;
      default:
        reader.skip(tag);
    }
  }
  if (reader.position !== end) throw new MalformedError('signature is cut off');
  return { key, first, digests, signature };
}

function copied(reader: ProtoReader, max: number): Uint8Array {
  const view = reader.view();
  if (view.length > max) throw new MalformedError('part of a signature is too long');
  return new Uint8Array(view);
}

/** Reads a Gossip up to `end`. Its body may be a view of the reader's bytes. */
export function readGossip(
  reader: ProtoReader,
  end: number,
  names: StreamNamesIn,
): { swarm: SwarmId; message: Gossip<Buffer>; unknown: number } {
  let ref = 0;
  let name = '';
  let seq = 0;
  let round = 0;
  let publishedAt = 0;
  let wantHeld = false;
  let repair = false;
  let swarm = rootSwarm;
  let tree = 0;
  let entry = 0;
  let read: ReturnType<typeof readSignature> | null = null;
  let isSame = false;
  let body: Buffer = empty;
  let unknown = 0;
  while (reader.position < end) {
    const tag = reader.varint();
    switch (tag) {
      case varintTag(1):
        ref = reader.uint32();
        break;
      case lengthTag(2):
        name = readName(reader);
        break;
      case varintTag(3):
        seq = reader.varint();
        break;
      case varintTag(4):
        round = reader.uint32();
        break;
      case (5 << 3) | wireType.fixed64:
        publishedAt = reader.double();
        break;
      case varintTag(6):
        wantHeld = reader.bool();
        break;
      case varintTag(7):
        repair = reader.bool();
        break;
      case varintTag(8):
        swarm = reader.uint32();
        break;
      case varintTag(9):
        tree = reader.uint32();
        break;
      case varintTag(10):
        entry = reader.uint32();
        break;
      case lengthTag(11):
        read = readSignature(reader);
        break;
      case varintTag(12):
        isSame = reader.bool();
        break;
      case lengthTag(15):
        body = ownBody(reader.view(), reader.bytes);
        break;
      default:
        reader.skip(tag);
        unknown++;
    }
  }
  if (reader.position !== end) throw new MalformedError('gossip is cut off');
  if (!Number.isFinite(publishedAt)) throw new MalformedError('published_at is not finite');
  const stream = names.resolve(ref, name);
  let signature: BatchSignature | null = null;
  if (read !== null) {
    signature = { ...read, key: read.key ?? names.signature(ref).key };
    names.setSignature(ref, signature);
  } else if (isSame) {
    signature = names.signature(ref);
  }
  return {
    swarm,
    message: { kind: 'gossip', stream, seq, round, publishedAt, wantHeld, repair, tree, entry, signature, body },
    unknown,
  };
}

const empty = Buffer.alloc(0);

/**
 * A body is likely to be held for minutes, and a view of it holds its whole frame. So a body that is only a small part of
 * its frame is copied: what is held is then at most four times what the store counts.
 */
function ownBody(body: Buffer, frame: Buffer): Buffer {
  return body.length * 4 >= frame.length ? body : Buffer.from(body);
}

/** Writes a Message with one of the other broadcast kinds, with its length but without its field's tag. */
export function writeControl(
  writer: ProtoWriter,
  names: StreamNamesOut,
  swarm: SwarmId,
  message: BroadcastControl,
): void {
  writer.reserve(32);
  const start = writer.begin();
  if (swarm !== rootSwarm) writeUint(writer, 1, swarm);
  writer.varint(lengthTag(kindField[message.kind]));
  const kind = writer.begin();
  switch (message.kind) {
    case 'iHave':
      for (const item of message.items) {
        const at = beginRange(writer, names, item.stream, item.from, item.to);
        writeUint(writer, 5, item.round);
        if (item.tree !== 0) writeUint(writer, 6, item.tree);
        if (item.entry !== 0) writeUint(writer, 7, item.entry);
        writer.finish(at);
      }
      break;
    case 'graft':
    case 'pull':
      for (const range of message.ranges) {
        writer.finish(beginRange(writer, names, range.stream, range.from, range.to));
      }
      writer.reserve(8);
      if (message.kind === 'graft' && message.tree !== 0) writeUint(writer, 2, message.tree);
      break;
    case 'prune':
      if (message.tree !== 0) writeUint(writer, 1, message.tree);
      // Present even when 0: without it the message means another link.
      if (message.yieldTo !== null) writeUint(writer, 2, message.yieldTo);
      break;
    case 'digest':
      for (const entry of message.streams) {
        writer.finish(beginRange(writer, names, entry.stream, entry.from, entry.seen));
      }
      writer.reserve(2);
      if (message.last) writeUint(writer, 2, 1);
      break;
    case 'held':
      writer.reserve(mentionBytesMax);
      writeMention(writer, names.mention(message.stream));
      writeUint(writer, 3, message.seq);
      break;
    default:
      unreachable(message);
  }
  writer.finish(kind);
  writer.finish(start);
}

/** Reads the message in the field numbered `field` of `Message.kind`, up to `end`. */
export function readControl(reader: ProtoReader, field: number, end: number, names: StreamNamesIn): BroadcastControl {
  switch (field) {
    case kindField.iHave: {
      const ranges = readRanges(reader, end, names);
      return { kind: 'iHave', items: ranges.list };
    }
    case kindField.graft: {
      const { list, second } = readRanges(reader, end, names);
      return { kind: 'graft', ranges: list.map(toSeqRange), tree: second };
    }
    case kindField.prune:
      return readPrune(reader, end);
    case kindField.digest: {
      const { list, second } = readRanges(reader, end, names);
      return { kind: 'digest', streams: list.map(toStreamDigest), last: second !== 0 };
    }
    case kindField.pull:
      return { kind: 'pull', ranges: readRanges(reader, end, names).list.map(toSeqRange) };
    default: {
      const { stream, from } = readRange(reader, end, names);
      return { kind: 'held', stream, seq: from };
    }
  }
}

type Range = IHaveItem;

function toSeqRange({ stream, from, to }: Range): SeqRange {
  return { stream, from, to };
}

function toStreamDigest({ stream, from, to }: Range): StreamDigest {
  return { stream, from, seen: to };
}

/** IHaveItem, SequenceRange and StreamDigest have the same numbers for the same things. Begins field 1; the caller finishes it. */
function beginRange(writer: ProtoWriter, names: StreamNamesOut, stream: string, from: number, to: number): number {
  writer.reserve(mentionBytesMax);
  writer.varint(lengthTag(1));
  const start = writer.begin();
  writeMention(writer, names.mention(stream));
  writeUint(writer, 3, from);
  writeUint(writer, 4, to);
  return start;
}

/** A list of ranges in field 1, and the number that some messages have in field 2; 0 when it is not there. */
function readRanges(reader: ProtoReader, end: number, names: StreamNamesIn): { list: Range[]; second: number } {
  const list: Range[] = [];
  let second = 0;
  while (reader.position < end) {
    const tag = reader.varint();
    if (tag === lengthTag(1)) list.push(readRange(reader, reader.enter(), names));
    else if (tag === varintTag(2)) second = reader.uint32();
    else reader.skip(tag);
  }
  if (reader.position !== end) throw new MalformedError('message is cut off');
  return { list, second };
}

function readPrune(reader: ProtoReader, end: number): BroadcastControl {
  let tree = 0;
  let yieldTo: number | null = null;
  while (reader.position < end) {
    const tag = reader.varint();
    if (tag === varintTag(1)) tree = reader.uint32();
    else if (tag === varintTag(2)) yieldTo = reader.uint32();
    else reader.skip(tag);
  }
  if (reader.position !== end) throw new MalformedError('prune is cut off');
  return { kind: 'prune', tree, yieldTo };
}

function readRange(reader: ProtoReader, end: number, names: StreamNamesIn): Range {
  let ref = 0;
  let name = '';
  let from = 0;
  let to = 0;
  let round = 0;
  let tree = 0;
  let entry = 0;
  while (reader.position < end) {
    const tag = reader.varint();
    switch (tag) {
      case varintTag(1):
        ref = reader.uint32();
        break;
      case lengthTag(2):
        name = readName(reader);
        break;
      case varintTag(3):
        from = reader.varint();
        break;
      case varintTag(4):
        to = reader.varint();
        break;
      case varintTag(5):
        round = reader.uint32();
        break;
      case varintTag(6):
        tree = reader.uint32();
        break;
      case varintTag(7):
        entry = reader.uint32();
        break;
      default:
        reader.skip(tag);
    }
  }
  if (reader.position !== end) throw new MalformedError('range is cut off');
  return { stream: names.resolve(ref, name), from, to, round, tree, entry };
}

function readName(reader: ProtoReader): string {
  const name = reader.string();
  if (name.length > streamCharsMax) throw new MalformedError('stream name is too long');
  return name;
}

function mentionBytes({ ref, name }: StreamMention): number {
  return 1 + varintBytes(ref) + (name === null ? 0 : 1 + varintBytes(name.length) + name.length);
}

function writeMention(writer: ProtoWriter, { ref, name }: StreamMention): void {
  writer.varint(varintTag(1));
  writer.varint(ref);
  if (name === null) return;
  writer.varint(lengthTag(2));
  writer.bytes(name);
}

function writeUint(writer: ProtoWriter, field: number, value: number): void {
  writer.varint(varintTag(field));
  writer.varint(value);
}
