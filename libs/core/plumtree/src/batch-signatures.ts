import { assert } from '@starling/kernel';
import { type BatchSignature, batchMessagesMax, digestBytes, type Gossip, type StreamId } from './messages.ts';
import { OwnBatch } from './own-batch.ts';

/**
 * How far a peer goes. `links`: it signs nothing and believes its neighbours, whom their certificates prove to be members.
 * `signed`: it signs what it publishes, and takes nothing that is not signed by its origin. `prefer`: it signs and refuses what
 * is signed wrongly, but takes what is not signed: for the change from one to the other.
 */
export type SignatureMode = 'links' | 'prefer' | 'signed';

/** What of a message is signed: all that no relay may change. */
export type SignedPart<B> = Pick<Gossip<B>, 'stream' | 'seq' | 'publishedAt' | 'tree' | 'body'>;

/**
 * The cryptography, given from outside. Synchronous, so that a message is judged before anything is done with it, and
 * must not throw, whatever the bytes.
 */
export interface SignaturePrimitives<B> {
  /** This peer's public key. */
  readonly key: Uint8Array;
  /** `digestBytes` that stand for a message. */
  digest(message: SignedPart<B>): Uint8Array;
  sign(stream: StreamId, first: number, digests: Uint8Array): Uint8Array;
  /** Is it signed by the origin that the stream names? */
  verify(stream: StreamId, batch: BatchSignature): boolean;
}

export interface BatchSignaturesConfig {
  readonly signatures: SignatureMode;
  readonly verifiedStreamsMax: number;
  readonly verifiedPerStreamMax: number;
}

/** Since the start. A message taken costs one of `verified` and `cached`, or is `unsigned`. */
export interface SignatureStats {
  /** Own messages signed, and batches begun for them. */
  signed: number;
  batches: number;
  /** Messages for which a signature was verified: the dear ones. */
  verified: number;
  /** Messages whose batch had been verified. */
  cached: number;
  /** Taken without a signature (`prefer`). */
  unsigned: number;
  refusedUnsigned: number;
  /** The signature is not the origin's. */
  refusedForged: number;
  /** It is over another message than this. */
  refusedAltered: number;
}

/**
 * `verified` and `cached`: believed, and what that took. `unsigned`: taken (`prefer`), or refused. `forged`: refused, and
 * in a mesh where all relays check, the neighbour's own doing.
 */
export type SignatureVerdict = 'verified' | 'cached' | 'unsigned' | 'forged';

/**
 * Proves who published what. Wong and Lam, "Digital signatures for flows and multicasts" (ICNP 1998): one signature over the
 * digests of many messages (their star), so that each can be checked alone and one verification serves all. They found a
 * tree better, since every packet carries its proof; over a link, which loses and reorders nothing, the star is sent once and
 * costs a message its digest.
 */
export class BatchSignatures<B> {
  readonly stats: SignatureStats = {
    signed: 0,
    batches: 0,
    verified: 0,
    cached: 0,
    unsigned: 0,
    refusedUnsigned: 0,
    refusedForged: 0,
    refusedAltered: 0,
  };
  /** Whether a wrong signature is the fault of the neighbour it came from: every relay would have refused it. */
  readonly isStrict: boolean;
  readonly #config: BatchSignaturesConfig;
  readonly #primitives: SignaturePrimitives<B>;
  /** The batch that the next message of a stream of this peer may still join. There are three such streams. */
  readonly #open = new Map<StreamId, OwnBatch>();
  /** The last batches of each stream that were found good; the stream verified longest ago comes first. */
  readonly #verified = new Map<StreamId, BatchSignature[]>();

  constructor(config: BatchSignaturesConfig, primitives: SignaturePrimitives<B>) {
    assert(config.signatures !== 'links', 'without signatures there is nothing to do');
    this.#config = config;
    this.#primitives = primitives;
    this.isStrict = config.signatures === 'signed';
  }

  /** Streams of which batches are known to be good. */
  get verifiedStreams(): number {
    return this.#verified.size;
  }

  /** For an own message: they come in the order of their numbers, without holes. */
  sign(message: SignedPart<B>): BatchSignature {
    const { stream, seq } = message;
    let batch = this.#open.get(stream);
    if (batch === undefined || batch.isClosed || batch.size >= batchMessagesMax) {
      batch = new OwnBatch(this.#primitives, stream, seq);
      this.#open.set(stream, batch);
      this.stats.batches++;
    }
    assert(seq === batch.first + batch.size, 'own messages are signed in order');
    batch.add(this.#primitives.digest(message));
    this.stats.signed++;
    return batch;
  }

  /** Judges a message that was not seen before. Its signature, when it is believed, is `canonical` afterwards. */
  judge(message: Gossip<B>): SignatureVerdict {
    const { signature, stream } = message;
    if (signature === null) {
      if (this.isStrict) this.stats.refusedUnsigned++;
      else this.stats.unsigned++;
      return 'unsigned';
    }
    // The cheaper question first: who alters a message is to gain nothing by it, not even our time.
    if (!isWellFormed(signature) || !this.#isCovered(message, signature)) {
      this.stats.refusedAltered++;
      return 'forged';
    }
    if (this.#find(stream, signature) === undefined) {
      if (!this.#primitives.verify(stream, signature)) {
        this.stats.refusedForged++;
        return 'forged';
      }
      this.#remember(stream, signature);
      this.stats.verified++;
      return 'verified';
    }
    this.stats.cached++;
    return 'cached';
  }

  /** The one object that stands for a good signature, so that messages of a batch share it whichever link they came over. */
  canonical(stream: StreamId, signature: BatchSignature): BatchSignature {
    return this.#find(stream, signature) ?? signature;
  }

  #find(stream: StreamId, signature: BatchSignature): BatchSignature | undefined {
    const batches = this.#verified.get(stream);
    if (batches === undefined) return undefined;
    for (let i = batches.length - 1; i >= 0; i--) {
      const batch = batches[i] as BatchSignature;
      if (batch === signature || isSame(batch, signature)) return batch;
    }
    return undefined;
  }

  #isCovered(message: Gossip<B>, { first, digests }: BatchSignature): boolean {
    const at = (message.seq - first) * digestBytes;
    if (at < 0 || at >= digests.length) return false;
    const digest = this.#primitives.digest(message);
    for (let i = 0; i < digestBytes; i++) if (digest[i] !== digests[at + i]) return false;
    return true;
  }

  #remember(stream: StreamId, signature: BatchSignature): void {
    let batches = this.#verified.get(stream);
    if (batches === undefined) {
      batches = [];
      if (this.#verified.size >= this.#config.verifiedStreamsMax) {
        const [oldest] = this.#verified.keys();
        if (oldest !== undefined) this.#verified.delete(oldest);
      }
    } else {
      this.#verified.delete(stream);
      if (batches.length >= this.#config.verifiedPerStreamMax) batches.shift();
    }
    batches.push(signature);
    this.#verified.set(stream, batches);
  }
}

function isWellFormed({ first, digests }: BatchSignature): boolean {
  const count = digests.length / digestBytes;
  return (
    Number.isInteger(count) && count >= 1 && count <= batchMessagesMax && Number.isSafeInteger(first) && first >= 1
  );
}

function isSame(a: BatchSignature, b: BatchSignature): boolean {
  return (
    a.first === b.first && isEqual(a.signature, b.signature) && isEqual(a.digests, b.digests) && isEqual(a.key, b.key)
  );
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
