import type { Millis } from '@starling/kernel';
import type { AttackStrength } from './attacks/adversary.ts';
import { judge, type ReportFailure, type Sample, type ScenarioReport } from './report.ts';
import { scenarios } from './scenarios/registry.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** What the simulator cannot know by itself. The command line gives the process's own, or the thread's. */
export interface Meter {
  /** CPU time so far, in ms. */
  cpuMs(): Millis;
  /** Resident memory in bytes. */
  residentBytes(): number;
}

export interface RunOptions {
  /** Full scale when left out. */
  readonly peers?: number;
  /** The first seed; 1 when left out. */
  readonly seed?: number;
  /** How many seeds; 1 when only `seed` is given. */
  readonly seeds?: number;
  /** The reduced size that `npm test` runs; explicit sizes win. */
  readonly isReduced?: boolean;
  /** Only these of the seed's faults: a shrunk failure. */
  readonly faults?: readonly number[];
  /** Turns the attackers' strength, in scenarios that have some. */
  readonly attack?: Partial<AttackStrength>;
  /** Only this one of the meshes that an attack scenario compares. */
  readonly variant?: string;
}

/** One seed to run. Plain data: it goes to another thread, and a run that is taken up again knows by it what is done. */
export interface SeedTask {
  readonly scenario: string;
  readonly peers: number;
  readonly seed: number;
  readonly faults?: readonly number[];
  readonly attack?: Partial<AttackStrength>;
  readonly variant?: string;
}

/** What of a run's options beside size and seeds concerns the scenario. */
export function takenBy(scenario: Scenario, options: RunOptions): Pick<RunOptions, 'faults' | 'attack' | 'variant'> {
  const { faults, attack = {}, variant } = options;
  const turned = (scenario.strength ?? []).filter((name) => attack[name] !== undefined);
  return {
    ...(faults === undefined || !scenario.hasFaults ? {} : { faults }),
    ...(turned.length === 0 ? {} : { attack: Object.fromEntries(turned.map((name) => [name, attack[name]])) }),
    ...(variant === undefined || !scenario.variants?.includes(variant) ? {} : { variant }),
  };
}

/** What became of a seed. Plain data too. */
export interface SeedResult {
  readonly sample: Sample;
  readonly failure: ReportFailure | null;
  /** CPU time of the run, without that of shrinking a failure; null without a meter. */
  readonly cpuMs: Millis | null;
}

/** The scenario of that name; undefined when there is none. */
export function findScenario(name: string): Scenario | undefined {
  return scenarios.find((scenario) => scenario.name === name);
}

/**
 * The seeds that a run consists of, in order. Options that do not concern the scenario are left out, so that no report names
 * what had no effect. Throws RangeError for an unknown name.
 */
export function planRun(name: string, options: RunOptions = {}): SeedTask[] {
  const { peers, seed, seeds, isReduced } = options;
  const scenario = scenarioOf(name);
  const { faults, attack, variant } = takenBy(scenario, options);
  const size = isReduced ? scenario.reduced : scenario;
  const count = seeds ?? (seed === undefined ? size.seeds : 1);
  return Array.from({ length: count }, (_, i) => ({
    scenario: name,
    peers: peers ?? size.peers,
    seed: (seed ?? 1) + i,
    ...(faults === undefined ? {} : { faults }),
    ...(attack === undefined ? {} : { attack }),
    ...(variant === undefined ? {} : { variant }),
  }));
}

/** Runs one seed, and looks for a smaller run that fails as well when it broke something. The task alone decides the result. */
export function runSeed(task: SeedTask, meter?: Meter): SeedResult {
  const { scenario: name, peers, seed, faults, attack, variant } = task;
  const scenario = scenarioOf(name);
  const begun = meter?.cpuMs() ?? 0;
  const sample = scenario.run(peers, seed, {
    ...(faults === undefined ? {} : { faults }),
    ...(attack === undefined ? {} : { attack }),
    ...(variant === undefined ? {} : { variant }),
  });
  const cpuMs = meter === undefined ? null : Math.max(1, meter.cpuMs() - begun);
  const failure = failureOf(scenario, task, sample);
  if (meter === undefined || cpuMs === null) return { sample, failure, cpuMs };
  const values = {
    ...sample.values,
    cpuSeconds: cpuMs / 1_000,
    megaEventsPerSecond: sample.events / cpuMs / 1_000,
    residentMiB: meter.residentBytes() / 2 ** 20,
  };
  return { sample: { ...sample, values }, failure, cpuMs };
}

/** Judges the results of all seeds of one plan, in its order. */
export function reportOf(tasks: readonly SeedTask[], results: readonly SeedResult[]): ScenarioReport {
  const [first] = tasks;
  if (first === undefined) throw new RangeError('a run has at least one seed');
  const { name, about, engine, setup, goals } = scenarioOf(first.scenario);
  const samples = results.map(({ sample }) => sample);
  const failures = results.map(({ failure }) => failure).filter((failure) => failure !== null);
  const rows = judge(goals, samples, first.peers);
  const cpuMs = results.reduce<Millis | null>(
    (sum, result) => (sum === null || result.cpuMs === null ? null : sum + result.cpuMs),
    0,
  );
  return {
    name,
    about,
    engine,
    setup: `${setup}${otherThanUsual(first.attack)}`,
    peers: first.peers,
    seeds: tasks.map(({ seed }) => seed),
    rows,
    failures,
    traceHashes: samples.map(({ traceHash }) => traceHash),
    events: samples.reduce((sum, { events }) => sum + events, 0),
    cpuMs,
    isMet: failures.length === 0 && rows.every(({ verdict }) => verdict !== 'MISSED'),
  };
}

/** What was asked for instead of what a scenario's setup says. */
function otherThanUsual(attack: SeedTask['attack']): string {
  if (attack === undefined) return '';
  const options = {
    attackers: attack.attackersPercent,
    requests: attack.requests,
    poison: attack.poison,
    cycles: attack.cycles,
  };
  const asked = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : `--${name} ${value}`));
  return asked.length === 0 ? '' : `; but here ${asked.join(' ')}`;
}

/** Runs a scenario over its seeds, one after the other, and judges it. Throws RangeError for an unknown name. */
export function runScenario(name: string, options: RunOptions = {}, meter?: Meter): ScenarioReport {
  const tasks = planRun(name, options);
  return reportOf(
    tasks,
    tasks.map((task) => runSeed(task, meter)),
  );
}

/** The command that runs this very seed again. */
export function replayCommand(name: string, peers: number, seed: number): string {
  return `npx starling sim ${name} --seed ${seed} --peers ${peers}`;
}

function scenarioOf(name: string): Scenario {
  const scenario = findScenario(name);
  if (scenario === undefined) throw new RangeError(`there is no scenario ${name}`);
  return scenario;
}

function failureOf(scenario: Scenario, { peers, seed, faults }: SeedTask, sample: Sample): ReportFailure | null {
  const [violation] = sample.violations;
  if (violation === undefined) return null;
  const shrunk = faults === undefined ? (scenario.shrink?.(peers, seed) ?? '') : '';
  return {
    seed,
    violation,
    replay: replayCommand(scenario.name, peers, seed),
    shrunk: shrunk === '' ? '' : `npx starling sim ${scenario.name} ${shrunk}`,
  };
}
