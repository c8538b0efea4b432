import type { Millis, PeerId } from '@starling/kernel';
import type { KademliaConfig } from './config.ts';
import { compareRecords, keyName, type LookupRecord } from './record.ts';

interface Published {
  readonly record: LookupRecord;
  againAt: Millis;
  /** From the next put that some do not take to the one after it. */
  repairMs: Millis;
}

/** Records that this peer put into the mesh and puts there again and again until they expire: the promise that outlives all holders. */
export class PublishedRecords {
  readonly #config: KademliaConfig;
  readonly #records = new Map<string, Published>();

  constructor(config: KademliaConfig) {
    this.#config = config;
  }

  get count(): number {
    return this.#records.size;
  }

  /** False: there is no room. */
  keep(now: Millis, record: LookupRecord): boolean {
    const name = nameOf(record.publisher, record);
    const known = this.#records.get(name);
    if (known !== undefined && compareRecords(known.record, record) >= 0) return true;
    if (known === undefined && this.#records.size >= this.#config.publishedMax) return false;
    const { republishMs, repairMs } = this.#config;
    this.#records.set(name, { record, againAt: now + republishMs, repairMs });
    return true;
  }

  /** A put of it has ended. Who did not take the record was late, or died unnoticed: it is put again soon, unless that is seen again and again. */
  settled(now: Millis, record: LookupRecord, isWhole: boolean): void {
    const published = this.#records.get(nameOf(record.publisher, record));
    if (published?.record !== record) return;
    const { republishMs, repairMs } = this.#config;
    if (isWhole) published.repairMs = repairMs;
    else {
      published.againAt = Math.min(published.againAt, now + published.repairMs);
      published.repairMs = Math.min(republishMs, 2 * published.repairMs);
    }
  }

  /** Up to `count` that are due, and forgets what has expired. */
  due(now: Millis, count: number): LookupRecord[] {
    const due: LookupRecord[] = [];
    for (const [name, published] of this.#records) {
      if (published.record.expiresAt <= now) this.#records.delete(name);
      else if (published.againAt <= now && due.length < count) {
        published.againAt = now + this.#config.republishMs;
        due.push(published.record);
      }
    }
    return due;
  }
}

function nameOf(publisher: PeerId, { kind, key }: LookupRecord): string {
  return `${publisher}/${keyName(kind, key)}`;
}
