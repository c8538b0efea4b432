#!/usr/bin/env node
// `npx starling` in a checkout: runs the built command under the Node 24 that came with the dependencies.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from '../../../tools/setup.mjs';

const bundle = join(dirname(fileURLToPath(import.meta.url)), '../dist/starling.js');
if (!existsSync(bundle)) {
  process.stderr.write('starling: not built yet: run "npm start" (or "npm run build") once in the checkout\n');
  process.exit(71);
}
const child = spawn(await findNode(), [bundle, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {}); // Ctrl-C reaches the child as well.
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
