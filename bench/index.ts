/** Runs every benchmark, one after the other, with the machine on top. `npm run bench -- link` runs those whose name holds a word. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machine } from './report.ts';

const all = ['bench/link.ts', 'bench/mesh.ts', 'libs/core/plumtree/bench.ts', 'libs/sim/bench.ts'];
const words = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));

console.log(machine());
let code = 0;
for (const file of all) {
  if (!existsSync(`${root}/${file}`) || (words.length > 0 && !words.some((word) => file.includes(word)))) continue;
  code ||= spawnSync(process.execPath, [file], { cwd: root, stdio: 'inherit' }).status ?? 1;
}
process.exitCode = code;
