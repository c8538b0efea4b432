/**
 * The time from kill -9 of half of a mesh of real processes to one mesh again, seen from outside. `node bench/heal.ts --help`
 */
import { parseArgs } from 'node:util';
import { LocalMesh } from '../e2e/support/local-mesh.ts';
import { untilOneMesh } from './one-mesh.ts';
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
      const killedAt = performance.now();
      mesh.kill(killed);
      await untilOneMesh(
        mesh.peers.filter((peer) => !killed.includes(peer)),
        30_000,
      );
      const tookMs = performance.now() - killedAt;
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
