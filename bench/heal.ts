/**
 * The time from kill -9 of half of a mesh of real processes to one mesh again, seen from outside. `node bench/heal.ts --help`
 */
import { parseArgs } from 'node:util';
import { islandsOf, LocalMesh, type PeerProcess, type PeerStatus, statusOf } from '../e2e/support/local-mesh.ts';
import { youngForMs } from './processes.ts';
import { quantile, row, section, spread } from './report.ts';

const usage = `node bench/heal.ts [options]
  --peers N,M      sizes of the meshes of which half is killed (16)
  --runs N         kills of each size, each a minute and a half (3)`;

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '16' },
    runs: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

/** Between two looks at who is still apart. */
const lookAgainMs = 50;

/**
 * How long it takes from now until these peers are one mesh, each seen from outside since the call. Where half of a large mesh has just
 * died, asking everybody takes as long as the healing, and takes from peers what they heal with: so after a first look at each only those are
 * looked at again on which it depends, who is apart from the largest part and whom these say that they have a link to.
 */
async function untilOneMesh(all: readonly PeerProcess[]): Promise<number> {
  const began = performance.now();
  const seen = new Map<PeerProcess, PeerStatus>();
  const lookAt = (peers: readonly PeerProcess[]): Promise<unknown> =>
    Promise.all(
      peers.map(async (peer) => {
        const status = await statusOf(peer).catch(() => undefined);
        if (status !== undefined) seen.set(peer, status);
      }),
    );
  const known = (ids: ReadonlySet<string>): PeerProcess[] => all.filter((peer) => ids.has(seen.get(peer)?.id ?? ''));
  while (performance.now() < began + 30_000) {
    await lookAt(all.filter((peer) => !seen.has(peer)));
    const [, ...others] = islandsOf(seen.values());
    if (seen.size === all.length && others.length === 0) return performance.now() - began;
    await new Promise((done) => setTimeout(done, lookAgainMs));
    const apart = known(new Set(others.flat()));
    await lookAt(apart);
    await lookAt(known(new Set(apart.flatMap((peer) => seen.get(peer)?.neighbors.map(({ id }) => id) ?? []))));
  }
  throw new Error('not one mesh in 30 s');
}

/** Kills every other peer of a mesh at rest, waits until the others are one mesh, and starts the killed ones again for the next run. */
async function heal(count: number, runs: number): Promise<void> {
  const times: number[] = [];
  const mesh = await LocalMesh.start(count, { STARLING_INSECURE: 'true' }, 120_000);
  try {
    for (let run = 0; run < runs; run++) {
      await new Promise((done) => setTimeout(done, youngForMs));
      // The first connection to each is for what looks, not for what is looked at.
      await mesh.parts();
      const killed = mesh.peers.filter(({ index }) => index % 2 === run % 2);
      mesh.kill(killed);
      const tookMs = await untilOneMesh(mesh.peers.filter((peer) => !killed.includes(peer)));
      times.push(tookMs);
      // Half an hour is long to wait for the first word.
      console.error(`  half of ${count}, kill ${run + 1} of ${runs}: ${tookMs.toFixed(0)} ms`);
      await mesh.spawnAll(
        killed.map(({ index }) => index),
        240_000,
      );
    }
  } finally {
    mesh.stop();
  }
  row(`half of ${count}`, [`${spread(times)} ms`, `p99 ${quantile(times, 0.99).toFixed(0)} ms`, `${runs} runs`]);
}

if (values.help) {
  console.log(usage);
} else {
  section('kill -9 of half to one mesh again: median (least … most)');
  for (const count of values.peers.split(',')) await heal(Number(count), Number(values.runs));
}
