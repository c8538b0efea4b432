import type { SignaturePrimitives, SignedPart } from './batch-signatures.ts';
import { type BatchSignature, digestBytes, type Gossip, originOf, type StreamId } from './messages.ts';

/** What stands for a signature in these tests: a hash that everybody could make, and only honest code makes for itself. */
export class ToySigning implements SignaturePrimitives<string> {
  readonly key: Uint8Array;
  /** Calls so far. */
  signed = 0;
  verified = 0;

  constructor(id: string) {
    this.key = bytesOf(id);
  }

  digest({ stream, seq, publishedAt, tree, body }: SignedPart<string>): Uint8Array {
    return hash(`${stream}|${seq}|${publishedAt}|${tree}|${body}`);
  }

  sign(stream: StreamId, first: number, digests: Uint8Array): Uint8Array {
    this.signed++;
    return hash(`${this.key}|${stream}|${first}|${digests}`);
  }

  verify(stream: StreamId, { key, first, digests, signature }: BatchSignature): boolean {
    this.verified++;
    if (`${key}` !== `${bytesOf(originOf(stream))}`) return false;
    return `${signature}` === `${hash(`${key}|${stream}|${first}|${digests}`)}`;
  }
}

/** `count` messages of one stream under one signature, numbered from `first`. */
export function signedBatch(stream: StreamId, first: number, count: number, publishedAt = 0): Gossip<string>[] {
  const signing = new ToySigning(originOf(stream));
  const unsigned = Array.from(
    { length: count },
    (_, i): Gossip<string> => ({
      ...{ kind: 'gossip', stream, seq: first + i, round: 1, publishedAt, wantHeld: false, repair: false },
      ...{ tree: 0, entry: 0, signature: null, body: `m${first + i}` },
    }),
  );
  const digests = new Uint8Array(count * digestBytes);
  for (const [i, message] of unsigned.entries()) digests.set(signing.digest(message), i * digestBytes);
  const signature = { key: signing.key, first, digests, signature: signing.sign(stream, first, digests) };
  return unsigned.map((message) => ({ ...message, signature }));
}

/** The same signature as it comes over another link. */
export function copyOf({ key, first, digests, signature }: BatchSignature): BatchSignature {
  return { key: key.slice(), first, digests: digests.slice(), signature: signature.slice() };
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 0xff);
}

function hash(text: string): Uint8Array {
  const bytes = new Uint8Array(digestBytes);
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  for (let i = 0; i < digestBytes; i++) {
    value = Math.imul(value ^ (value >>> 13), 0x5bd1e995);
    bytes[i] = value >>> 24;
  }
  return bytes;
}
