import { RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultObserveConfig } from './config.ts';
import type { ObserveCommand, ObserveEvent, PeerReport } from './messages.ts';
import { Observe } from './observe.ts';

const peer = fc.constantFrom('me', 'a', 'b', 'c', 'd');
const hostileNumber = fc.oneof(
  fc.integer({ min: -2, max: 50 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 20_000, Number.MAX_SAFE_INTEGER),
);
const report: fc.Arbitrary<PeerReport> = fc
  .record({ id: peer, number: hostileNumber, incarnation: fc.oneof(fc.integer({ min: 0, max: 3 }), hostileNumber) })
  .map(({ id, number, incarnation }) => ({
    info: { id, address: '', apiAddress: '', incarnation, zone: '', name: '' },
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
  }));
const command: fc.Arbitrary<ObserveCommand> = fc.oneof(
  fc.record({ kind: fc.constant('watching' as const), active: fc.boolean() }),
  report.map((measured) => ({ kind: 'measured' as const, report: measured })),
  fc.record({ from: peer, watcher: peer, leaseMs: hostileNumber }).map(({ from, watcher, leaseMs }) => ({
    kind: 'broadcast' as const,
    from,
    message: { kind: 'watch' as const, watcher, leaseMs },
  })),
  report.map((heard) => ({
    kind: 'broadcast' as const,
    from: heard.info.id,
    message: { kind: 'report' as const, report: heard },
  })),
  fc.constant({ kind: 'neighborsChanged' as const }),
  fc.record({ kind: fc.constant('memberDown' as const), id: peer }),
  fc.record({ kind: fc.constant('meshSize' as const), peers: fc.integer({ min: 0, max: 100_000 }) }),
);

describe('whatever a peer broadcasts', () => {
  it('an observer never throws, holds no more than its bound, never goes back, and what it said to change is what it holds', () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 5_000 }), command });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
        const self = { id: 'me', address: '', apiAddress: '', incarnation: 1, zone: '', name: '' };
        const core = new Observe({ ...defaultObserveConfig, reportsMax: 3 }, self, new Rng(seed));
        const out = new RecordingOutbox<never, ObserveEvent>();
        // The twin: a plain map that is told of changes, as the layer above is.
        const twin = new Map<string, PeerReport>();
        let now = 0;
        const settle = (): void => {
          for (const effect of out.take()) {
            if (effect.kind !== 'emit' || effect.event.kind !== 'changed') continue;
            const { id, report } = effect.event;
            const before = twin.get(id);
            if (report === null) twin.delete(id);
            else {
              const isSameLife = before?.info.incarnation === report.info.incarnation;
              if (before !== undefined && isSameLife) expect(report.number).toBeGreaterThan(before.number);
              twin.set(id, report);
            }
          }
          expect(new Set(core.reports())).toEqual(new Set(twin.values()));
          expect(core.heard).toBeLessThanOrEqual(3);
        };
        for (const { after, command } of steps) {
          now += after;
          core.handle(now, { kind: 'command', command }, out);
          expect(core.nextDeadline()).toBeGreaterThan(now);
          settle();
        }
        core.handle(now, { kind: 'command', command: { kind: 'watching', active: false } }, out);
        for (let end = now + 2_000_000; core.nextDeadline() <= end; ) {
          now = core.nextDeadline();
          core.handle(now, { kind: 'tick' }, out);
          settle();
        }
        expect([core.heard, core.nextDeadline()]).toEqual([0, Number.POSITIVE_INFINITY]);
      }),
      { numRuns: 200 },
    );
  });
});
