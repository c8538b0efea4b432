import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const source = new URL('bytecode.ts', import.meta.url).href;

/** What is left, in a process of its own that runs `before`, of the bytecode of functions that ran once, after many collections. */
function shareLeft(before: string): number {
  const program = `
    import { getHeapCodeStatistics } from 'node:v8';
    import { keepBytecode } from ${JSON.stringify(source)};
    ${before}
    const size = () => getHeapCodeStatistics().bytecode_and_metadata_size;
    const atFirst = size();
    const body = Array.from({ length: 100 }, (_, i) => 'x = x * ' + (i + 1_000) + ' - 1;').join('');
    const functions = Array.from({ length: 500 }, (_, i) => new Function('x', body + 'return ' + i));
    for (const each of functions) each(1);
    const made = size() - atFirst;
    // Collections that a program asks for make nothing older; these it needs.
    let garbage;
    for (let i = 0; i < 200; i++) garbage = new Array(1_000_000).fill(i);
    console.log((size() - atFirst) / made, functions.length, garbage.length);`;
  const args = ['--max-old-space-size=64', '--input-type=module', '-e', program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return Number.parseFloat(stdout);
}

it('bytecode of what has not run for a while is kept, where V8 would drop it', { timeout: 60_000 }, () => {
  expect(shareLeft('')).toBeLessThan(0.3);
  expect(shareLeft('keepBytecode();')).toBeGreaterThan(0.7);
});
