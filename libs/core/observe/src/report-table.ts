import type { Millis, PeerId } from '@starling/kernel';
import type { PeerReport } from './messages.ts';

interface Held {
  readonly report: PeerReport;
  readonly at: Millis;
}

/** The newest report of each peer, bounded. */
export class ReportTable {
  readonly #sizeMax: number;
  /** In the order of their coming, oldest first. */
  readonly #held = new Map<PeerId, Held>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#held.size;
  }

  /** `old`: what is held is as new or newer. `full`: no room for another peer. */
  put(now: Millis, report: PeerReport): 'held' | 'old' | 'full' {
    const id = report.info.id;
    const before = this.#held.get(id)?.report;
    if (before !== undefined && !isNewer(report, before)) return 'old';
    if (before === undefined && this.#held.size >= this.#sizeMax) return 'full';
    this.#held.delete(id);
    this.#held.set(id, { report, at: now });
    return 'held';
  }

  delete(id: PeerId): boolean {
    return this.#held.delete(id);
  }

  /** Removes the reports that came before `since` and returns whose they were. */
  dropBefore(since: Millis): PeerId[] {
    const dropped: PeerId[] = [];
    for (const [id, held] of this.#held) {
      if (held.at >= since) break;
      this.#held.delete(id);
      dropped.push(id);
    }
    return dropped;
  }

  reports(): PeerReport[] {
    return [...this.#held.values()].map((held) => held.report);
  }
}

function isNewer(report: PeerReport, than: PeerReport): boolean {
  const lives = report.info.incarnation - than.info.incarnation;
  return lives > 0 || (lives === 0 && report.number > than.number);
}
