import { randomBytes } from 'node:crypto';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { StarlingError } from '@starling/client';
import type { WatchTopologyRequest, WatchTopologyResponse } from '@starling/wire';
import type { Logger } from 'pino';
import type { BanEntry } from '../bans/ban-desk.ts';
import type { TopologyFeed } from '../overlay/topology-feed.ts';
import { failStream } from './calls.ts';
import { toTopology } from './convert.ts';
import { StreamWriter } from './stream-writer.ts';

type Call = ServerWritableStream<WatchTopologyRequest, WatchTopologyResponse>;

export interface TopologyWatchesOptions {
  readonly watchesMax: number;
  readonly selfId: string;
  readonly banOf: (id: string) => BanEntry | null;
  readonly log: Logger;
}

/** Serves WatchTopology: a snapshot or what was missed, then deltas; a watcher that is too slow for them gets a snapshot. */
export class TopologyWatches {
  /** Versions count within it: a restarted peer begins anew. */
  readonly #epoch = randomBytes(9).toString('base64url');
  readonly #feed: TopologyFeed;
  readonly #options: TopologyWatchesOptions;
  readonly #open = new Set<StreamWriter<WatchTopologyResponse>>();
  refused = 0;
  #pausesOfClosed = 0;

  constructor(feed: TopologyFeed, options: TopologyWatchesOptions) {
    this.#feed = feed;
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  get pauses(): number {
    return [...this.#open].reduce((sum, writer) => sum + writer.pauses, this.#pausesOfClosed);
  }

  /** Ends every watch, so that clients go to another peer. */
  close(): void {
    for (const writer of this.#open) writer.end();
  }

  serve(call: Call): void {
    if (this.#open.size >= this.#options.watchesMax) {
      this.refused++;
      const error = new StarlingError(`${this.#open.size} topology watches are open already`, {
        reason: 'TOO_MANY_WATCHES',
        retryAfterMs: 5_000,
        metadata: { limit: String(this.#options.watchesMax) },
      });
      failStream(call, error, this.#options.log);
      return;
    }
    const { afterVersion, epoch } = call.request;
    const { selfId, banOf } = this.#options;
    // 0: nothing was sent yet.
    let sent = epoch === this.#epoch ? Number(afterVersion) : 0;
    const pump = (): void => {
      while (writer.hasRoom && sent !== this.#feed.version) {
        const missed = sent === 0 ? null : this.#feed.after(sent);
        const next = missed?.[0];
        const change = next ?? this.#feed.snapshot();
        sent = change.version;
        writer.write(toTopology(change, next === undefined ? 'snapshot' : 'delta', this.#epoch, selfId, banOf));
      }
    };
    let stop = (): void => {};
    const writer = new StreamWriter<WatchTopologyResponse>(call, pump, () => {
      stop();
      this.#open.delete(writer);
      this.#pausesOfClosed += writer.pauses;
    });
    if (!writer.isOpen) return;
    this.#open.add(writer);
    stop = this.#feed.watch(() => writer.wake());
    writer.wake();
  }
}
