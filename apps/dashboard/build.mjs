/**
 * Builds the standalone server and completes it: Next leaves out the static files and our launcher, so that they can come
 * from a CDN. Here there is none.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const here = import.meta.dirname;
const standalone = path.join(here, '.next', 'standalone', 'apps', 'dashboard');
const next = createRequire(import.meta.url).resolve('next/dist/bin/next');

rmSync(path.join(here, '.next', 'standalone'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [next, 'build'], {
  cwd: here,
  stdio: 'inherit',
  env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
});
if (status !== 0) process.exit(status ?? 1);
cpSync(path.join(here, '.next', 'static'), path.join(standalone, '.next', 'static'), { recursive: true });
cpSync(path.join(here, 'start.mjs'), path.join(standalone, 'start.mjs'));
