import { gzip } from 'node:zlib';

/** Bounds of what is held of the past. */
export interface TopologyPastConfig {
  /** Frames are at least so far apart. Guess: what a person can tell apart on a slider of a quarter of an hour. */
  readonly frameIntervalMs: number;
  /** Older frames are dropped. Guess: who is called looks at what led to it, and comes within minutes. */
  readonly spanMs: number;
  /** Follows from the two above. */
  readonly framesMax: number;
  /** Of all frames, packed. Guess: about 1,000 peers for the whole span; of more peers the span is shorter. */
  readonly bytesMax: number;
}

/** See each field for where its value comes from. */
export const defaultTopologyPastConfig: TopologyPastConfig = {
  frameIntervalMs: 5_000,
  spanMs: 15 * 60_000,
  framesMax: 180,
  bytesMax: 32 * 1024 * 1024,
};

/** The mesh at one moment. */
export interface PastFrame {
  /** By the serving peer's clock. */
  readonly at: number;
  /** A `PastPicture` as JSON, packed by gzip. */
  readonly packed: Buffer;
  /** By this process's clock, when it was kept. */
  readonly keptAt: number;
}

/**
 * The last minutes of the mesh, a frame every few seconds while somebody watches: when nobody does the mesh reports nothing,
 * and there is a gap. Bounded in time, number and bytes; the oldest frames go first.
 */
export class TopologyPast {
  readonly #config: TopologyPastConfig;
  readonly #now: () => number;
  #frames: PastFrame[] = [];
  #bytes = 0;
  #offeredAt = Number.NEGATIVE_INFINITY;
  #isPacking = false;
  #cleaning: NodeJS.Timeout | null = null;

  constructor(config: TopologyPastConfig = defaultTopologyPastConfig, now: () => number = Date.now) {
    this.#config = config;
    this.#now = now;
  }

  /** Packed bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Times of the frames that are held, the oldest first. */
  times(): readonly number[] {
    this.#drop();
    return this.#frames.map(({ at }) => at);
  }

  /** The last frame at or before a time, or the first after it; null when there is none at all. */
  frameAt(at: number): PastFrame | null {
    this.#drop();
    return this.#frames.findLast((frame) => frame.at <= at) ?? this.#frames[0] ?? null;
  }

  /** Keeps the picture of now, if it is time for one. Resolves when it is kept, or was not wanted; `json` is called only if. */
  async offer(at: number, json: () => string): Promise<void> {
    // Another serving peer's clock may be behind: frames stay in order, and soon there is a next.
    if (this.#isPacking || at - this.#offeredAt < this.#config.frameIntervalMs) return;
    this.#offeredAt = at;
    this.#isPacking = true;
    try {
      const packed = await packedOf(json());
      this.#frames.push({ at, packed, keptAt: this.#now() });
      this.#bytes += packed.byteLength;
      this.#drop();
      this.#cleanLater();
    } finally {
      this.#isPacking = false;
    }
  }

  #drop(): void {
    const { spanMs, framesMax, bytesMax } = this.#config;
    const isOver = ({ keptAt }: PastFrame): boolean =>
      this.#now() - keptAt > spanMs || this.#frames.length > framesMax || this.#bytes > bytesMax;
    for (let [oldest] = this.#frames; oldest !== undefined && isOver(oldest); [oldest] = this.#frames) {
      this.#frames.shift();
      this.#bytes -= oldest.packed.byteLength;
    }
  }

  /** What nobody asks for any more must not stay. */
  #cleanLater(): void {
    if (this.#cleaning !== null) clearTimeout(this.#cleaning);
    this.#cleaning = setTimeout(() => this.#drop(), this.#config.spanMs + 1_000);
    this.#cleaning.unref();
  }
}

/** Off the event loop, and fast rather than small. */
function packedOf(json: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(json, { level: 1 }, (error, packed) => (error === null ? resolve(packed) : reject(error)));
  });
}
