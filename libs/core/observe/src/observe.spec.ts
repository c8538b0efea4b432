import { type PeerId, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { defaultObserveConfig, type ObserveConfig } from './config.ts';
import type { ObserveCommand, ObserveEvent, PeerReport } from './messages.ts';
import { Observe } from './observe.ts';

const config = defaultObserveConfig;

function infoOf(id: PeerId, incarnation = 1): PeerInfo {
  return { id, address: `${id}:7400`, apiAddress: '', incarnation, zone: '', name: id };
}

function reportOf(id: PeerId, number: number, incarnation = 1): PeerReport {
  return {
    info: infoOf(id, incarnation),
    number,
    state: 'ready',
    links: [],
    deliveredPerSecond: 0,
    publishedPerSecond: 0,
    droppedPerSecond: 0,
    passiveSize: 0,
    documents: 0,
    heapBytes: 0,
    loopUtilization: 0,
    conditions: [],
  };
}

/** One observer, called `me`, whose `measure` is answered at once. */
class Bench {
  readonly core: Observe;
  readonly #out = new RecordingOutbox<never, ObserveEvent>();
  readonly #seen: { readonly at: number; readonly event: ObserveEvent }[] = [];
  now = 0;

  constructor(overrides: Partial<ObserveConfig> = {}, seed = 1) {
    this.core = new Observe({ ...config, ...overrides }, infoOf('me'), new Rng(seed));
  }

  command(command: ObserveCommand): void {
    this.core.handle(this.now, { kind: 'command', command }, this.#out);
    this.#drain();
  }

  watch(watcher: PeerId, leaseMs: number = config.leaseMs): void {
    this.command({ kind: 'broadcast', from: watcher, message: { kind: 'watch', watcher, leaseMs } });
  }

  report(report: PeerReport): void {
    this.command({ kind: 'broadcast', from: report.info.id, message: { kind: 'report', report } });
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (let at = this.core.nextDeadline(); at <= end; at = this.core.nextDeadline()) {
      this.now = Math.max(this.now, at);
      this.core.handle(this.now, { kind: 'tick' }, this.#out);
      this.#drain();
    }
    this.now = end;
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.#seen.splice(0).map(({ event }) => {
      if (event.kind === 'broadcast') return event.message.kind;
      return event.kind === 'changed' ? `${event.id} ${event.report?.number ?? 'gone'}` : event.kind;
    });
  }

  times(kind: ObserveEvent['kind']): number[] {
    return this.#seen.filter(({ event }) => event.kind === kind).map(({ at }) => at);
  }

  held(): string[] {
    return this.core.reports().map(({ info, number }) => `${info.id} ${number}`);
  }

  #drain(): void {
    const events = this.#out.take().flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : []));
    for (const event of events) {
      this.#seen.push({ at: this.now, event });
      if (event.kind === 'measure') this.command({ kind: 'measured', report: reportOf('me', 0) });
    }
  }
}

describe('watching', () => {
  it('nothing is measured, sent or held while nobody watches', () => {
    const bench = new Bench();
    bench.command({ kind: 'neighborsChanged' });
    bench.report(reportOf('a', 1));
    bench.pass(1_000_000);
    expect(bench.take()).toEqual([]);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('a watcher tells the mesh at once, and again when half of its lease is left', () => {
    const bench = new Bench();
    bench.command({ kind: 'watching', active: true });
    expect(bench.take()).toEqual(['watch']);
    bench.pass(60_000);
    const leases = bench.take().filter((what) => what === 'watch').length;
    expect(leases).toBeGreaterThanOrEqual(60_000 / (config.leaseMs * 0.5) - 1);
    expect(leases).toBeLessThanOrEqual(60_000 / (config.leaseMs * 0.4));
  });

  it('leaves the lease to another watcher that renews it', () => {
    const bench = new Bench();
    bench.watch('a');
    bench.command({ kind: 'watching', active: true });
    for (let n = 0; n < 20; n++) {
      bench.pass(5_000);
      bench.watch('a');
    }
    expect(bench.take()).not.toContain('watch');
    bench.pass(15_000);
    expect(bench.take()).toContain('watch');
  });

  it('the mesh goes quiet when the last lease has run out, and forgets what it held', () => {
    const bench = new Bench();
    bench.command({ kind: 'watching', active: true });
    bench.pass(20_000);
    bench.command({ kind: 'watching', active: false });
    bench.report(reportOf('a', 1));
    bench.pass(config.leaseMs + config.staleMinMs);
    expect(bench.held()).toEqual([]);
    expect(bench.take().slice(-2).sort()).toEqual(['a gone', 'me gone']);
    bench.pass(1_000_000);
    expect(bench.take()).toEqual([]);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('believes no lease longer than its bound', () => {
    const bench = new Bench();
    bench.watch('a', Number.POSITIVE_INFINITY);
    bench.watch('a', Number.NaN);
    bench.pass(2 * config.leaseMaxMs);
    bench.take();
    bench.pass(1_000_000);
    expect(bench.take()).toEqual([]);
  });
});

describe('reporting', () => {
  it('every interval while a lease lives, numbered, held and broadcast', () => {
    const bench = new Bench();
    bench.watch('a');
    bench.pass(config.quickMs);
    expect(bench.take()).toEqual(['measure', 'me 1', 'report']);
    bench.pass(10_000);
    const reports = bench.take().filter((what) => what === 'report').length;
    expect(reports).toBeGreaterThanOrEqual(9);
    expect(reports).toBeLessThanOrEqual(11);
  });

  it.each([
    [64, 1_000],
    [640, 10_000],
    [100_000, 60_000],
  ])('of %i peers each reports every %i ms', (peers, intervalMs) => {
    const bench = new Bench();
    bench.command({ kind: 'meshSize', peers });
    bench.command({ kind: 'watching', active: true });
    bench.pass(20 * intervalMs);
    expect(bench.times('measure').length).toBeGreaterThan(17);
    expect(bench.times('measure').length).toBeLessThan(23);
  });

  it('soon after the neighbours changed, but not again and again', () => {
    const bench = new Bench();
    bench.command({ kind: 'meshSize', peers: 640 });
    bench.watch('a');
    bench.pass(5_000);
    bench.take();
    bench.command({ kind: 'neighborsChanged' });
    bench.pass(config.quickMs);
    expect(bench.take()).toContain('report');
    for (let n = 0; n < 20; n++) {
      bench.command({ kind: 'neighborsChanged' });
      bench.pass(100);
    }
    expect(bench.take()).not.toContain('report');
    bench.pass(500);
    expect(bench.take()).toContain('report');
  });

  it('two peers do not report in step', () => {
    const at = [1, 2].map((seed) => {
      const bench = new Bench({}, seed);
      bench.watch('a');
      bench.pass(5_000);
      return bench.times('measure');
    });
    expect(at[0]).not.toEqual(at[1]);
  });
});

describe('hearing', () => {
  function watched(overrides: Partial<ObserveConfig> = {}): Bench {
    const bench = new Bench(overrides);
    bench.command({ kind: 'watching', active: true });
    bench.take();
    return bench;
  }

  it('holds the newest report: older numbers of the same life, and earlier lives, are ignored', () => {
    const bench = watched();
    for (const [number, life] of [
      [5, 1],
      [4, 1],
      [5, 1],
      [6, 1],
      [1, 2],
      [7, 1],
    ] as const) {
      bench.report(reportOf('a', number, life));
    }
    expect(bench.take()).toEqual(['a 5', 'a 6', 'a 1']);
    expect(bench.core.stats.reportsOld).toBe(3);
  });

  it('drops the report of a peer that went, and says so once', () => {
    const bench = watched();
    bench.report(reportOf('a', 1));
    bench.take();
    bench.command({ kind: 'memberDown', id: 'a' });
    bench.command({ kind: 'memberDown', id: 'a' });
    expect(bench.take()).toEqual(['a gone']);
  });

  it('drops what is not renewed', () => {
    const bench = watched();
    bench.report(reportOf('a', 1));
    bench.pass(config.staleMinMs * 1.5);
    expect(bench.held()).toEqual([expect.stringMatching(/^me /)]);
    expect(bench.core.stats.reportsStale).toBe(1);
  });

  it('holds so many and no more; the others are refused and counted', () => {
    const bench = watched({ reportsMax: 2 });
    for (const id of ['a', 'b', 'c']) bench.report(reportOf(id, 1));
    bench.report(reportOf('a', 2));
    expect(bench.held()).toEqual(['b 1', 'a 2']);
    expect(bench.core.stats.reportsRefused).toBe(1);
  });

  it('a peer reports for itself only', () => {
    const bench = watched();
    bench.command({ kind: 'broadcast', from: 'z', message: { kind: 'report', report: reportOf('a', 1) } });
    bench.report(reportOf('me', 99));
    expect(bench.held()).toEqual([]);
    expect(bench.core.stats.violations).toBe(1);
  });
});
