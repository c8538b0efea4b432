import { RecordingOutbox } from '@starling/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultReputationConfig } from './config.ts';
import type { ReputationCommand, ReputationEvent } from './messages.ts';
import { Reputation } from './reputation.ts';

const config = { ...defaultReputationConfig, recordsMax: 5 };
const peer = fc.constantFrom(...'abcdefgh');
const number = fc.oneof(fc.nat(20), fc.constantFrom(-1, 0, 0.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY));
const command: fc.Arbitrary<ReputationCommand> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('observed' as const),
      peer,
      deed: fc.constantFrom('firstDelivery', 'brokenPromise', 'violation', 'flood', 'slow'),
      times: number,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ban' as const), peer, forMs: number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pardon' as const), peer }) },
);
const step = fc.record({ waitMs: fc.constantFrom(0, 1, 10_000, 120_000, 3_600_000), command: fc.option(command) });

test('whatever is seen: scores are numbers, bans are bounded in number, told once, and end when they said', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const core = new Reputation(config);
      const out = new RecordingOutbox<never, ReputationEvent>();
      const until = new Map<string, number>();
      let now = 0;
      for (const { waitMs, command } of steps) {
        now += waitMs;
        core.handle(now, command === null ? { kind: 'tick' } : { kind: 'command', command }, out);
        for (const effect of out.take()) {
          expect(effect.kind).toBe('emit');
          if (effect.kind !== 'emit') continue;
          const { event } = effect;
          if (event.kind === 'banned') until.set(event.peer, event.until);
          if (event.kind === 'pardoned') expect(until.delete(event.peer)).toBe(true);
        }
        for (const id of 'abcdefgh') {
          expect(core.scoreOf(now, id)).not.toBeNaN();
          // A ban may be forgotten for want of room, but nobody is banned who was not told.
          if (core.isBanned(now, id)) expect(until.get(id)).toBeGreaterThan(now);
        }
        const bans = core.bans(now);
        expect(bans.length).toBeLessThanOrEqual(config.recordsMax);
        if (command === null) expect(core.nextDeadline()).toBeGreaterThan(now);
      }
    }),
    { numRuns: 300 },
  );
});

test('who only serves is never dropped, and who was never bad is never banned', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ waitMs: fc.nat(1_000), times: fc.nat(1_000) })), (deeds) => {
      const core = new Reputation(config);
      const out = new RecordingOutbox<never, ReputationEvent>();
      let now = 0;
      for (const { waitMs, times } of deeds) {
        now += waitMs;
        core.handle(
          now,
          { kind: 'command', command: { kind: 'observed', peer: 'a', deed: 'firstDelivery', times } },
          out,
        );
      }
      expect(out.take()).toEqual([]);
      expect(core.scoreOf(now, 'a')).toBeGreaterThanOrEqual(0);
    }),
  );
});
