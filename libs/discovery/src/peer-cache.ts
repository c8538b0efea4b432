import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Discovery } from '@starling/host';
import type { Millis, PeerInfo } from '@starling/kernel';
import { readBounded } from './bounded-file.ts';
import { codeOf, type OnTrouble, Trouble } from './trouble.ts';

export interface PeerCacheConfig {
  /** Peers remembered; those not seen for longest go first. Default: a passive view's size, and some (guess). */
  readonly peersMax: number;
  /** Changes are written at most this often. Default: guess. */
  readonly saveDelayMs: Millis;
  /** Peers not seen for longer are not tried again: an address is a hint that expires. Default: a week (guess). */
  readonly expiryMs: Millis;
}

export const defaultPeerCacheConfig: PeerCacheConfig = {
  peersMax: 64,
  saveDelayMs: 5_000,
  expiryMs: 7 * 24 * 3_600_000,
};

interface Entry {
  readonly id: string;
  readonly address: string;
  /** Wall clock, ms since 1970. */
  readonly seenAt: number;
}

const fileBytesMax = 256 * 1024;

/**
 * The peers met last, on disk: how a peer finds the mesh again when everything else that knew the way is gone. Losing it is
 * no harm, so a full disk or a broken file is told once and counted, and never stops anything.
 */
export class PeerCache implements Discovery {
  readonly name = 'cache';
  readonly trouble: Trouble;
  readonly #path: string;
  readonly #config: PeerCacheConfig;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #loaded: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();
  #isDirty = false;

  /** `now`: ms since 1970. */
  constructor(path: string, onTrouble: OnTrouble, config: PeerCacheConfig = defaultPeerCacheConfig, now = Date.now) {
    this.#path = path;
    this.#config = config;
    this.#now = now;
    this.trouble = new Trouble(`peer cache ${path}`, onTrouble);
  }

  /** Never rejects: a cache that cannot be read is empty. Those seen last come first. */
  async find(): Promise<readonly string[]> {
    this.#loaded ??= this.#load();
    await this.#loaded;
    const expired = this.#now() - this.#config.expiryMs;
    return [...this.#entries.values()]
      .filter(({ seenAt }) => seenAt > expired)
      .map(({ address }) => address)
      .reverse();
  }

  /** A link to this peer is up. */
  remember({ id, address }: Pick<PeerInfo, 'id' | 'address'>): void {
    this.#put({ id, address, seenAt: this.#now() });
    this.#isDirty = true;
    this.#timer ??= setTimeout(() => void this.save(), this.#config.saveDelayMs).unref();
  }

  /** Writes what is not written yet. Never rejects. Call it before the process ends. */
  save(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#saving = this.#saving.then(() => this.#write());
    return this.#saving;
  }

  #put(entry: Entry): void {
    // Taking it out first moves it to the end: the order is that of last sight.
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    if (this.#entries.size <= this.#config.peersMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  async #load(): Promise<void> {
    try {
      const entries = parse(await readBounded(this.#path, fileBytesMax));
      const met = [...this.#entries.values()];
      // What was met since the start is newer than what was written before it.
      this.#entries.clear();
      for (const entry of [...entries, ...met]) this.#put(entry);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.trouble.failed(error);
    }
  }

  async #write(): Promise<void> {
    if (!this.#isDirty) return;
    // Written before it was ever read: what the last run knew must not be lost.
    this.#loaded ??= this.#load();
    await this.#loaded;
    this.#isDirty = false;
    const temporary = `${this.#path}.tmp`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const text = JSON.stringify({ version: 1, peers: [...this.#entries.values()] }, null, 1);
      await writeFile(temporary, text, { mode: 0o600, flush: true });
      // Whoever reads sees the old file or the new one, never a half.
      await rename(temporary, this.#path);
      this.trouble.worked();
    } catch (error) {
      this.#isDirty = true;
      this.trouble.failed(error);
      await rm(temporary, { force: true }).catch(() => {});
    }
  }
}

/** Throws for a text that no cache has written. */
function parse(text: string): Entry[] {
  const json: unknown = JSON.parse(text);
  if (typeof json !== 'object' || json === null || !('version' in json) || !('peers' in json)) {
    throw new Error('not a peer cache');
  }
  if (json.version !== 1 || !Array.isArray(json.peers)) throw new Error('a peer cache of another version');
  return json.peers.filter(isEntry);
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, address, seenAt } = value as Partial<Record<keyof Entry, unknown>>;
  return typeof id === 'string' && typeof address === 'string' && typeof seenAt === 'number';
}
