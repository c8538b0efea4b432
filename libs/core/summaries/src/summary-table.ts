import { Dictionary, hashTerm, SharedTermSet, type TermHash, type TermSet } from '@starling/digest';
import type { PeerId, Rng } from '@starling/kernel';
import type { IndexSize, VersionEntry } from './messages.ts';

/** Buckets of the finest digest. */
export const bucketsMax = 256;
/** What the objects around one summary take. (measured: `node libs/core/summaries/bench.ts`) */
const entryBytes = 500;
/** Below this nothing is gained by folding. */
const widthMin = 12;
/** From this share of the memory on terms that several peers have are numbered: below it what they take does not matter. */
const sharedFrom = 0.5;
/** Terms that may be numbered: with a twentieth of the memory for it, that of 14 bytes each. */
const bytesPerNumber = 256;
const dictionaryLog2Min = 10;
/** Summaries that are looked through for terms with numbers whenever one is put. */
const repackedPerPut = 2;
/** They are looked through again when so many times as many terms have numbers. */
const repackGrowth = 1.25;

export interface Summary extends IndexSize {
  readonly version: number;
  readonly terms: TermSet | SharedTermSet;
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
  readonly #rng: Rng;
  readonly #bytesMax: number;
  readonly #falseShareMax: number;
  #bytes = 0;
  #width = 32;
  /** Where the last round of folding stopped. */
  #folding: Iterator<PeerId> = [][Symbol.iterator]();
  /** Of the terms that several peers have; null: there is memory enough without it. */
  #dictionary: Dictionary | null = null;
  #repacking: Iterator<PeerId> = [][Symbol.iterator]();
  /** Terms with numbers when the last round of repacking began. */
  #repackedAt = 0;
  /** Summaries that are smaller by it. */
  #sharing = 0;
  /** It was no use. */
  #isDifferent = false;

  constructor(bytesMax: number, falseShareMax: number, rng: Rng) {
    this.#rng = rng;
    this.#bytesMax = bytesMax;
    this.#falseShareMax = falseShareMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes + (this.#dictionary?.bytes ?? 0);
  }

  /** Terms that several peers have and that are kept by number. */
  get numbered(): number {
    return this.#dictionary?.count ?? 0;
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
   * make it large. `exact`: those terms of a folded set that are known exactly. False: it does not fit, however little exact.
   */
  put(id: PeerId, summary: Summary, exact: TermSet | null = null): boolean {
    this.delete(id);
    if (exact !== null) this.#share();
    const terms = this.#shared(summary.terms, exact, true).foldTo(this.#width);
    const hash = hashTerm(id);
    this.#set(id, {
      summary: { ...summary, terms },
      bucket: hash.low % bucketsMax,
      hash: mixed(hash.high ^ mixed(summary.version | 0) ^ Math.floor(summary.version / 2 ** 32)),
    });
    if (this.#bytes > this.#bytesMax * sharedFrom) this.#share();
    this.#repackSome();
    return this.#makeRoom();
  }

  delete(id: PeerId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    if (entry.summary.terms instanceof SharedTermSet) this.#sharing--;
    this.#bytes -= sizeOf(entry.summary);
    this.#toggle(entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#hashes.fill(0);
    this.#bytes = 0;
    this.#width = 32;
    this.#dictionary = null;
    this.#sharing = 0;
    this.#isDifferent = false;
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
    if (entry.summary.terms instanceof SharedTermSet) this.#sharing++;
    this.#bytes += sizeOf(entry.summary);
    this.#toggle(entry);
  }

  #toggle({ bucket, hash }: Entry): void {
    this.#hashes[bucket] = (this.#hashes[bucket] as number) ^ hash;
  }

  /** Folds a few summaries at a time, so that no one call costs more than what was added. */
  #makeRoom(): boolean {
    while (this.bytes > this.#bytesMax) {
      if (this.#dictionary !== null && this.#sharing === 0) {
        // Nobody has much in common with anybody.
        this.#dictionary = null;
        this.#isDifferent = true;
        continue;
      }
      const next = this.#folding.next();
      if (next.done) {
        if (this.#width <= widthMin || this.falseShare() > this.#falseShareMax) return false;
        this.#width--;
        this.#folding = [...this.#entries.keys()][Symbol.iterator]();
        continue;
      }
      const entry = this.#entries.get(next.value);
      if (entry === undefined || entry.summary.terms.width <= this.#width) continue;
      this.#replace(next.value, entry, entry.summary.terms.foldTo(this.#width));
    }
    return true;
  }

  /** The same terms in another form. */
  #replace(id: PeerId, entry: Entry, terms: Summary['terms']): void {
    if (terms === entry.summary.terms) return;
    this.#sharing += Number(terms instanceof SharedTermSet) - Number(entry.summary.terms instanceof SharedTermSet);
    this.#bytes += terms.bytes - entry.summary.terms.bytes;
    this.#entries.set(id, { ...entry, summary: { ...entry.summary, terms } });
  }

  /** From now on terms that several peers have are numbered. */
  #share(): void {
    const countLog2 = Math.floor(Math.log2(this.#bytesMax / bytesPerNumber));
    if (this.#dictionary !== null || this.#isDifferent || countLog2 < dictionaryLog2Min) return;
    this.#dictionary = new Dictionary(countLog2, this.#rng.uint32());
    this.#repacking = [...this.#entries.keys()][Symbol.iterator]();
    this.#repackedAt = 0;
  }

  /** By numbers where that takes less. `isNews`: the peer's terms were not seen before. */
  #shared(terms: Summary['terms'], exact: TermSet | null, isNews: boolean): Summary['terms'] {
    if (this.#dictionary === null || terms instanceof SharedTermSet) return terms;
    if (terms.width < 32) return exact === null ? terms : SharedTermSet.ofFolded(this.#dictionary, terms, exact);
    const shared = SharedTermSet.of(this.#dictionary, terms.values(), isNews);
    return shared.bytes < terms.bytes ? shared : terms;
  }

  /** Looks through a few of those that were put when fewer terms had numbers. */
  #repackSome(): void {
    if (this.#dictionary === null) return;
    for (let left = repackedPerPut; left > 0; left--) {
      const next = this.#repacking.next();
      if (next.done) {
        if (this.#dictionary.count < Math.max(1, this.#repackedAt) * repackGrowth) return;
        this.#repackedAt = this.#dictionary.count;
        this.#repacking = [...this.#entries.keys()][Symbol.iterator]();
        continue;
      }
      const entry = this.#entries.get(next.value);
      if (entry === undefined) continue;
      const { terms } = entry.summary;
      // The first round is of those that were there before the dictionary.
      const isNews = this.#repackedAt === 0;
      this.#replace(
        next.value,
        entry,
        terms instanceof SharedTermSet ? terms.packed() : this.#shared(terms, null, isNews),
      );
    }
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
