import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatReport } from './report.ts';
import { planRun, reportOf, runScenario, runSeed } from './runner.ts';
import { scenarios } from './scenarios/registry.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** Fails with every seed that is a multiple of three, whatever its size. */
const planted: Scenario = {
  name: 'planted',
  about: 'whether a failure is told',
  engine: 'event',
  setup: '',
  peers: 10,
  seeds: 4,
  cpuSeconds: 0,
  reduced: { peers: 4, seeds: 2 },
  goals: [],
  strength: ['attackersPercent', 'cycles'],
  variants: ['one', 'other'],
  run: (_peers, seed) => ({
    seed,
    values: {},
    traceHash: `hash${seed}`,
    violations: seed % 3 === 0 ? ['it broke'] : [],
    events: 1,
  }),
  shrink: (_peers, seed) => `--seed ${seed} --peers 2`,
};

beforeEach(() => void (scenarios as Scenario[]).push(planted));
afterEach(() => void (scenarios as Scenario[]).pop());

describe('a run', () => {
  it('is planned at full or reduced size, and by explicit sizes', () => {
    const sizes = (options: Parameters<typeof planRun>[1]) =>
      planRun('planted', options).map(({ peers, seed }) => `${seed}:${peers}`);
    expect(sizes({})).toEqual(['1:10', '2:10', '3:10', '4:10']);
    expect(sizes({ isReduced: true })).toEqual(['1:4', '2:4']);
    expect(sizes({ seed: 7, peers: 3 })).toEqual(['7:3']);
    expect(sizes({ seed: 7, seeds: 2, isReduced: true })).toEqual(['7:4', '8:4']);
  });

  it('tells of each seed that failed how to replay it, whole and shrunk', () => {
    const text = formatReport(runScenario('planted'));
    expect(text).toContain('FAILED with seed 3: it broke');
    expect(text).toContain('replay: npx starling sim planted --seed 3 --peers 10');
    expect(text).toContain('shrunk: npx starling sim planted --seed 3 --peers 2');
    expect(text).not.toContain('seed 4:');
    expect(runScenario('planted').isMet).toBe(false);
    expect(runScenario('planted', { seeds: 2 }).isMet).toBe(true);
  });

  it('says with what it was run instead of what the scenario says', () => {
    const text = formatReport(runScenario('planted', { seeds: 1, attack: { attackersPercent: 80, cycles: 5 } }));
    expect(text).toContain('; but here --attackers 80 --cycles 5');
    expect(formatReport(runScenario('planted', { seeds: 1 }))).not.toContain('but here');
  });

  it('leaves out what does not concern the scenario, and does not say that it was run with it', () => {
    const [task] = planRun('planted', { attack: { poison: 3 }, variant: 'neither', faults: [1] });
    expect(task).toEqual({ scenario: 'planted', peers: 10, seed: 1 });
    const [own] = planRun('planted', { attack: { poison: 3, cycles: 5 }, variant: 'other' });
    expect(own).toEqual({ scenario: 'planted', peers: 10, seed: 1, attack: { cycles: 5 }, variant: 'other' });
    expect(formatReport(runScenario('planted', { attack: { poison: 3 } }))).not.toContain('but here');
  });

  it('does not shrink what was shrunk already', () => {
    expect(runSeed({ scenario: 'planted', peers: 10, seed: 3, faults: [0] }).failure?.shrunk).toBe('');
  });

  it('is fingerprinted by all of its seeds', () => {
    const tasks = planRun('planted', { seeds: 5 });
    const results = tasks.map((task) => runSeed(task));
    const last = (text: string) => text.trim().split('\n').at(-1);
    const trace = last(formatReport(reportOf(tasks, results)));
    expect(trace).toMatch(/^trace hash1 hash2 hash3 …, all [0-9a-f]{16};/);
    const [first, ...rest] = results;
    if (first === undefined) throw new Error('five seeds ran');
    const other = [...rest.slice(0, 3), { ...first, sample: { ...first.sample, traceHash: 'other' } }];
    expect(last(formatReport(reportOf(tasks, [first, ...other])))).not.toBe(trace);
  });
});
