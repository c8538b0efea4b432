import type { Millis } from '@starling/kernel';
import { judge, type ReportFailure, type Sample, type ScenarioReport } from './report.ts';
import { scenarios } from './scenarios/registry.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** What the simulator cannot know by itself. The command line gives the process's own. */
export interface Meter {
  /** CPU time of the process so far, in ms. */
  cpuMs(): Millis;
  /** Resident memory in bytes. */
  residentBytes(): number;
}

export interface RunOptions {
  /** Full scale when left out. */
  readonly peers?: number;
  /** The first seed; 1 when left out. */
  readonly seed?: number;
  /** How many seeds, one after the other; 1 when only `seed` is given. */
  readonly seeds?: number;
  /** The reduced size that `npm test` runs; explicit sizes win. */
  readonly isReduced?: boolean;
  /** Only these of the seed's faults: a shrunk failure. */
  readonly faults?: readonly number[];
  readonly meter?: Meter;
  /** Told before each seed. */
  readonly onSeed?: (scenario: Scenario, seed: number) => void;
}

/** The scenario of that name; undefined when there is none. */
export function findScenario(name: string): Scenario | undefined {
  return scenarios.find((scenario) => scenario.name === name);
}

/** Runs a scenario over its seeds and judges it. Throws RangeError for an unknown name. */
export function runScenario(name: string, options: RunOptions = {}): ScenarioReport {
  const scenario = findScenario(name);
  if (scenario === undefined) throw new RangeError(`there is no scenario ${name}`);
  const size = options.isReduced ? scenario.reduced : scenario;
  const peers = options.peers ?? size.peers;
  const first = options.seed ?? 1;
  const count = options.seeds ?? (options.seed === undefined ? size.seeds : 1);
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const samples: Sample[] = [];
  const failures: ReportFailure[] = [];
  const begun = options.meter?.cpuMs() ?? 0;
  for (const seed of seeds) {
    options.onSeed?.(scenario, seed);
    const sample = measured(scenario, peers, seed, options);
    samples.push(sample);
    for (const violation of sample.violations.slice(0, 1)) {
      const shrunk = options.faults === undefined ? (scenario.shrink?.(peers, seed) ?? '') : '';
      failures.push({
        seed,
        violation,
        replay: replayCommand(name, peers, seed),
        shrunk: shrunk === '' ? '' : `npx starling sim ${name} ${shrunk}`,
      });
    }
  }
  const rows = judge(scenario.goals, samples, peers);
  return {
    name,
    about: scenario.about,
    engine: scenario.engine,
    setup: scenario.setup,
    peers,
    seeds,
    rows,
    failures,
    traceHashes: samples.map(({ traceHash }) => traceHash),
    events: samples.reduce((sum, { events }) => sum + events, 0),
    cpuMs: options.meter === undefined ? null : options.meter.cpuMs() - begun,
    isMet: failures.length === 0 && rows.every(({ verdict }) => verdict !== 'MISSED'),
  };
}

/**
 * The full table: every scenario at the papers' scale, or (`isReduced`) at the tests'. Told of each report as it comes, for
 * the whole takes hours.
 */
export function runPaper(options: RunOptions, onReport: (report: ScenarioReport) => void): void {
  for (const { name } of scenarios) onReport(runScenario(name, options));
}

/** The command that runs this very seed again. */
export function replayCommand(name: string, peers: number, seed: number): string {
  return `npx starling sim ${name} --seed ${seed} --peers ${peers}`;
}

function measured(scenario: Scenario, peers: number, seed: number, { meter, faults }: RunOptions): Sample {
  const variation = faults === undefined ? {} : { faults };
  if (meter === undefined) return scenario.run(peers, seed, variation);
  const begun = meter.cpuMs();
  const sample = scenario.run(peers, seed, variation);
  const cpuMs = Math.max(1, meter.cpuMs() - begun);
  const values = {
    ...sample.values,
    cpuSeconds: cpuMs / 1_000,
    megaEventsPerSecond: sample.events / cpuMs / 1_000,
    residentMiB: meter.residentBytes() / 2 ** 20,
  };
  return { ...sample, values };
}
