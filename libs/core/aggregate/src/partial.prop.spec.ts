import { type PeerRow, parsePeersQuery } from '@starling/query';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultAggregateConfig } from './config.ts';
import { Partial, type PartialData, type PartialLimits } from './partial.ts';
import { type Plan, planOf } from './plan.ts';
import { partialFault } from './sound.ts';
import { tableOf } from './table.ts';

function planFor(text: string): Plan {
  const parsed = parsePeersQuery(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return planOf(parsed.query);
}

const text =
  'zone, active, count(*), count(rtt), sum(memory), min(rtt), max(version), avg(memory), p50(rtt), p99(memory) where active != 3 group by zone, active';
const plan = planFor(text);
const rows: fc.Arbitrary<PeerRow[]> = fc.array(
  fc.record(
    {
      zone: fc.constantFrom('a', 'b', 'c', 'd', 'é'),
      active: fc.integer({ min: 1, max: 4 }),
      version: fc.constantFrom('1.9', '1.10', 'v1.10', 'dev'),
      memory: fc.integer({ min: 0, max: 1_000 }),
      rtt: fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 4 }),
    },
    { requiredKeys: [] },
  ),
  { maxLength: 24 },
);
/** By number, by bytes, and so that nothing is cut. */
const limits = fc.constantFrom<PartialLimits>(
  { ...defaultAggregateConfig },
  { ...defaultAggregateConfig, groupsMax: 3 },
  { ...defaultAggregateConfig, groupsMax: 0 },
  { ...defaultAggregateConfig, partialBytesMax: 2_500 },
  { ...defaultAggregateConfig, binsMax: 4, groupsMax: 5 },
);

function partialOf(all: readonly PeerRow[], bounds: PartialLimits): PartialData {
  const partial = new Partial(plan, bounds);
  for (const row of all) partial.add(row);
  return partial.data();
}

function merged(parts: readonly PartialData[], bounds: PartialLimits): PartialData {
  const partial = new Partial(plan, bounds);
  for (const part of parts) partial.merge(part);
  return partial.data();
}

describe('partial aggregates', () => {
  it('merge in any order and in any tree to what all rows make at once, with what is cut', () => {
    fc.assert(
      fc.property(rows, rows, rows, limits, (a, b, c, bounds) => {
        const all = partialOf([...a, ...b, ...c], bounds);
        const [x, y, z] = [a, b, c].map((part) => partialOf(part, bounds)) as [PartialData, PartialData, PartialData];
        expect(merged([x, y, z], bounds)).toEqual(all);
        expect(merged([merged([z, x], bounds), y], bounds)).toEqual(all);
        expect(merged([z, merged([y, x], bounds)], bounds)).toEqual(all);
      }),
    );
  });

  it('show each group with the figures of all its peers, whatever is cut, and no peer is lost', () => {
    fc.assert(
      fc.property(rows, rows, limits, (a, b, bounds) => {
        const data = merged([partialOf(a, bounds), partialOf(b, bounds)], bounds);
        const matching = [...a, ...b].filter(({ active }) => active !== undefined && active !== 3);
        for (const { key, peers } of data.groups) {
          const own = matching.filter((row) => (row.zone ?? null) === key[0] && (row.active ?? null) === key[1]);
          expect(peers).toBe(own.length);
        }
        const counted = data.groups.reduce((sum, { peers }) => sum + peers, data.other?.peers ?? 0);
        expect(counted).toBe(matching.length);
        expect(data.groups.length).toBeLessThanOrEqual(bounds.groupsMax);
      }),
    );
  });

  it('are sound', () => {
    fc.assert(
      fc.property(rows, limits, (all, bounds) => {
        const config = { ...defaultAggregateConfig, ...bounds };
        expect(partialFault(plan, partialOf(all, bounds), all.length, config)).toBeNull();
      }),
    );
  });
});

describe('a table', () => {
  const peers: PeerRow[] = [
    { zone: 'a', version: '1.9', memory: 10, rtt: [1, 3] },
    { zone: 'a', version: '1.10', memory: 30, rtt: [] },
    { zone: 'b', version: '1.4', memory: 5 },
    {},
  ];
  const read = (question: string, of = peers, bounds = {}) => {
    const wanted = planFor(question);
    const partial = new Partial(wanted, { ...defaultAggregateConfig, ...bounds });
    for (const row of of) partial.add(row);
    return tableOf(wanted, partial.data(), defaultAggregateConfig);
  };

  it('has a figure for each column and group', () => {
    const { columns, rows: found } = read(
      'zone, count(*), sum(memory), avg(memory), min(version), max(version), count(rtt), max(rtt), p50(rtt) group by zone',
    );
    expect(columns.map(({ type }) => type).join()).toBe(
      'text,number,bytes,bytes,version,version,number,duration,duration',
    );
    expect(found.map(({ values }) => values.slice(0, 8))).toEqual([
      [null, 1, 0, null, null, null, 0, null],
      ['a', 2, 40, 20, '1.9', '1.10', 2, 3],
      ['b', 1, 5, 5, '1.4', '1.4', 0, null],
    ]);
    expect(found[1]?.values[8]).toBe(1);
  });

  it('is ordered and cut as it was asked; what nobody knows is last either way', () => {
    const question = 'zone, max(version) group by zone order by max(version) desc limit 2';
    expect(read(question)).toMatchObject({
      rows: [{ values: ['a', '1.10'] }, { values: ['b', '1.4'] }],
      rowsCut: 1,
    });
    expect(read('zone, max(version) group by zone order by max(version)').rows.at(-1)?.values).toEqual([null, null]);
  });

  it('ends with all groups that found no room as one', () => {
    expect(read('zone, count(*) group by zone limit 1', peers, { groupsMax: 2 }).rows).toEqual([
      { values: [null, 1], peers: 1, isOther: false },
      { values: [null, 1], peers: 1, isOther: true },
    ]);
  });

  it('says how many there are when there are none', () => {
    expect(read('count(*), avg(memory) where zone = z').rows).toEqual([
      { values: [0, null], peers: 0, isOther: false },
    ]);
    expect(read('zone, count(*) where zone = z group by zone').rows).toEqual([]);
  });
});
