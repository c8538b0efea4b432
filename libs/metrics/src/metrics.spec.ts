import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CanaryLedger,
  grpcCodes,
  type HistogramName,
  type MetricDefinition,
  type MetricName,
  type MetricSources,
  MetricsRegistry,
  metricDefinitions,
  metricsReference,
  type Sample,
  seriesOf,
} from './index.ts';

const all = Object.entries(metricDefinitions) as [MetricName, MetricDefinition][];

/** Every combination of a metric's labels. */
function combinations(definition: MetricDefinition): Record<string, string>[] {
  return Object.entries(definition.labels ?? {}).reduce<Record<string, string>[]>(
    (done, [label, values]) =>
      done.flatMap((labels) =>
        (typeof values === 'number' ? ['v'] : values).map((value) => ({ ...labels, [label]: value })),
      ),
    [{}],
  );
}

/** A registry in which every metric has every series. */
function fullRegistry(): MetricsRegistry {
  const sources: Record<string, () => Sample[]> = {};
  for (const [name, definition] of all) {
    if (definition.type !== 'histogram') {
      sources[name] = () => combinations(definition).map((labels) => ({ labels, value: 1 }));
    }
  }
  const registry = new MetricsRegistry(sources as MetricSources);
  for (const [name, definition] of all) {
    if (definition.type !== 'histogram') continue;
    for (const labels of combinations(definition)) registry.observe(name as HistogramName, 0.1, labels);
  }
  return registry;
}

describe('metric definitions', () => {
  it.each(all)('%s follows the naming rules', (name, { type, help, labels = {} }) => {
    expect(name).toMatch(/^(starling|grpc|process|nodejs)_[a-z0-9_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/^[A-Z].*\.$/);
    for (const label of Object.keys(labels)) expect(label).not.toMatch(/peer|topic|_id$/);
  });

  it('stay within 2,000 series for a peer, whatever the size of the mesh', () => {
    expect(all.reduce((sum, [name]) => sum + seriesOf(name), 0)).toBeLessThanOrEqual(2_000);
  });

  it('are documented: docs/metrics.md is what they say', () => {
    expect(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toBe(metricsReference());
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  const required = process.env.STARLING_REQUIRE_ALL === '1';
  it.skipIf(!promtool && !required)('satisfy promtool check metrics (apt-get install prometheus)', async () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: await fullRegistry().text(),
      encoding: 'utf8',
    });
    expect(checked.stdout + checked.stderr).toBe('');
    expect(checked.status).toBe(0);
  });
});

describe('registry', () => {
  it('reads counters and gauges when it is scraped, and leaves out what has no source', async () => {
    let published = 0;
    const registry = new MetricsRegistry({
      starling_messages_published_total: () => published,
      starling_view_size: () => [{ labels: { view: 'active' }, value: 3 }],
    });
    published = 7;
    const text = await registry.text();
    expect(text).toContain('starling_messages_published_total 7\n');
    expect(text).toContain('starling_view_size{view="active"} 3\n');
    expect(text).not.toContain('starling_connections');
    published = 9;
    expect(await registry.text()).toContain('starling_messages_published_total 9\n');
  });

  it('knows the codes of gRPC in their order', () => {
    expect(grpcCodes.indexOf('UNAUTHENTICATED')).toBe(16);
  });
});

describe('canary ledger', () => {
  it('counts what arrived, and a hole only once repair had its time', () => {
    const ledger = new CanaryLedger();
    for (const number of [5, 6, 8]) ledger.arrived(1_000, 'a', 1, number);
    expect(ledger.ratio(2_000)).toBe(1);
    expect(ledger.ratio(11_000)).toBe(3 / 4);
    expect([ledger.received, ledger.missed]).toEqual([3, 1]);
  });

  it('takes a late one as arrived, and a second copy as nothing', () => {
    const ledger = new CanaryLedger();
    for (const number of [1, 3, 2, 2, 3]) ledger.arrived(0, 'a', 1, number);
    expect(ledger.ratio(60_000)).toBe(1);
    expect(ledger.received).toBe(3);
  });

  it('begins anew with a new incarnation and ignores the old one', () => {
    const ledger = new CanaryLedger();
    ledger.arrived(0, 'a', 1, 90);
    ledger.arrived(0, 'a', 2, 1);
    ledger.arrived(0, 'a', 1, 95);
    expect(ledger.ratio(60_000)).toBe(1);
    expect(ledger.received).toBe(2);
  });

  it('forgets what is older than the window', () => {
    const ledger = new CanaryLedger({ originsMax: 2, windowMs: 120_000, graceMs: 0 });
    ledger.arrived(0, 'a', 1, 1);
    ledger.arrived(0, 'a', 1, 11);
    expect(ledger.ratio(0)).toBe(2 / 11);
    expect(ledger.ratio(300_000)).toBe(1);
  });

  it('remembers a bounded number of holes and origins', () => {
    const ledger = new CanaryLedger({ originsMax: 2, windowMs: 600_000, graceMs: 1e9 });
    ledger.arrived(0, 'a', 1, 1);
    ledger.arrived(0, 'a', 1, 1_000_000_000);
    expect(ledger.missed).toBe(1_000_000_000 - 2 - 64);
    ledger.arrived(0, 'b', 1, 1);
    ledger.arrived(0, 'c', 1, 1);
    // a is forgotten: its next canary is a first one.
    ledger.arrived(0, 'a', 1, 2_000_000_000);
    expect(ledger.missed).toBe(1_000_000_000 - 2 - 64);
  });
});
