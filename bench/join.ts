/**
 * How long a mesh of real processes takes to form: from the moment that the last of them listens until all are one mesh in which each has
 * three links and knows everybody, seen from outside. `node bench/join.ts --help`
 */
import { parseArgs } from 'node:util';
import { LocalMesh, type PeerProcess, type PeerStatus, partsOf, statusOf } from '../e2e/support/local-mesh.ts';
import { until } from '../e2e/support/poll.ts';
import { cpuMs } from './processes.ts';
import { row, section, spread } from './report.ts';

const usage = `node bench/join.ts [options]
  --peers N,M      sizes of the meshes (16,50)
  --runs N         starts of each size (3)`;

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '16,50' },
    runs: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

/** Processes that begin together; more than there are cores for would only make each other late. */
const startedAtOnce = 8;
/** A peer that is not settled yet is looked at again so long after it has answered. */
const lookAgainMs = 50;
/** Links that each is to have; in a mesh of fewer peers all others. */
const linksMin = 3;

/** When a process said that it listens, in ms since 1970; null: not yet. */
function listensAt({ output }: PeerProcess): number | null {
  const line = output.split('\n').find((text) => text.includes('"the peer listens"') && text.endsWith('}'));
  return line === undefined ? null : Date.parse((JSON.parse(line) as { readonly time: string }).time);
}

/** Peers are looked at one by one: those that are settled only where what they say does not fit together, for links still move. */
async function untilSettled(mesh: LocalMesh): Promise<void> {
  const count = mesh.peers.length;
  const isSettled = ({ ready, meshSize, neighbors }: PeerStatus): boolean =>
    ready && meshSize === count && neighbors.length >= Math.min(linksMin, count - 1);
  const deadline = Date.now() + 60_000;
  const settled = async (peer: PeerProcess): Promise<PeerStatus> => {
    for (;;) {
      const status = await statusOf(peer).catch(() => undefined);
      if (status !== undefined && isSettled(status)) return status;
      if (Date.now() > deadline) throw new Error(`${peer.name} is not settled after 60 s: ${JSON.stringify(status)}`);
      await new Promise((done) => setTimeout(done, lookAgainMs));
    }
  };
  for (;;) {
    const parts = partsOf(await Promise.all(mesh.peers.map(settled)));
    if (parts.length === 1) return;
    if (Date.now() > deadline) throw new Error(`in ${parts.length} parts after 60 s: ${parts.join(', ')}`);
  }
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
    }
    const lastAt = Math.max(...mesh.peers.map((peer) => listensAt(peer) ?? 0));
    await untilSettled(mesh);
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
    row(`${count} peers: settled after the last one listens`, [`${spread(runs.map(({ joinedMs }) => joinedMs))} ms`]);
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
