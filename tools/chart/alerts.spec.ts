import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { metricDefinitions } from '@starling/metrics';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const path = (name: string) => new URL(name, root).pathname;
const rules = readFileSync(path('helm/starling/files/alerts.yml'), 'utf8');
const tests = readFileSync(path('deploy/prometheus/alerts.test.yml'), 'utf8');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name as string);
const runbooks = [...rules.matchAll(/runbook: docs\/operations\/runbooks\/([\w-]+\.md)/g)].map(
  ([, name]) => name as string,
);

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const isStrict = process.env.STARLING_REQUIRE_ALL === '1';

describe('the alerts', () => {
  it('use only metrics that peers have', () => {
    const used = new Set([...rules.matchAll(/\b(starling_\w+?)(?:_bucket)?\b(?=[{)[ ]|$)/gm)].map(([, name]) => name));
    expect(used.size).toBeGreaterThan(8);
    expect([...used].filter((name) => !Object.hasOwn(metricDefinitions, name as string))).toEqual([]);
  });

  it('each have a runbook that begins with their name, and every runbook belongs to one', () => {
    expect(runbooks).toHaveLength(alerts.length);
    const folder = path('docs/operations/runbooks/');
    expect(runbooks.toSorted()).toEqual(readdirSync(folder).toSorted());
    for (const [at, name] of alerts.entries()) {
      expect(readFileSync(`${folder}${runbooks[at]}`, 'utf8')).toMatch(new RegExp(`^# ${name}\\n`));
    }
  });

  it('are each tested to fire and not to fire', () => {
    for (const name of alerts) {
      expect(tests.match(new RegExp(`alertname: ${name}\\n        exp_alerts:\\n`, 'g')), `${name} fires`).toHaveLength(
        1,
      );
      expect(
        tests.match(new RegExp(`alertname: ${name}\\n        exp_alerts: \\[\\]`, 'g')),
        `${name} rests`,
      ).toHaveLength(1);
    }
  });

  it.skipIf(!hasPromtool && !isStrict)('fire when they must (promtool: apt-get install prometheus)', () => {
    for (const args of [
      ['check', 'config', path('deploy/prometheus/prometheus.yml')],
      ['check', 'rules', '--lint-fatal', path('helm/starling/files/alerts.yml')],
      ['test', 'rules', path('deploy/prometheus/alerts.test.yml')],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
      expect(status, `promtool ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
    }
  });
});

describe('the runbooks', () => {
  it('name only metrics that exist', () => {
    const folder = path('docs/operations/runbooks/');
    for (const file of readdirSync(folder)) {
      const names = [...readFileSync(folder + file, 'utf8').matchAll(/\b((?:starling|grpc)_\w+?)(?:_bucket)?\b/g)];
      const unknown = names.map(([, name]) => name as string).filter((name) => !Object.hasOwn(metricDefinitions, name));
      expect(unknown, file).toEqual([]);
    }
  });

  it('are all linked from the page on Kubernetes, and every link leads somewhere', () => {
    const page = readFileSync(path('docs/operations/kubernetes.md'), 'utf8');
    const links = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link as string);
    expect(links.filter((link) => link.startsWith('runbooks/')).toSorted()).toEqual(
      runbooks.map((name) => `runbooks/${name}`).toSorted(),
    );
    expect(links.filter((link) => !existsSync(path(`docs/operations/${link}`)))).toEqual([]);
  });
});
