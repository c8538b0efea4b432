import { hashTerm, type TermHash, type TermSet } from '@starling/digest';
import type { PeerId } from '@starling/kernel';
import type { IndexSize, VersionEntry } from './messages.ts';

/** Buckets of the finest digest. */
export const bucketsMax = 256;
/** What the objects around one summary take. (measured: `node libs/core/summaries/bench.ts`) */
const entryBytes = 500;
/** Below this nothing is gained by folding. */
const widthMin = 12;

export interface Summary extends IndexSize {
  readonly version: number;
  readonly terms: TermSet;
}

interface Entry {
  readonly summary: Summary;
  readonly bucket: number;
  readonly hash: number;
}

/** Who may hold what: the summaries of peers, within a bound of memory, and a hash of all versions for each bucket of ids. */
export class SummaryTable {
  readonly #entries = new Map<PeerId, Entry>();
  readonly #hashes = new Uint32Array(bucketsMax);
  readonly #bytesMax: number;
  readonly #falseShareMax: number;
  #bytes = 0;
  #width = 32;
  /** Where the last round of folding stopped. */
  #folding: Iterator<PeerId> = [][Symbol.iterator]();

  constructor(bytesMax: number, falseShareMax: number) {
    this.#bytesMax = bytesMax;
    this.#falseShareMax = falseShareMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bits of a fingerprint at most, so that all fit. */
  get width(): number {
    return this.#width;
  }

  get(id: PeerId): Summary | undefined {
    return this.#entries.get(id)?.summary;
  }

  ids(): IterableIterator<PeerId> {
    return this.#entries.keys();
  }

  summaries(): Summary[] {
    return [...this.#entries.values()].map(({ summary }) => summary);
  }

  /**
   * Adds or replaces, as exact as memory allows: no less than that, since what is folded while it is small stays so when deltas
   * make it large. False: it does not fit, however little exact.
   */
  put(id: PeerId, summary: Summary): boolean {
    this.delete(id);
    const terms = summary.terms.foldTo(this.#width);
    const hash = hashTerm(id);
    this.#set(id, {
      summary: { ...summary, terms },
      bucket: hash.low % bucketsMax,
      hash: mixed(hash.high ^ mixed(summary.version | 0) ^ Math.floor(summary.version / 2 ** 32)),
    });
    return this.#makeRoom();
  }

  delete(id: PeerId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= sizeOf(entry.summary);
    this.#toggle(entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#hashes.fill(0);
    this.#bytes = 0;
    this.#width = 32;
  }

  /** Peers whose summaries say that they may hold anything. */
  unbounded(): PeerId[] {
    return [...this.#entries].filter(([, { summary }]) => summary.mayHold).map(([id]) => id);
  }

  /** Peers whose summaries say that they hold all terms of one of the lists. */
  holders(alternatives: readonly (readonly TermHash[])[]): PeerId[] {
    const found: PeerId[] = [];
    for (const [id, { summary }] of this.#entries) {
      if (summary.terms.count > 0) {
        for (const terms of alternatives) {
          if (!summary.terms.hasAll(terms)) continue;
          found.push(id);
          break;
        }
      }
    }
    return found;
  }

  digest(length: number): number[] {
    const folded = new Uint32Array(length);
    for (let i = 0; i < bucketsMax; i++) {
      folded[i % length] = (folded[i % length] as number) ^ (this.#hashes[i] as number);
    }
    return [...folded];
  }

  /** The versions held in these of `bucketCount` buckets, by bucket. */
  inBuckets(bucketCount: number, buckets: readonly number[]): Map<number, VersionEntry[]> {
    const lists = new Map<number, VersionEntry[]>(buckets.map((bucket) => [bucket, []]));
    for (const [id, { summary, bucket }] of this.#entries) {
      lists.get(bucket % bucketCount)?.push({ id, version: summary.version });
    }
    return lists;
  }

  #set(id: PeerId, entry: Entry): void {
    this.#entries.set(id, entry);
    this.#bytes += sizeOf(entry.summary);
    this.#toggle(entry);
  }

  #toggle({ bucket, hash }: Entry): void {
    this.#hashes[bucket] = (this.#hashes[bucket] as number) ^ hash;
  }

  /** Folds a few summaries at a time, so that no one call costs more than what was added. */
  #makeRoom(): boolean {
    while (this.#bytes > this.#bytesMax) {
      const next = this.#folding.next();
      if (next.done) {
        if (this.#width <= widthMin || this.falseShare() > this.#falseShareMax) return false;
        this.#width--;
        this.#folding = [...this.#entries.keys()][Symbol.iterator]();
        continue;
      }
      const entry = this.#entries.get(next.value);
      if (entry === undefined || entry.summary.terms.width <= this.#width) continue;
      const terms = entry.summary.terms.foldTo(this.#width);
      this.#bytes += terms.bytes - entry.summary.terms.bytes;
      this.#entries.set(next.value, { ...entry, summary: { ...entry.summary, terms } });
    }
    return true;
  }

  /** Of the peers that do not have a term, the mean share that is found to have it. */
  falseShare(): number {
    let sum = 0;
    for (const { summary } of this.#entries.values()) sum += summary.terms.falsePositiveRate;
    return this.#entries.size === 0 ? 0 : sum / this.#entries.size;
  }
}

function sizeOf(summary: Summary): number {
  return summary.terms.bytes + entryBytes;
}

function mixed(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
