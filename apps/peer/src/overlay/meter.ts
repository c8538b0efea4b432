import { getHeapStatistics } from 'node:v8';
import type { LinkReport, PeerCondition, PeerReport } from '@starling/core-observe';
import type { LinkStats } from '@starling/host';
import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import type { PeerState } from './readiness.ts';

/** Totals since the start that a report turns into rates. */
export interface Totals {
  readonly delivered: number;
  readonly published: number;
  readonly dropped: number;
}

/** What is measured. */
export interface MeterSources {
  self(): PeerInfo;
  state(): PeerState;
  totals(): Totals;
  neighbors(): readonly PeerInfo[];
  link(peer: PeerId): LinkStats | undefined;
  /** Payloads that came over this link and were known, since it is one. */
  duplicates(peer: PeerId): number;
  documents(): number;
  /** What is wrong with this peer, beside what only the mesh knows. */
  conditions(): readonly PeerCondition[];
}

interface Reading {
  readonly at: Millis;
  readonly totals: Totals;
  readonly links: ReadonlyMap<PeerId, LinkTotals>;
}

type LinkTotals = LinkStats & { readonly duplicates: number };

const noTraffic: LinkStats = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0, queuedBytes: 0 };
const nothing: LinkTotals = { ...noTraffic, duplicates: 0 };

/** Makes reports of this peer: rates since the report before, and its state now. */
export class Meter {
  readonly #sources: MeterSources;
  #last: Reading;
  #loop = performance.eventLoopUtilization();

  constructor(now: Millis, sources: MeterSources) {
    this.#sources = sources;
    this.#last = this.#read(now);
  }

  /** The mesh adds who this peer is to its neighbours: roles, round trips, views. */
  measure(now: Millis): Omit<PeerReport, 'number'> {
    const before = this.#last;
    const reading = this.#read(now);
    this.#last = reading;
    const seconds = Math.max(0.001, (now - before.at) / 1_000);
    const loop = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(loop, this.#loop).utilization;
    this.#loop = loop;
    return {
      info: this.#sources.self(),
      state: this.#sources.state() === 'stopped' ? 'draining' : (this.#sources.state() as PeerReport['state']),
      links: [...reading.links].map(([peer, stats]) =>
        toLinkReport(peer, stats, before.links.get(peer) ?? nothing, seconds),
      ),
      deliveredPerSecond: (reading.totals.delivered - before.totals.delivered) / seconds,
      publishedPerSecond: (reading.totals.published - before.totals.published) / seconds,
      droppedPerSecond: (reading.totals.dropped - before.totals.dropped) / seconds,
      passiveSize: 0,
      documents: this.#sources.documents(),
      // Not `process.memoryUsage()`, which asks the kernel for the resident set too: a tenth of a GetPeer.
      heapBytes: getHeapStatistics().used_heap_size,
      loopUtilization: busy,
      conditions: this.#sources.conditions(),
    };
  }

  #read(at: Millis): Reading {
    const links = new Map<PeerId, LinkTotals>();
    for (const { id } of this.#sources.neighbors()) {
      links.set(id, { ...(this.#sources.link(id) ?? noTraffic), duplicates: this.#sources.duplicates(id) });
    }
    return { at, totals: this.#sources.totals(), links };
  }
}

function toLinkReport(peer: PeerId, now: LinkTotals, before: LinkTotals, seconds: number): LinkReport {
  // A link that was made anew in between begins at 0: its rate is then too low for one report, never negative.
  const rate = (total: number, old: number): number => (total >= old ? total - old : total) / seconds;
  return {
    peer,
    role: 'lazy',
    rttMs: -1,
    messagesInPerSecond: rate(now.messagesIn, before.messagesIn),
    messagesOutPerSecond: rate(now.messagesOut, before.messagesOut),
    bytesInPerSecond: rate(now.bytesIn, before.bytesIn),
    bytesOutPerSecond: rate(now.bytesOut, before.bytesOut),
    duplicatesPerSecond: rate(now.duplicates, before.duplicates),
  };
}
