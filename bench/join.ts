/**
 * How long a mesh of real processes takes to form: from the moment that the last of them listens until all are one mesh in which each has
 * three links and knows everybody, seen from outside. `node bench/join.ts --help`
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { LocalMesh, type PeerProcess, type PeerStatus, statusOf } from '../e2e/support/local-mesh.ts';
import { until } from '../e2e/support/poll.ts';
import { untilOneMesh } from './one-mesh.ts';
import { cpuMs } from './processes.ts';
import { row, section, spread } from './report.ts';

const usage = `node bench/join.ts [options]
  --peers N,M      sizes of the meshes (16,50)
  --at-once N      processes that begin together; more than there are cores make each other late (as many as cores)
  --runs N         starts of each size (3)`;

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '16,50' },
    'at-once': { type: 'string', default: String(availableParallelism()) },
    runs: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

const startedAtOnce = Number(values['at-once']);
/** Links that each is to have; in a mesh of fewer peers all others. */
const linksMin = 3;

/** When a process said that it listens, in ms since 1970; null: not yet. */
function listensAt({ output }: PeerProcess): number | null {
  const line = output.split('\n').find((text) => text.includes('"the peer listens"') && text.endsWith('}'));
  return line === undefined ? null : Date.parse((JSON.parse(line) as { readonly time: string }).time);
}

async function join(
  count: number,
): Promise<{ readonly joinedMs: number; readonly allMs: number; readonly cpu: number }> {
  const mesh = await LocalMesh.prepare(count, { STARLING_INSECURE: 'true' });
  try {
    const began = Date.now();
    for (let from = 0; from < count; from += startedAtOnce) {
      const started = mesh.peers.slice(from, from + startedAtOnce);
      for (const { index } of started) mesh.spawn(index);
      await until('they listen', 60_000, () => started.every((peer) => listensAt(peer) !== null));
      // A first look opens the way for it, which is slow: fifty of them at the end would be what is measured.
      if (from + startedAtOnce < count) await Promise.allSettled(started.map(statusOf));
    }
    const lastAt = Math.max(...mesh.peers.map((peer) => listensAt(peer) ?? 0));
    const isSettled = ({ ready, meshSize, neighbors }: PeerStatus): boolean =>
      ready && meshSize === count && neighbors.length >= Math.min(linksMin, count - 1);
    // Before the last ones are settled nobody else is; who is asked all the same has less time for them.
    const last = mesh.peers.slice(-startedAtOnce);
    await until('the last ones are settled', 60_000, async () =>
      (await Promise.all(last.map(statusOf))).every(isSettled),
    );
    await untilOneMesh(mesh.peers, 60_000, isSettled);
    const settledAt = Date.now();
    const cpu = mesh.peers.reduce((sum, { process }) => sum + cpuMs(process.pid as number), 0);
    return { joinedMs: settledAt - lastAt, allMs: settledAt - began, cpu: cpu / count / 1_000 };
  } finally {
    mesh.stop();
  }
}

if (values.help) {
  console.log(usage);
} else {
  section('a mesh forms: median (least … most)');
  for (const count of values.peers.split(',').map(Number)) {
    const runs = [];
    for (let run = 0; run < Number(values.runs); run++) runs.push(await join(count));
    row(`${count} peers, ${startedAtOnce} at once: settled after the last one listens`, [
      `${spread(runs.map(({ joinedMs }) => joinedMs))} ms`,
    ]);
    row('  after the first process began', [
      `${spread(
        runs.map(({ allMs }) => allMs / 1_000),
        1,
      )} s`,
    ]);
    row('  CPU of a peer until then', [
      `${spread(
        runs.map(({ cpu }) => cpu),
        2,
      )} s`,
    ]);
  }
}
