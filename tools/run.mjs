// The two commands of a newcomer, `npm start` and `npm test`, on a machine with nothing but Node ≥ 20 and npm.
// Plain JavaScript without dependencies: it runs before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseUpOptions, upUsage } from '../apps/cli/src/up-options.mjs';
import { die, findNode, install, root, step, steps } from './setup.mjs';
import { stopWhenAncestorsEnd } from './watch-ancestors.mjs';

const [command, ...args] = process.argv.slice(2);

/** What is built from what: Nx decides from its cache which of them need it. */
const products = ['@starling/peer', '@starling/cli', '@starling/dashboard'];

async function main() {
  switch (command) {
    case 'start':
      return start();
    case 'test':
      return test();
    case 'build':
      await install();
      return build(products);
    case 'bench':
      await install();
      if (!args.includes('--help')) await build(['@starling/peer']);
      return step('benchmarks', await findNode(), ['bench/index.ts', ...args], { quiet: false });
    default:
      die(`unknown command "${command ?? ''}": use start, test, build or bench`);
  }
}

async function start() {
  const options = parseUpOptions(args);
  if (options.help) return void console.log(upUsage);
  if (options.problem) die(`${options.problem}\n${upUsage}`, 64);
  await install();
  await build(options.dashboard ? products : products.filter((name) => name !== '@starling/dashboard'));
  const up = spawn(await findNode(), [join(root, 'apps/cli/dist/starling.js'), 'up', ...args], {
    stdio: 'inherit',
    env: { ...process.env, STARLING_PARENT_PID: String(process.pid) },
  });
  // npm passes no signal on, and a killed npm leaves no signal at all: so watch it.
  const stop = () => up.kill('SIGTERM');
  stopWhenAncestorsEnd(stop);
  // Ctrl-C reaches the whole foreground group: `up` has it already and needs no second one.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  up.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : 0)));
}

async function build(names) {
  await step(`build ${names.join(', ')}`, join(root, 'node_modules/.bin/nx'), [
    'run-many',
    '-t',
    'build',
    '-p',
    names.join(','),
    '--outputStyle=static',
    `--parallel=${Math.max(1, Math.min(3, cpus().length))}`,
  ]);
}

async function test() {
  await install();
  const node = await findNode();
  const bin = (name) => join(root, 'node_modules/.bin', name);
  await step('format and lint', bin('biome'), ['ci', '--error-on-warnings', '.']);
  await step('module boundaries', node, ['tools/boundaries.ts']);
  await step('types of the pure libs (no Node, no DOM)', bin('tsc'), ['-p', 'tsconfig.core.json']);
  await step('types', bin('tsc'), ['-p', 'tsconfig.json']);
  if (existsSync(join(root, 'load-tests/tsconfig.json')))
    await step('types of the load tests', bin('tsc'), ['-p', 'load-tests/tsconfig.json']);
  await step('protocol definitions', bin('buf'), ['lint', 'libs/wire/proto']);
  await build(products);
  await step('tests', node, ['tools/test.mjs', ...args], { quiet: false });
  console.log(`\n${steps()}`);
}

await main();
