import {
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import type { ObserveConfig } from './config.ts';
import type { ObserveBroadcast, ObserveCommand, ObserveEvent, PeerReport } from './messages.ts';
import { ReportTable } from './report-table.ts';
import { isSound } from './sound.ts';

type Out = Outbox<never, ObserveEvent>;

const never = Number.POSITIVE_INFINITY;

/** Share of a lease that may be left when it is renewed; at least half is. */
const renewalSpread = 0.6;

/** What happened so far; `reportsRefused` counts a bound that was reached. */
export interface ObserveStats {
  leasesSent: number;
  measured: number;
  reportsHeard: number;
  reportsOld: number;
  reportsRefused: number;
  reportsStale: number;
  violations: number;
}

/**
 * Topology on demand: while anybody watches, a lease known to the whole mesh keeps every peer reporting its links, and
 * every peer holds the newest report of each, so that any one can show the whole picture. When nobody watches nothing is
 * measured, sent or held.
 */
export class Observe implements ProtocolCore<never, ObserveCommand, ObserveEvent> {
  readonly #config: ObserveConfig;
  readonly #rng: Rng;
  readonly #selfId: PeerId;
  readonly #reports: ReportTable;
  /** When the last lease that this peer knows of runs out. Whose it is does not matter. */
  #watchedUntil: Millis = Number.NEGATIVE_INFINITY;
  #isWatching = false;
  #renewAt: Millis = never;
  #measureAt: Millis = never;
  #measuredAt: Millis = Number.NEGATIVE_INFINITY;
  #sweepAt: Millis = never;
  #meshSize = 1;
  #number = 0;
  readonly stats: ObserveStats = {
    leasesSent: 0,
    measured: 0,
    reportsHeard: 0,
    reportsOld: 0,
    reportsRefused: 0,
    reportsStale: 0,
    violations: 0,
  };

  constructor(config: ObserveConfig, self: PeerInfo, rng: Rng) {
    this.#config = config;
    this.#selfId = self.id;
    this.#rng = rng;
    this.#reports = new ReportTable(config.reportsMax);
  }

  /** The newest report of every peer that was heard, this one included; empty while nobody watches. */
  reports(): readonly PeerReport[] {
    return this.#reports.reports();
  }

  /** Peers whose report is held. */
  get heard(): number {
    return this.#reports.size;
  }

  handle(now: Millis, input: Input<never, ObserveCommand>, out: Out): void {
    switch (input.kind) {
      case 'message': // reports travel by broadcast: neighbours have nothing to say to each other
      case 'linkUp':
      case 'linkDown':
      case 'tick':
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      default:
        unreachable(input);
    }
    this.#onTime(now, out);
  }

  nextDeadline(): Millis {
    return Math.min(this.#renewAt, this.#measureAt, this.#sweepAt);
  }

  #onCommand(now: Millis, command: ObserveCommand, out: Out): void {
    switch (command.kind) {
      case 'watching':
        this.#onWatching(now, command.active);
        return;
      case 'measured':
        this.#onMeasured(now, command.report, out);
        return;
      case 'broadcast':
        this.#onBroadcast(now, command.from, command.message, out);
        return;
      case 'neighborsChanged':
        this.#onNeighborsChanged(now);
        return;
      case 'memberDown':
        if (this.#reports.delete(command.id)) out.emit({ kind: 'changed', id: command.id, report: null });
        return;
      case 'meshSize':
        this.#meshSize = Math.max(1, command.peers);
        return;
      default:
        unreachable(command);
    }
  }

  #onWatching(now: Millis, active: boolean): void {
    if (active && !this.#isWatching) this.#renewAt = this.#nextRenewal(now);
    if (!active) this.#renewAt = never; // the lease runs out by itself: another peer may be counting on it
    this.#isWatching = active;
  }

  #onMeasured(now: Millis, measured: Omit<PeerReport, 'number'>, out: Out): void {
    if (!this.#isWatched(now)) return; // asked for when the lease was still alive
    this.#number++;
    const report = { ...measured, number: this.#number };
    this.#hold(now, report, out);
    out.emit({ kind: 'broadcast', message: { kind: 'report', report } });
  }

  #onBroadcast(now: Millis, origin: PeerId, message: ObserveBroadcast, out: Out): void {
    switch (message.kind) {
      case 'watch':
        if (!(message.leaseMs > 0)) this.stats.violations++;
        else this.#watched(now, Math.min(message.leaseMs, this.#config.leaseMaxMs));
        return;
      case 'report':
        this.stats.reportsHeard++;
        if (message.report.info.id !== origin) this.stats.violations++;
        // One that was under way when the last lease ran out is not worth holding.
        else if (this.#isWatched(now) && origin !== this.#selfId) this.#hold(now, message.report, out);
        return;
      default:
        unreachable(message);
    }
  }

  #onNeighborsChanged(now: Millis): void {
    if (!this.#isWatched(now)) return;
    const { quickMs, quickGapShare } = this.#config;
    const earliest = this.#measuredAt + Math.max(quickMs, this.#intervalMs() * quickGapShare);
    const soon = now + this.#rng.float() * quickMs;
    this.#measureAt = Math.min(this.#measureAt, Math.max(soon, earliest));
  }

  #hold(now: Millis, report: PeerReport, out: Out): void {
    const { info } = report;
    if (!isSound(report)) {
      this.stats.violations++;
      return;
    }
    const outcome = this.#reports.put(now, report);
    if (outcome === 'old') this.stats.reportsOld++;
    else if (outcome === 'full') this.stats.reportsRefused++;
    else out.emit({ kind: 'changed', id: info.id, report });
  }

  #onTime(now: Millis, out: Out): void {
    if (now >= this.#renewAt) this.#renew(now, out);
    if (now >= this.#measureAt) this.#measure(now, out);
    if (now >= this.#sweepAt) this.#sweep(now, out);
  }

  /** A lease of anybody's is as good as our own: of many watchers mostly one renews. */
  #renew(now: Millis, out: Out): void {
    const { leaseMs } = this.#config;
    if (this.#watchedUntil - now <= leaseMs * renewalSpread) {
      this.#watched(now, leaseMs);
      this.stats.leasesSent++;
      out.emit({ kind: 'broadcast', message: { kind: 'watch', watcher: this.#selfId, leaseMs } });
    }
    this.#renewAt = this.#nextRenewal(now);
  }

  /** At once when nobody watches yet, else when half of the lease is left or, with many watchers, a random bit before. */
  #nextRenewal(now: Millis): Millis {
    const left = this.#config.leaseMs * (0.5 + (renewalSpread - 0.5) * this.#rng.float());
    return Math.max(now, this.#watchedUntil - left);
  }

  /** Somebody watches for another `leaseMs`. */
  #watched(now: Millis, leaseMs: Millis): void {
    if (!this.#isWatched(now)) {
      // Spread the first reports as well, over a quarter of what the steady rate would ask for.
      this.#measureAt = now + this.#rng.float() * this.#config.quickMs * Math.max(1, this.#intervalMs() / 1000);
      this.#sweepAt = now + this.#staleMs();
    }
    this.#watchedUntil = Math.max(this.#watchedUntil, now + leaseMs);
  }

  #measure(now: Millis, out: Out): void {
    if (!this.#isWatched(now)) {
      this.#measureAt = never;
      return;
    }
    this.#measuredAt = now;
    this.#measureAt = now + this.#intervalMs() * (0.9 + 0.2 * this.#rng.float());
    this.stats.measured++;
    out.emit({ kind: 'measure' });
  }

  #sweep(now: Millis, out: Out): void {
    const isWatched = this.#isWatched(now);
    const dropped = this.#reports.dropBefore(isWatched ? now - this.#staleMs() : never);
    if (isWatched) this.stats.reportsStale += dropped.length;
    for (const id of dropped) out.emit({ kind: 'changed', id, report: null });
    this.#sweepAt = isWatched ? now + this.#staleMs() / 4 : never;
  }

  #isWatched(now: Millis): boolean {
    return now < this.#watchedUntil;
  }

  #intervalMs(): Millis {
    const { intervalMinMs, intervalMaxMs, reportsPerSecond } = this.#config;
    return Math.min(intervalMaxMs, Math.max(intervalMinMs, (this.#meshSize / reportsPerSecond) * 1000));
  }

  #staleMs(): Millis {
    return Math.max(this.#config.staleMinMs, this.#intervalMs() * this.#config.staleIntervals);
  }
}
