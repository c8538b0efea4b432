import { type BatchSignature, digestBytes, type StreamId } from './messages.ts';

/** What closes a batch. */
export interface BatchSigner {
  /** The public key that others check with. */
  readonly key: Uint8Array;
  sign(stream: StreamId, first: number, digests: Uint8Array): Uint8Array;
}

/**
 * Messages of this peer under one signature. It is made when it is first looked at, which is when the first of them is
 * written to a link: whatever was published until then shares it. So a batch is a consequence of load, as a frame is, and
 * a lone message does not wait.
 */
export class OwnBatch implements BatchSignature {
  readonly stream: StreamId;
  readonly first: number;
  readonly #signer: BatchSigner;
  #digests: Uint8Array | null = null;
  readonly #gathered: Uint8Array[] = [];
  #signature: Uint8Array | null = null;

  constructor(signer: BatchSigner, stream: StreamId, first: number) {
    this.#signer = signer;
    this.stream = stream;
    this.first = first;
  }

  get key(): Uint8Array {
    return this.#signer.key;
  }

  /** Messages in it. */
  get size(): number {
    return this.#gathered.length;
  }

  /** No message can be added any more. */
  get isClosed(): boolean {
    return this.#digests !== null;
  }

  add(digest: Uint8Array): void {
    this.#gathered.push(digest);
  }

  get digests(): Uint8Array {
    if (this.#digests !== null) return this.#digests;
    const all = new Uint8Array(this.#gathered.length * digestBytes);
    for (const [i, digest] of this.#gathered.entries()) all.set(digest, i * digestBytes);
    this.#digests = all;
    return all;
  }

  get signature(): Uint8Array {
    this.#signature ??= this.#signer.sign(this.stream, this.first, this.digests);
    return this.#signature;
  }
}
