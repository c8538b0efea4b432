/**
 * Runs every property test again and again, each time with a new seed, until a time is over or one fails.
 * `npm run fuzz -- [--minutes 10] [--seed N] [FOLDER…]`
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { die, root } from './setup.mjs';

const seedMax = 2 ** 31;
const usage = 'usage: npm run fuzz -- [--minutes 10] [--seed N] [FOLDER…]';

function number(flag: string, text: string | undefined, low: number, high: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= low && value <= high)) die(`--${flag} ${text}: use a number from ${low} to ${high}\n${usage}`, 64);
  return value;
}

function read() {
  try {
    return parseArgs({
      options: { minutes: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
  } catch (error) {
    return die(`${error instanceof Error ? error.message : error}\n${usage}`, 64);
  }
}

const { values, positionals } = read();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const minutes = number('minutes', values.minutes, 0.1, 1_440) ?? 10;
const seedGiven = number('seed', values.seed, -seedMax, seedMax);
const folders = positionals.length > 0 ? positionals : ['libs', 'apps'];
const files = folders.flatMap((folder) =>
  globSync(join(folder, '**/*.prop.spec.ts'), { cwd: root, exclude: (name) => name === 'node_modules' }),
);
if (files.length === 0) die(`no property test (*.prop.spec.ts) in ${folders.join(', ')}`, 64);

const until = performance.now() + minutes * 60_000;
let rounds = 0;
do {
  const seed = seedGiven ?? randomInt(seedMax);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', ...files],
    { cwd: root, encoding: 'utf8', env: { ...process.env, STARLING_PROPERTY_SEED: String(seed) } },
  );
  rounds++;
  if (status !== 0) {
    process.stdout.write(stdout + stderr);
    die(`seed ${seed} fails (round ${rounds}); again: npm run fuzz -- --seed ${seed} ${folders.join(' ')}`);
  }
  console.log(`seed ${seed}: ${files.length} files passed`);
} while (seedGiven === undefined && performance.now() < until);
console.log(`${rounds} passed, 0 failed`);
