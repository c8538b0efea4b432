/** Runs every benchmark, one after the other, with the machine on top. `npm run bench -- --help` */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machine } from './report.ts';

interface Benchmark {
  readonly file: string;
  /** What it tells, and how long that takes on two idle cores. */
  readonly about: string;
  /** Given options of its own when it is run alone. */
  readonly hasOptions: boolean;
}

const benchmarks: readonly Benchmark[] = [
  {
    file: 'bench/link.ts',
    about: 'one link against raw grpc-js: messages/s, MB/s, CPU per message (1.5 min)',
    hasOptions: true,
  },
  {
    file: 'bench/mesh.ts',
    about: 'real peers: start, memory, broadcast paced and saturated (4 min)',
    hasOptions: true,
  },
  {
    file: 'bench/heal.ts',
    about: 'real peers: from kill -9 of half of them to one mesh again (5 min)',
    hasOptions: true,
  },
  {
    file: 'bench/join.ts',
    about: 'real peers: from the last start to one mesh in which all know each other (2 min)',
    hasOptions: true,
  },
  {
    file: 'bench/lookup.ts',
    about: 'exact lookups on real peers: get and put, with few holders of a key and with many (4 min)',
    hasOptions: true,
  },
  {
    file: 'bench/search-index.ts',
    about: 'engines of the local index over 100,000 glosses of WordNet (1 min)',
    hasOptions: true,
  },
  {
    file: 'bench/bulk-load.ts',
    about: 'a real peer whose index is loaded: the longest turns of its event loop, in processor time (1 min)',
    hasOptions: true,
  },
  { file: 'libs/core/plumtree/bench.ts', about: 'the broadcast core alone: messages/s (20 s)', hasOptions: false },
  { file: 'libs/sim/bench.ts', about: 'the simulator: events/s, memory per peer (1 min)', hasOptions: false },
];

const usage = `npm run bench                            every benchmark
npm run bench -- WORD...                 those whose file holds a word: link, mesh, heal, join, lookup, search, plumtree, sim
npm run bench -- WORD [options]          one of them, with its own options; WORD --help tells them

${benchmarks.map(({ file, about }) => `  ${file.padEnd(30)} ${about}`).join('\n')}

Each says what was seen in several rounds: the median, and the least and the most. Processor time says more than rates on a
machine that does other things beside; \`npm run bench -- mesh --against FILE\` compares two builds in one run.`;

const args = process.argv.slice(2);
const firstOption = args.findIndex((arg) => arg.startsWith('-'));
const words = firstOption < 0 ? args : args.slice(0, firstOption);
const options = firstOption < 0 ? [] : args.slice(firstOption);
const chosen = benchmarks.filter(({ file }) => words.length === 0 || words.some((word) => file.includes(word)));
const [only] = chosen;

if (words.length === 0 && options.length > 0) {
  const isHelp = options[0] === '--help';
  console[isHelp ? 'log' : 'error'](usage);
  process.exitCode = isHelp ? 0 : 64;
} else if (only === undefined || (options.length > 0 && (chosen.length > 1 || !only.hasOptions))) {
  console.error(only === undefined ? `no benchmark is called "${words.join(' ')}"` : 'options are for one benchmark');
  console.error(usage);
  process.exitCode = 64;
} else {
  if (!options.includes('--help')) console.log(machine());
  const root = fileURLToPath(new URL('..', import.meta.url));
  for (const { file } of chosen) {
    const { status } = spawnSync(process.execPath, [file, ...options], { cwd: root, stdio: 'inherit' });
    process.exitCode ||= status ?? 1;
  }
}
