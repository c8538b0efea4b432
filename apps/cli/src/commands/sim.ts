import { findScenario, formatReport, runScenario, type ScenarioReport, scenarios } from '@starling/sim';
import { CliError, exitCode } from '../exit-codes.ts';
import { json, table } from '../output.ts';
import { wholeNumber } from '../session.ts';

export interface SimOptions {
  readonly list: boolean;
  readonly full: boolean;
  readonly reduced: boolean;
  readonly peers?: string;
  readonly seed?: string;
  readonly seeds?: string;
  readonly faults?: string;
  readonly output: 'table' | 'json';
}

const meter = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  residentBytes: () => process.memoryUsage.rss(),
};

/** Runs one scenario, or with `paper` all of them. Exit code 1 when a goal is missed or an invariant broken. */
export async function sim(name: string | undefined, options: SimOptions): Promise<number> {
  if (options.list || name === undefined) {
    if (options.output === 'json')
      console.log(
        json(
          scenarios.map(({ name, about, peers, seeds }) => ({ name, about, peers, seeds })),
          2,
        ),
      );
    else
      console.log(
        `${table(
          ['SCENARIO', 'PEERS', 'SEEDS', 'ASKS'],
          scenarios.map(({ name, about, peers, seeds }) => [name, String(peers), String(seeds), about]),
        )}\n\npaper runs them all: at the size of npm test, or with --full at their own (hours)`,
      );
    return exitCode.ok;
  }
  const names = name === 'paper' ? scenarios.map((scenario) => scenario.name) : [name];
  if (name !== 'paper' && findScenario(name) === undefined) {
    throw new CliError(`there is no scenario "${name}": npx starling sim --list shows them`, exitCode.usage);
  }
  const reports: ScenarioReport[] = [];
  for (const each of names) {
    const report = runScenario(each, {
      ...(options.peers === undefined ? {} : { peers: wholeNumber('--peers', options.peers, 2, 1_000_000) }),
      ...(options.seed === undefined ? {} : { seed: wholeNumber('--seed', options.seed, 0, 0xffff_ffff) }),
      ...(options.seeds === undefined ? {} : { seeds: wholeNumber('--seeds', options.seeds, 1, 1_000_000) }),
      ...(options.faults === undefined
        ? {}
        : { faults: options.faults.split(',').map((text) => wholeNumber('--faults', text, 0, 10_000)) }),
      isReduced: options.reduced || (name === 'paper' && !options.full),
      meter,
      onSeed: (scenario, seed) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${scenario.name}, seed ${seed} …`);
      },
    });
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    reports.push(report);
    if (options.output !== 'json') console.log(formatReport(report));
  }
  if (options.output === 'json') console.log(json(reports, 2));
  return reports.every((report) => report.isMet) ? exitCode.ok : exitCode.incomplete;
}
