/**
 * Starts the built dashboard: `node start.mjs`, in the checkout or inside the image.
 *
 *   PORT                 default 3000
 *   HOSTNAME             default 127.0.0.1; the image sets 0.0.0.0
 *   STARLING_PARENT_PID  stop when this process is gone (also with SIGKILL: nobody else would tell us)
 *
 * SIGTERM and SIGINT end it at once, also with browsers connected: they reconnect by themselves and lose nothing.
 */
import { existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const server = [
  path.join(here, '.next', 'standalone', 'apps', 'dashboard', 'server.js'),
  path.join(here, 'server.js'),
].find((candidate) => existsSync(candidate));

if (server === undefined) fail(69, 'the dashboard is not built: run "npm run build -w @starling/dashboard"');

const port = process.env.PORT ?? '3000';
if (!/^\d+$/.test(port) || Number(port) > 65_535) fail(64, `PORT=${port} is not a port number`);
// A container's runtime sets HOSTNAME to the pod's name, which is no address to listen on by choice.
const host = process.env.HOSTNAME !== undefined && net.isIP(process.env.HOSTNAME) ? process.env.HOSTNAME : '127.0.0.1';

// Next would wait for event streams that never end.
process.env.NEXT_MANUAL_SIG_HANDLE = 'true';
process.env.NEXT_TELEMETRY_DISABLED = '1';
process.env.PORT = port;
process.env.HOSTNAME = host;
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => process.exit(0));

const parent = Number(process.env.STARLING_PARENT_PID ?? 0);
if (parent > 0) {
  setInterval(() => {
    if (!isAlive(parent)) process.exit(0);
  }, 500).unref();
}

await ensureFree(Number(port), host);
await import(pathToFileURL(/** @type {string} */ (server)).href);

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Next prints a stack for a port in use; one line is enough.
 * @param {number} wanted
 * @param {string} address
 */
function ensureFree(wanted, address) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', (error) => {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      fail(69, code === 'EADDRINUSE' ? `port ${wanted} is in use: stop the other program or set PORT` : error.message);
    });
    probe.listen(wanted, address, () => probe.close(() => resolve(undefined)));
  });
}

/**
 * @param {number} code
 * @param {string} message
 * @returns {never}
 */
function fail(code, message) {
  process.stderr.write(`starling-dashboard: ${message}\n`);
  process.exit(code);
}
