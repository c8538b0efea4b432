import type { Millis } from '@starling/kernel';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { type Parsed, problem } from './parsed.ts';

/**
 * How far a subscriber has come, in terms that every peer understands. Of the streams listed: everything up to that
 * number is seen. Of all others: everything that had come to the peer by `time`.
 */
export interface Cursor {
  readonly seen: ReadonlyMap<string, number>;
  readonly time: Millis;
  /** It lists every stream that its peer knew, so that an unlisted one is a stream that was never seen. */
  readonly isComplete: boolean;
}

/**
 * Bounds of one cursor: streams listed, bytes before they become text (16,384 characters), and characters of a stream's id.
 */
export const cursorLimits = { streamsMax: 256, bytesMax: 12_288, streamCharsMax: 256 } as const;

const version = 1;
const completeFlag = 1;

/**
 * Writes a cursor as url-safe text: version, flags, time, count, then each stream's id and number as length-prefixed
 * characters and variable-length integers, and a checksum. `seen` is listed in its order until a bound is met; then the
 * rest is left out and the cursor is not complete.
 */
export function encodeCursor(cursor: Cursor): string {
  const bytes: number[] = [];
  let count = 0;
  for (const [stream, seq] of cursor.seen) {
    const before = bytes.length;
    pushNumber(bytes, stream.length);
    for (let i = 0; i < stream.length; i++) pushNumber(bytes, stream.charCodeAt(i));
    pushNumber(bytes, seq);
    if (bytes.length > cursorLimits.bytesMax - 32 || count === cursorLimits.streamsMax) {
      bytes.length = before;
      break;
    }
    count++;
  }
  const isComplete = cursor.isComplete && count === cursor.seen.size;
  const head = [version, isComplete ? completeFlag : 0];
  pushNumber(head, Math.max(0, Math.floor(cursor.time)));
  pushNumber(head, count);
  const body = head.concat(bytes);
  const sum = checksum(body, body.length);
  body.push(sum & 255, (sum >>> 8) & 255, (sum >>> 16) & 255, sum >>> 24);
  return encodeBase64Url(body);
}

/** Does a cursor have room for all of these? Counts on the safe side. */
export function fitsCursor(seen: ReadonlyMap<string, number>): boolean {
  if (seen.size > cursorLimits.streamsMax) return false;
  let bytes = 32;
  for (const stream of seen.keys()) bytes += stream.length + 10;
  return bytes <= cursorLimits.bytesMax;
}

/** Reads a cursor that a client gave back. Never throws; the work is bounded by the length of a cursor. */
export function decodeCursor(text: string): Parsed<Cursor> {
  if (text.length > Math.ceil((cursorLimits.bytesMax * 4) / 3)) return problem('is longer than any cursor');
  const bytes = decodeBase64Url(text);
  if (bytes === null) return problem('is no cursor: it has characters that no cursor has');
  if (bytes.length < 8) return problem('is no cursor: it is cut short');
  if (bytes[0] !== version) return problem(`is of version ${bytes[0]}, which this peer does not know`);
  const end = bytes.length - 4;
  const sum = checksum(bytes, end);
  for (let i = 0; i < 4; i++) {
    if (bytes[end + i] !== ((sum >>> (8 * i)) & 255)) return problem('is damaged: its checksum is wrong');
  }
  return readBody(bytes, end) ?? problem('is damaged: its content makes no sense');
}

function readBody(bytes: readonly number[], end: number): Parsed<Cursor> | null {
  const reader = new NumberReader(bytes, 2, end);
  const time = reader.next();
  const count = reader.next();
  if (time === null || count === null || count > cursorLimits.streamsMax) return null;
  const seen = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const length = reader.next();
    if (length === null || length < 1 || length > cursorLimits.streamCharsMax) return null;
    let stream = '';
    for (let j = 0; j < length; j++) {
      const code = reader.next();
      if (code === null || code > 0xffff) return null;
      stream += String.fromCharCode(code);
    }
    const seq = reader.next();
    if (seq === null) return null;
    seen.set(stream, seq);
  }
  if (!reader.isAtEnd) return null;
  return { ok: true, value: { seen, time, isComplete: ((bytes[1] as number) & completeFlag) !== 0 } };
}

/**
 * What several cursors of one subscriber say together: of each stream the most that any of them saw. For the others the
 * latest time that is vouched for: that of the complete ones if there are any, for they leave out only what was never seen.
 */
export function mergeCursors(cursors: readonly Cursor[]): Cursor {
  const seen = new Map<string, number>();
  const complete = cursors.filter((cursor) => cursor.isComplete);
  const timed = complete.length > 0 ? complete : cursors;
  for (const cursor of cursors) {
    for (const [stream, seq] of cursor.seen) seen.set(stream, Math.max(seq, seen.get(stream) ?? 0));
  }
  let time = 0;
  for (const cursor of timed) time = Math.max(time, cursor.time);
  return { seen, time, isComplete: complete.length > 0 };
}

/** Appends a whole number, 0 … 2^53 − 1, seven bits a byte, low ones first. */
function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

class NumberReader {
  readonly #bytes: readonly number[];
  readonly #end: number;
  #at: number;

  constructor(bytes: readonly number[], from: number, end: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Null: cut short, or beyond 2^53 − 1. */
  next(): number | null {
    let value = 0;
    for (let scale = 1; scale < 2 ** 53 && this.#at < this.#end; scale *= 128) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return Number.isSafeInteger(value) ? value : null;
    }
    return null;
  }
}

/** FNV-1a, 32 bits: against typing and cutting errors, not against forgery. */
function checksum(bytes: readonly number[], end: number): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < end; i++) sum = Math.imul(sum ^ (bytes[i] as number), 0x01000193);
  return sum >>> 0;
}
