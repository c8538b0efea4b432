import type { ProtoReader } from './proto-reader.ts';
import { varintBytes } from './proto-writer.ts';

// Topics, ids and header names are ASCII. Of text that is, the bytes are the characters, which saves the two slow calls of a
// general encoder; other text goes to the generated code.

/** Longest text that is looked at; longer ones gain nothing. */
const charsMax = 1_024;

/** Whether text is short and all ASCII: its length is then what it takes. */
export function isPlain(text: string): boolean {
  const { length } = text;
  if (length > charsMax) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** The text in `start` … `end` when it is short and all ASCII; else null. */
export function readPlain(bytes: Buffer, start: number, end: number): string | null {
  if (end - start > charsMax) return null;
  for (let i = start; i < end; i++) if ((bytes[i] as number) > 0x7f) return null;
  return bytes.toString('latin1', start, end);
}

/** Reads a field of text that is short and all ASCII; else null, and the reader stands inside the field. */
export function readPlainField(reader: ProtoReader): string | null {
  const end = reader.enter();
  const text = readPlain(reader.bytes, reader.position, end);
  if (text !== null) reader.position = end;
  return text;
}

/** Bytes of a length-delimited field with a number below 16 that holds `length` bytes. */
export function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}
