import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cursorLimits, topicLimits } from '@starling/core-pubsub';
import { defaultPeerCacheConfig } from '@starling/discovery';
import { defaultDiscoveryLoopConfig } from '@starling/host';
import { defaultMeshConfig } from '@starling/mesh';
import { defaultCanaryLedgerConfig, metricDefinitions } from '@starling/metrics';
import { defaultKnownStatisticsConfig, pathLimits, peersQueryLimits, queryLimits, rowLimits } from '@starling/query';
import { defaultGrpcTransportConfig } from '@starling/transport-grpc';
import { describe, expect, it } from 'vitest';
import { apiLimits } from '../apps/peer/src/api/validate.ts';
import { configKeys, configSchema, variableOf } from '../apps/peer/src/config/schema.ts';
import { defaultTopologyFeedConfig } from '../apps/peer/src/overlay/topology-feed.ts';
import { indexLimits } from '../apps/peer/src/search/sqlite-index.ts';
import { threadLimits } from '../apps/peer/src/search/threaded-index.ts';

const root = new URL('..', import.meta.url);
const page = readFileSync(new URL('docs/limits.md', root), 'utf8');

const { linkLingerMs, controlPerSecondMax, ...parts } = defaultMeshConfig;

/** The first word of a field on the page: what it is a field of. */
const configs: Readonly<Record<string, unknown>> = {
  ...parts,
  mesh: { linkLingerMs, controlPerSecondMax },
  links: defaultGrpcTransportConfig,
  discovery: defaultDiscoveryLoopConfig,
  peerCache: defaultPeerCacheConfig,
  api: apiLimits,
  topic: topicLimits,
  cursor: cursorLimits,
  feed: defaultTopologyFeedConfig,
  query: queryLimits,
  peersQuery: peersQueryLimits,
  row: rowLimits,
  path: pathLimits,
  knownStatistics: defaultKnownStatisticsConfig,
  index: indexLimits,
  indexThread: threadLimits,
  ledger: defaultCanaryLedgerConfig,
};

interface Row {
  readonly bound: string;
  readonly limit: string;
  /** Where the default is kept, one or more. */
  readonly where: readonly string[];
  readonly behaviour: string;
  readonly seenBy: string;
}

const rows: readonly Row[] = page
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (?:bound|---) \|/.test(line))
  .map((line) => {
    const [bound = '', limit = '', where = '', behaviour = '', seenBy = ''] = line.split('|').slice(1, -1);
    return { bound: bound.trim(), limit: limit.trim(), where: quoted(where), behaviour: behaviour.trim(), seenBy };
  });

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
  KiB: 1024,
  MiB: 1024 ** 2,
  Mi: 1024 ** 2,
};

/** `64 MiB`, `5 min`, `16,384`: in bytes, ms, or as it is. */
function numberOf(text: string): number {
  const [, digits = '', unit] = /^([\d,.]+)(?: ([A-Za-z]+))?$/.exec(text) ?? [];
  return Number(digits.replaceAll(',', '') || Number.NaN) * (unit === undefined ? 1 : (units[unit] ?? Number.NaN));
}

/** The default in the code that a word of the page stands for. */
function defaultOf(where: string): unknown {
  if (where.startsWith('STARLING_')) {
    const key = configKeys.find((name) => variableOf(name) === where);
    return key && configSchema.parse({})[key];
  }
  const [file = '', constant] = where.split('#');
  if (constant !== undefined) return constantOf(readFileSync(new URL(file, root), 'utf8'), constant);
  return where.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], configs);
}

/** What a source gives a name: `name = 4 * 1024`, `name: 4`, `'name': 4` or `name(4`. */
function constantOf(source: string, name: string): number | undefined {
  const pattern = new RegExp(
    `(?<![\\w.])(?:\\.)?${name.replaceAll('.', '\\.')}'?(?:: | = |\\()([\\d_]+(?: \\* [\\d_]+)*)`,
  );
  const product = pattern.exec(source)?.[1];
  return product?.split(' * ').reduce((value, factor) => value * Number(factor.replaceAll('_', '')), 1);
}

/** Fields that bound something, by their names, with the objects that they are in. */
function boundsOf(prefix: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const path = `${prefix}.${key}`;
    return typeof item === 'number' && /(?:Max(?:Ms)?|Capacity|Slots)$/.test(key) ? [path] : boundsOf(path, item);
  });
}

describe('docs/limits.md', () => {
  it('gives every default as the code has it', () => {
    const told = rows.flatMap(({ limit, where }) => where.map((each) => ({ where: each, limit })));
    const wrong = told
      .map((each) => ({ ...each, code: defaultOf(each.where) }))
      .filter(({ limit, code }) => numberOf(limit) !== code);
    expect(wrong).toEqual([]);
    expect(told.length).toBeGreaterThan(150);
  });

  it('says of each bound where its default is and what happens', () => {
    for (const row of rows) {
      expect(row.where, row.bound).not.toEqual([]);
      expect(row.behaviour, row.bound).not.toBe('');
    }
  });

  it('misses no bound that a configuration has', () => {
    const named = new Set(rows.flatMap(({ where }) => where));
    const bounds = Object.entries(configs).flatMap(([part, config]) => boundsOf(part, config));
    const settings = configKeys.filter((key) => key.endsWith('Max') || key.endsWith('Capacity')).map(variableOf);
    expect([...bounds, ...settings].filter((bound) => !named.has(bound))).toEqual([]);
    expect(bounds.length).toBeGreaterThan(80);
  });

  it('names metrics that there are, with labels that they have', () => {
    for (const { seenBy, bound } of rows) {
      for (const metric of quoted(seenBy)) {
        const [, name = '', label, value] = /^(\w+)(?:\{(\w+)="([\w-]+)"\})?$/.exec(metric) ?? [];
        const definition = Object.entries(metricDefinitions).find(([known]) => known === name)?.[1];
        expect(definition, `${bound}: ${metric}`).toBeDefined();
        if (label !== undefined) expect(JSON.stringify(definition), `${bound}: ${metric}`).toContain(`"${value}"`);
      }
    }
  });

  it('names files that there are', () => {
    for (const [, link = ''] of page.matchAll(/\]\(([^)]+)\)/g)) {
      expect(() => readFileSync(fileURLToPath(new URL(`docs/${link}`, root)))).not.toThrow();
    }
  });
});
