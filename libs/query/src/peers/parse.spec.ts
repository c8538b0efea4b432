import { describe, expect, it } from 'vitest';
import { parsePeersQuery } from './parse.ts';
import type { PeersQuery } from './syntax.ts';

function parsed(text: string): PeersQuery {
  const result = parsePeersQuery(text);
  if (!result.ok) throw new Error(`${text}: ${result.problem} at ${result.at}`);
  return result.query;
}

describe('a question about peers', () => {
  it('has columns, a condition, groups, an order and a limit', () => {
    const text =
      "zone, count(*), p99(rtt) where version != 1.4 and not name prefix 'x-' group by zone order by count(*) desc, zone limit 5";
    expect(parsed(text)).toMatchObject({
      columns: [
        { kind: 'field', name: 'zone', field: 'zone' },
        { kind: 'aggregate', name: 'count(*)', aggregate: { kind: 'count', field: null } },
        { kind: 'aggregate', name: 'p99(rtt)', aggregate: { kind: 'quantile', field: 'rtt', q: 0.99 } },
      ],
      where: {
        kind: 'and',
        conditions: [
          { kind: 'compare', field: 'version', operator: '!=', value: '1.4' },
          { kind: 'not', condition: { kind: 'prefix', field: 'name', prefix: 'x-' } },
        ],
      },
      groupBy: ['zone'],
      orderBy: [
        { column: 1, isDescending: true },
        { column: 0, isDescending: false },
      ],
      limit: 5,
    });
  });

  it.each([
    ['SELECT Count( * ) AS peers WHERE Zone IN (a, "b c")', ['peers'], []],
    ['id, version where version < 2', ['id', 'version'], ['id', 'version']],
    ['max(version), quantile(rtt, 0.5), p99.9(uptime)', ['max(version)', 'p50(rtt)', 'p99.9(uptime)'], []],
    ['count(*) group by zone, version', ['count(*)'], ['zone', 'version']],
  ])('%s', (text, names, groupBy) => {
    const query = parsed(text);
    expect(query.columns.map(({ name }) => name)).toEqual(names);
    expect(query.groupBy).toEqual(groupBy);
  });

  it.each([
    ['rtt > 50ms', 50],
    ['uptime >= 2h', 7_200_000],
    ['memory < 64MiB', 67_108_864],
    ['memory < 4096', 4_096],
    ['loop > 50%', 0.5],
    ['active = 5', 5],
    ['rtt = 0', 0],
  ])('where %s: the value is read as the attribute says', (condition, value) => {
    expect(parsed(`count(*) where ${condition}`).where).toMatchObject({ value });
  });

  it('binds not before and before or', () => {
    expect(parsed('count(*) where not active = 1 and active = 2 or active = 3').where).toMatchObject({
      kind: 'or',
      conditions: [{ kind: 'and', conditions: [{ kind: 'not' }, { value: 2 }] }, { value: 3 }],
    });
  });
});

// What is wrong, and the text that it points at.
const malformed: [text: string, problem: RegExp, pointsAt: string][] = [
  ['', /ends where it needs a field, or count/, ''],
  ['zone, count(*)', /zone neither in an aggregate nor in "group by": add "group by zone"/, 'zone'],
  ['zon, count(*) group by zone', /"zon", which peers do not know: did you mean zone\?/, 'zon'],
  ['colour', /there are id, name, zone/, 'colour'],
  ['median(rtt)', /no function "median": there are count, sum/, 'median'],
  ['sum(zone)', /sum\(\) of zone, which is text/, 'zone'],
  ['count(*', /needs "\)" to end count\(/, ''],
  ['rtt', /rtt alone, which has a value for each link: aggregate it, as in p50\(rtt\)/, 'rtt'],
  ['count(*) group by rtt', /cannot group by rtt/, 'rtt'],
  ['count(*) where version != new', /needs a version, as 1.4/, 'new'],
  ['count(*) where rtt > 50', /needs a duration, as 50ms/, '50'],
  ['count(*) where active > many', /needs a number, as 3/, 'many'],
  ['count(*) where zone', /needs =, !=, <, <=, >, >=, like, prefix or in after "zone"/, ''],
  ['count(*) where zone =', /ends where it needs a word/, ''],
  ["count(*) where zone = 'a", /quotation mark that is not closed/, "'a"],
  ['count(*) where zone in a', /needs "\(" and values/, 'a'],
  ['count(*) where zone in (a b)', /needs "," or "\)"/, 'b'],
  ['count(*) where active like 5', /like on active, which is no text/, 'like'],
  ['count(*) where (zone = a', /"\(" that is not closed/, '('],
  ['count(*) where zone = a group zone', /needs "by" after "group"/, 'zone'],
  ['count(*) order by zone', /orders by zone, which is no column: there are count\(\*\)/, 'zone'],
  ['count(*) limit 0', /from 1 to 10000/, '0'],
  ['count(*) limit 5 where zone = a', /"where" where the question should end/, 'where'],
  ['count(*), count(*)', /two columns called count\(\*\)/, 'count(*)'],
  ['quantile(rtt, 2)', /from 0 to 1/, '2'],
  ['quantile(rtt)', /quantile\(field, number\)/, ')'],
  ['id, name, zone, version, state', /more than 4 fields of each peer/, 'state'],
  [`count(*) where ${'('.repeat(10)}`, /more than 8 deep/, '('],
  [`count(*) where ${Array(33).fill('active = 1').join(' and ')}`, /more than 32 conditions/, 'active'],
  [`count(*) where zone in (${Array(65).fill('a').join(',')})`, /more than 64 values/, 'a'],
  [`${Array.from({ length: 17 }, (_, i) => `count(*) as c${i}`).join(', ')}`, /more than 16 columns/, 'count'],
  [`count(*) where zone = ${'a'.repeat(1_100)}`, /at most 1024 are taken/, 'a'.repeat(98)],
];

describe('what is wrong is said with its place', () => {
  it.each(malformed)('%s', (text, problem, pointsAt) => {
    const result = parsePeersQuery(text);
    if (result.ok) throw new Error('it was understood');
    expect(result.problem).toMatch(problem);
    expect(text.slice(result.at, result.end)).toBe(pointsAt);
  });
});
