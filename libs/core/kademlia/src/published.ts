import type { Millis, PeerId } from '@starling/kernel';
import type { KademliaConfig } from './config.ts';
import { compareRecords, keyName, type LookupRecord } from './record.ts';

interface Published {
  readonly record: LookupRecord;
  againAt: Millis;
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
    this.#records.set(name, { record, againAt: now + this.#config.republishMs });
    return true;
  }

  /** What is due, and forgets what has expired. */
  due(now: Millis): LookupRecord[] {
    const due: LookupRecord[] = [];
    for (const [name, published] of this.#records) {
      if (published.record.expiresAt <= now) this.#records.delete(name);
      else if (published.againAt <= now) {
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
