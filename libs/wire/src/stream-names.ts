import type { BatchSignature } from '@starling/core-plumtree';
import { MalformedError } from './proto-reader.ts';

/** Names that each direction of a link remembers (broadcast.proto). Bounds memory; a mesh rarely has as many publishers active at once. */
export const streamNamesMax = 1024;

/** A stream as a message names it: by a ref, by name, or (first use) both. Ref 0: none. */
export interface StreamMention {
  readonly ref: number;
  /** UTF-8; null when the ref is enough. */
  readonly name: Buffer | null;
}

/** The sending side's dictionary of one link: gives each name a ref on first use, the oldest ref again when all are taken. */
export class StreamNamesOut {
  readonly #refs = new Map<string, StreamMention>();
  readonly #names: (string | undefined)[] = new Array(streamNamesMax + 1);
  /** By ref, what was last sent; made when something signed is first sent. */
  #signatures: (BatchSignature | undefined)[] | null = null;
  #next = 1;

  /** How the next message is to name `stream`. Call it in the order in which messages are written. */
  mention(stream: string): StreamMention {
    const known = this.#refs.get(stream);
    if (known !== undefined) return known;
    const ref = this.#next;
    this.#next = ref === streamNamesMax ? 1 : ref + 1;
    const evicted = this.#names[ref];
    if (evicted !== undefined) this.#refs.delete(evicted);
    this.#names[ref] = stream;
    if (this.#signatures !== null) this.#signatures[ref] = undefined;
    this.#refs.set(stream, { ref, name: null });
    return { ref, name: Buffer.from(stream) };
  }

  /** The signature that was last sent for this ref; undefined when there was none. */
  signature(ref: number): BatchSignature | undefined {
    return this.#signatures?.[ref];
  }

  /** Notes the one that is being sent. */
  setSignature(ref: number, signature: BatchSignature): void {
    this.#signatures ??= new Array<BatchSignature | undefined>(streamNamesMax + 1);
    this.#signatures[ref] = signature;
  }
}

/** The receiving side's. */
export class StreamNamesIn {
  readonly #names: (string | undefined)[] = new Array(streamNamesMax + 1);
  #signatures: (BatchSignature | undefined)[] | null = null;

  /** The name that is meant. Throws `MalformedError` for a ref that means nothing. */
  resolve(ref: number, name: string): string {
    if (name !== '') {
      if (ref > streamNamesMax) throw new MalformedError('stream ref is out of range');
      if (ref > 0) {
        if (this.#names[ref] !== name && this.#signatures !== null) this.#signatures[ref] = undefined;
        this.#names[ref] = name;
      }
      return name;
    }
    const known = this.#names[ref];
    if (known === undefined) throw new MalformedError('stream ref is unknown');
    return known;
  }

  /** The signature that came last for this ref. Throws `MalformedError` when there was none. */
  signature(ref: number): BatchSignature {
    const known = this.#signatures?.[ref];
    if (known === undefined) throw new MalformedError('signature is unknown');
    return known;
  }

  setSignature(ref: number, signature: BatchSignature): void {
    if (ref === 0) return;
    this.#signatures ??= new Array<BatchSignature | undefined>(streamNamesMax + 1);
    this.#signatures[ref] = signature;
  }
}
