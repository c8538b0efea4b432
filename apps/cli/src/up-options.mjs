// Plain JavaScript: tools/run.mjs reads the flags of `npm start` with it before anything is installed or built, so that a
// mistyped flag is said at once and not after a minute of building.
import { parseArgs } from 'node:util';

/** Each peer is a process of about 100 MB. */
const peersMax = 200;

export const upUsage = `usage: npm start -- [--peers N] [--no-dashboard] [--dashboard-port P] [--base-port P] [--data DIR] [--insecure] [--signed]
       starling up [the same]

  --peers N           peers to start, 1 to ${peersMax} (default 8)
  --base-port P       peer i listens on P+10i links, P+10i+1 gRPC API, P+10i+2 HTTP (default 7400)
  --no-dashboard      peers only
  --dashboard-port P  where the dashboard listens (default 3000)
  --data DIR          keep keys, caches and logs there (default .starling/)
  --insecure          no encryption, and nobody proves who they are
  --signed            messages are signed by whoever publishes them, so that no peer can forge or alter another's
  --help              this text`;

/**
 * Reads the flags of `up`. `problem` is a sentence for a person, or absent.
 * @param {readonly string[]} args
 * @returns {{ peers: number, basePort: number, dashboard: boolean, dashboardPort: number, data: string, insecure: boolean, signed: boolean, help: boolean, problem?: string }}
 */
export function parseUpOptions(args) {
  const options = {
    peers: 8,
    basePort: 7400,
    dashboard: true,
    dashboardPort: 3000,
    data: '.starling',
    insecure: false,
    signed: false,
    help: false,
  };
  let values;
  try {
    values = parseArgs({
      args: [...args],
      options: {
        peers: { type: 'string' },
        'base-port': { type: 'string' },
        'no-dashboard': { type: 'boolean' },
        'dashboard-port': { type: 'string' },
        data: { type: 'string' },
        insecure: { type: 'boolean' },
        signed: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('. ')[0] : String(error);
    return { ...options, problem: reason };
  }
  const whole = (flag, text, low, high) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return number >= low && number <= high ? number : `--${flag} ${text}: use a whole number from ${low} to ${high}`;
  };
  const read = [];
  if (values.peers !== undefined) read.push(['peers', whole('peers', values.peers, 1, peersMax)]);
  if (values['base-port'] !== undefined) read.push(['basePort', whole('base-port', values['base-port'], 1024, 65_000)]);
  if (values['dashboard-port'] !== undefined)
    read.push(['dashboardPort', whole('dashboard-port', values['dashboard-port'], 1, 65_535)]);
  for (const [name, value] of read) {
    if (typeof value === 'string') return { ...options, problem: value };
    options[name] = value;
  }
  if (values.data !== undefined) options.data = values.data;
  if (values['no-dashboard']) options.dashboard = false;
  if (values.insecure) options.insecure = true;
  if (values.signed) options.signed = true;
  if (values.help) options.help = true;
  if (options.basePort + 10 * (options.peers - 1) + 2 > 65_535) {
    return {
      ...options,
      problem: `--base-port ${options.basePort} leaves no room for ${options.peers} peers below port 65536`,
    };
  }
  const last = options.basePort + 10 * (options.peers - 1) + 2;
  const clash =
    options.dashboardPort >= options.basePort &&
    options.dashboardPort <= last &&
    (options.dashboardPort - options.basePort) % 10 <= 2;
  if (options.dashboard && clash) {
    return { ...options, problem: `--dashboard-port ${options.dashboardPort} is also a peer's port: choose another` };
  }
  return options;
}
