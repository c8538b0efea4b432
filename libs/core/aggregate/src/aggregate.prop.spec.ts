import { type Effect, RecordingOutbox } from '@starling/kernel';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AggregateNetwork, type Edge, idsOf } from '../spec/aggregate-network.ts';
import { Aggregation } from './aggregate.ts';
import { defaultAggregateConfig } from './config.ts';
import type { AggregateCommand, AggregateEvent, AggregateMessage } from './messages.ts';

const size = 10;
const ids = idsOf(size);
const edge = fc
  .tuple(fc.nat(size - 1), fc.nat(size - 1))
  .filter(([a, b]) => a !== b)
  .map(([a, b]): Edge => [ids[a] as string, ids[b] as string]);
const fault = fc.record({
  at: fc.double({ min: 0, max: 40, noNaN: true }),
  what: fc.constantFrom('kill', 'sever', 'hang', 'mute'),
  peer: fc.integer({ min: 1, max: size - 1 }),
  edge,
});

/** Every other peer below an earlier one, and links across. */
const overlay = fc.record({
  parents: fc.tuple(...ids.slice(1).map((_, at) => fc.nat(at))),
  eager: fc.array(edge, { maxLength: 3 }),
  lazy: fc.array(edge, { maxLength: 8 }),
});

it('under any faults each peer is in the answer once or not at all, and an answer that lacks one says that it does', () => {
  fc.assert(
    fc.property(
      overlay,
      fc.array(fault, { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
      ({ parents, eager, lazy }, faults, delays) => {
        const tree = parents.map((parent, at): Edge => [ids[parent] as string, ids[at + 1] as string]);
        const network = new AggregateNetwork(ids, distinct([...tree, ...eager]), []);
        const known = new Set(distinct([...tree, ...eager]).map(nameOf));
        const crossing = new AggregateNetwork(
          ids,
          distinct([...tree, ...eager]),
          distinct(lazy).filter((one) => !known.has(nameOf(one))),
        );
        for (const one of [network, crossing]) {
          let sent = 0;
          one.delay = () => delays[sent++ % delays.length] as number;
          for (const { at, what, peer, edge: broken } of faults) {
            const id = ids[peer] as string;
            one.at(at, () => {
              if (what === 'kill') one.kill(id);
              else if (what === 'sever') one.sever(broken);
              else if (what === 'hang') one.hung.add(id);
              else one.mute.add(id);
            });
          }
          one.ask(ids[0] as string, 'id, count(*) group by id');
          one.run(60_000);
          expect(one.results).toHaveLength(1);
          const [result] = one.results;
          const groups = result?.partial?.groups ?? [];
          expect(groups.every(({ peers }) => peers === 1)).toBe(true);
          expect(new Set(groups.map(({ key }) => key[0])).size).toBe(result?.tally.answered);
          expect(result?.complete).toBe(groups.length === size && result?.tally.missing === 0);
          expect(one.violations).toEqual([]);
          for (const [id, core] of one.cores) if (!one.hung.has(id)) expect(core.activeCount).toBe(0);
        }
      },
    ),
  );
});

function nameOf([a, b]: Edge): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function distinct(edges: readonly Edge[]): Edge[] {
  return [...new Map(edges.map((one) => [nameOf(one), one])).values()];
}

const wildNumber = fc.oneof(fc.integer({ min: -2, max: 3 }), fc.constantFrom(Number.NaN, 1e300, 0.5, Infinity));
const wildKey = fc.array(fc.oneof(fc.constant(null), fc.string(), wildNumber), { maxLength: 3 });
const wildCell = fc.record({
  ...{ count: wildNumber, sum: wildNumber, min: wildNumber, max: wildNumber, least: fc.string(), most: fc.string() },
  sketch: fc.option(
    fc.record({
      zeros: wildNumber,
      indexes: fc.array(wildNumber, { maxLength: 3 }),
      counts: fc.array(wildNumber, { maxLength: 3 }),
    }),
  ),
});
const wildGroup = fc.record({ key: wildKey, peers: wildNumber, cells: fc.array(wildCell, { maxLength: 3 }) });
const wildPartial = fc.record({
  groups: fc.array(wildGroup, { maxLength: 3 }),
  cut: fc.option(wildKey),
  other: fc.option(wildGroup),
});
const wildTally = fc.record({
  ...{ answered: wildNumber, missing: wildNumber, messages: wildNumber, bytes: wildNumber },
  lost: fc.array(fc.record({ peer: fc.string(), reason: fc.constant('late' as const) }), { maxLength: 2 }),
});
const questions = fc.constantFrom('self/1', 'a/1', 'a/2', '', 'x'.repeat(300));
const wave = fc.constantFrom(0, 1, 2, -1);
const texts = fc.constantFrom('zone, count(*), p50(rtt) group by zone', 'max(version)', 'nonsense(', '');
const wildMessage: fc.Arbitrary<AggregateMessage> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('aggregateQuery' as const), queryId: questions, wave, text: texts },
    ...{ timeoutMs: wildNumber, hops: wildNumber, tree: wildNumber },
  }),
  fc.record({
    ...{ kind: fc.constant('aggregateAnswer' as const), queryId: questions, wave },
    ...{ partial: fc.option(wildPartial), tally: wildTally },
  }),
  fc.record({ kind: fc.constant('aggregateDecline' as const), queryId: questions, wave }),
  fc.record({ kind: fc.constant('aggregateCancel' as const), queryId: questions }),
);

it('whatever neighbours say, nothing throws, what is counted is sound, and every bound holds', () => {
  const step = fc.record({ from: fc.constantFrom('a', 'b', 'c'), message: wildMessage, after: fc.nat(2_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const config = { ...defaultAggregateConfig, activeMax: 3, seenMax: 4 };
      const core = new Aggregation({ config, selfId: 'self' });
      const out = new RecordingOutbox<AggregateMessage, AggregateEvent>();
      const command = (one: AggregateCommand): void => core.handle(now, { kind: 'command', command: one }, out);
      let now = 0;
      command({ kind: 'meshSize', peers: 4 });
      command({ kind: 'links', tree: 0, eager: ['a', 'b'], lazy: ['c'] });
      command({
        kind: 'start',
        queryId: '1',
        text: 'zone, count(*), p50(rtt) group by zone',
        timeoutMs: 5_000,
        messagesMax: 0,
      });
      for (const { from, message, after } of steps) {
        core.handle(now, { kind: 'message', from, message }, out);
        now += after;
        core.handle(now, { kind: 'tick' }, out);
        expect(core.activeCount).toBeLessThanOrEqual(config.activeMax);
        expect(core.seenCount).toBeLessThanOrEqual(config.seenMax);
      }
      core.handle(now + 60_000, { kind: 'tick' }, out);
      core.handle(now + 120_000, { kind: 'tick' }, out);
      const finished = out
        .take()
        .flatMap((effect: Effect<AggregateMessage, AggregateEvent>) =>
          effect.kind === 'emit' && effect.event.kind === 'finished' ? [effect.event.result] : [],
        );
      expect(finished).toHaveLength(1);
      expect(finished[0]?.tally.answered).toBeLessThanOrEqual(3 * (2 * 4 + 16));
      expect(core.activeCount).toBe(0);
    }),
  );
});
