import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import {
  type AttackStrength,
  findScenario,
  formatReport,
  planRun,
  type RunOptions,
  reportOf,
  type Scenario,
  type ScenarioReport,
  type SeedResult,
  type SeedTask,
  scenarios,
  takenBy,
} from '@starling/sim';
import { CliError, exitCode } from '../exit-codes.ts';
import { counted, json, table } from '../output.ts';
import { Journal } from '../seeds/journal.ts';
import { runSeeds } from '../seeds/pool.ts';
import { workerEntry } from '../seeds/worker.ts';
import { wholeNumber } from '../session.ts';

export interface SimOptions {
  readonly list: boolean;
  readonly full: boolean;
  readonly reduced: boolean;
  readonly peers?: string;
  readonly seed?: string;
  readonly seeds?: string;
  readonly faults?: string;
  readonly attackers?: string;
  readonly requests?: string;
  readonly poison?: string;
  readonly cycles?: string;
  readonly variant?: string;
  readonly jobs?: string;
  readonly resume?: string;
  readonly output: 'table' | 'json';
}

/** Runs one scenario, or all that a word stands for. Exit code 1 when a goal is missed or an invariant broken. */
export async function sim(name: string | undefined, options: SimOptions): Promise<number> {
  if (options.list || name === undefined) {
    list(options);
    return exitCode.ok;
  }
  const plans = plansOf(name, options);
  const jobs = options.jobs === undefined ? availableParallelism() : wholeNumber('--jobs', options.jobs, 1, 1_024);
  const journal = options.resume === undefined ? null : new Journal(options.resume, build());
  if (name === 'paper' && options.full) process.stderr.write(`${outlook(plans, jobs)}\n`);
  const reports: ScenarioReport[] = [];
  await runPlans(plans, jobs, journal, (report) => {
    reports.push(report);
    if (options.output !== 'json') console.log(formatReport(report));
  });
  if (options.output === 'json') console.log(json(reports, 2));
  return reports.every((report) => report.isMet) ? exitCode.ok : exitCode.incomplete;
}

function list({ output }: SimOptions): void {
  if (output === 'json') {
    console.log(
      json(
        scenarios.map(({ name, about, peers, seeds, cpuSeconds }) => ({ name, about, peers, seeds, cpuSeconds })),
        2,
      ),
    );
    return;
  }
  const rows = scenarios.map(({ name, peers, seeds, cpuSeconds, about }) =>
    [name, peers, seeds, cpuSeconds, about].map(String),
  );
  console.log(table(['SCENARIO', 'PEERS', 'SEEDS', 'CPU-S/SEED', 'ASKS'], rows));
  console.log(
    '\npaper runs them all: at the size of npm test, or with --full at their own; search runs those that look for something, attacks those of attackers',
  );
}

/** The seeds of each scenario that is asked for. What is measured alone comes first, while this process is still small. */
function plansOf(name: string, options: SimOptions): SeedTask[][] {
  const asked = askedFor(name);
  if (asked.length === 0) {
    throw new CliError(`there is no scenario "${name}": npx starling sim --list shows them`, exitCode.usage);
  }
  const { peers, seed, seeds } = options;
  const run = {
    ...(peers === undefined ? {} : { peers: wholeNumber('--peers', peers, 2, 1_000_000) }),
    ...(seed === undefined ? {} : { seed: wholeNumber('--seed', seed, 0, 0xffff_ffff) }),
    ...(seeds === undefined ? {} : { seeds: wholeNumber('--seeds', seeds, 1, 1_000_000) }),
    ...(options.faults === undefined ? {} : { faults: faultNumbers(options.faults) }),
    ...attackOf(options),
    ...(options.variant === undefined ? {} : { variant: options.variant }),
    isReduced: options.reduced || (name === 'paper' && !options.full),
  };
  refuseIdle(name, asked, run);
  const alone = asked.filter((scenario) => scenario.isMeasuredAlone);
  const others = asked.filter((scenario) => !scenario.isMeasuredAlone);
  return [...alone, ...others].map((scenario) => planRun(scenario.name, run));
}

/** The scenarios that a word stands for. */
function askedFor(word: string): readonly Scenario[] {
  if (word === 'paper') return scenarios;
  if (word === 'search') return scenarios.filter(({ name }) => /^(?:search|dht|aggregate)\//.test(name));
  if (word === 'attacks') return scenarios.filter(({ name }) => /^(?:attack|sybil)\//.test(name));
  return scenarios.filter(({ name }) => name === word);
}

const strengthFlags: Readonly<Record<keyof AttackStrength, string>> = {
  attackersPercent: '--attackers',
  requests: '--requests',
  poison: '--poison',
  cycles: '--cycles',
};

/** What of an attack's strength the command line sets. */
function attackOf({ attackers, requests, poison, cycles }: SimOptions): { readonly attack?: Partial<AttackStrength> } {
  const attack = {
    ...(attackers === undefined ? {} : { attackersPercent: wholeNumber('--attackers', attackers, 0, 99) }),
    ...(requests === undefined ? {} : { requests: wholeNumber('--requests', requests, 0, 1_000) }),
    ...(poison === undefined ? {} : { poison: wholeNumber('--poison', poison, 0, 1_000) }),
    ...(cycles === undefined ? {} : { cycles: wholeNumber('--cycles', cycles, 1, 100_000) }),
  };
  return Object.keys(attack).length === 0 ? {} : { attack };
}

/** An option that changes none of the scenarios is a mistake: without a word it would seem to have been tried. */
function refuseIdle(word: string, asked: readonly Scenario[], { attack = {}, variant, faults }: RunOptions): void {
  const isIdle = (option: RunOptions) => asked.every((one) => Object.keys(takenBy(one, option)).length === 0);
  const refuse = (what: string): never => {
    throw new CliError(`${what} does not concern ${word}`, exitCode.usage);
  };
  for (const name of Object.keys(attack) as (keyof AttackStrength)[]) {
    if (isIdle({ attack: { [name]: attack[name] } })) refuse(strengthFlags[name]);
  }
  if (faults !== undefined && isIdle({ faults })) refuse('--faults');
  if (variant === undefined || !isIdle({ variant })) return;
  const known = new Set(asked.flatMap(({ variants = [] }) => variants));
  if (known.size === 0) refuse('--variant');
  throw new CliError(`--variant ${variant}: ${word} compares ${[...known].join(', ')}`, exitCode.usage);
}

/** `none`: all of a seed's faults could be left out and it still failed. */
function faultNumbers(text: string): number[] {
  return text === 'none' ? [] : text.split(',').map((number) => wholeNumber('--faults', number, 0, 10_000));
}

/** Runs the plans, and tells each report as soon as it and all before it are complete. */
async function runPlans(
  plans: readonly SeedTask[][],
  jobs: number,
  journal: Journal | null,
  onReport: (report: ScenarioReport) => void,
): Promise<void> {
  const results = plans.map((tasks) => tasks.map((task) => journal?.get(task)));
  const total = results.reduce((sum, { length }) => sum + length, 0);
  let reported = 0;
  const report = (): void => {
    for (; reported < plans.length; reported++) {
      const complete = results[reported]?.filter((result) => result !== undefined) ?? [];
      if (complete.length < (results[reported]?.length ?? 0)) return;
      onReport(reportOf(plans[reported] as SeedTask[], complete));
    }
  };
  const run = async (places: readonly Place[], jobs: number): Promise<void> => {
    const missing = places.filter(({ plan, at }) => results[plan]?.[at] === undefined);
    if (missing.length === 0) return;
    progress(results, total);
    await runSeeds(
      missing.map(({ task }) => task),
      jobs,
      (index, result) => {
        const { plan, at, task } = missing[index] as Place;
        (results[plan] as (SeedResult | undefined)[])[at] = result;
        journal?.add(task, result);
        if (result.failure !== null) note(`${task.scenario}, seed ${task.seed}: ${result.failure.violation}`);
        report();
        progress(results, total);
      },
    );
  };
  const places = plans.flatMap((tasks, plan) => tasks.map((task, at) => ({ plan, at, task })));
  const isAlone = ({ task }: Place): boolean => findScenario(task.scenario)?.isMeasuredAlone === true;
  report();
  await run(places.filter(isAlone), 1);
  await run(
    places.filter((place) => !isAlone(place)),
    jobs,
  );
  note('');
}

interface Place {
  readonly plan: number;
  readonly at: number;
  readonly task: SeedTask;
}

/** A line that stays, above the progress. */
function note(line: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  if (line !== '') process.stderr.write(`${line}\n`);
}

function progress(results: readonly (readonly (SeedResult | undefined)[])[], total: number): void {
  if (!process.stderr.isTTY) return;
  const done = results.flat().filter((result) => result !== undefined).length;
  process.stderr.write(`\r\u001b[K${done} of ${counted(total, 'seed')} …`);
}

/** What a full run takes, said before it begins. */
function outlook(plans: readonly SeedTask[][], jobs: number): string {
  const costs = plans.map((tasks) => {
    const { cpuSeconds, isMeasuredAlone } = findScenario(tasks[0]?.scenario ?? '') as Scenario;
    return { seconds: tasks.length * cpuSeconds, jobs: isMeasuredAlone ? 1 : jobs };
  });
  const seeds = plans.reduce((sum, { length }) => sum + length, 0);
  const minutes = costs.reduce((sum, { seconds, jobs }) => sum + seconds / 60 / jobs, 0);
  const cpu = costs.reduce((sum, { seconds }) => sum + seconds / 60, 0);
  return `${counted(plans.length, 'scenario')}, ${counted(seeds, 'seed')}: about ${Math.ceil(cpu)} minutes of CPU at full size, ${Math.ceil(minutes)} minutes on ${counted(jobs, 'free core')}`;
}

/** Tells builds apart by what the threads run. */
function build(): string {
  if (workerEntry.pathname.endsWith('.ts')) throw new CliError('--resume needs the built command', exitCode.usage);
  return createHash('sha256').update(readFileSync(workerEntry)).digest('hex').slice(0, 16);
}
