/**
 * What exact lookups take on a mesh of real processes, with TLS and tokens: a call that goes no further than the peer beside them, in the
 * same run. `node bench/lookup.ts --help`
 */
import { parseArgs } from 'node:util';
import { connect, type StarlingClient } from '@starling/client';
import { LocalMesh } from '../e2e/support/local-mesh.ts';
import { cpuMs } from './processes.ts';
import { quantile, row, section, spread } from './report.ts';

const usage = `node bench/lookup.ts [options]
  --rounds N       rounds of everything (3)
  --peers N        peers of the mesh (16)
  --keys N         keys put and got in a round (200)
  --replicas N,M   holders of a key, a mesh for each (3,20); with as many as there are peers every get is answered where it is asked`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    peers: { type: 'string', default: '16' },
    keys: { type: 'string', default: '200' },
    replicas: { type: 'string', default: '3,20' },
    help: { type: 'boolean', default: false },
  },
});

const valueBytes = 1_024;
/** About a minute. */
const warmUpKeys = 3_000;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

async function measure(replicas: number): Promise<void> {
  const peers = Number(values.peers);
  const mesh = await LocalMesh.start(peers, { STARLING_LOOKUP_REPLICAS: String(replicas) }, 120_000);
  const clients: StarlingClient[] = [];
  try {
    for (const { api } of mesh.peers) {
      clients.push(await connect({ addresses: [api], ...mesh.access, learnAddresses: false }));
    }
    const at = (number: number): StarlingClient => clients[number % clients.length] as StarlingClient;
    const figures = new Map<string, number[]>();
    const note = (name: string, value: number): void => void figures.set(name, [...(figures.get(name) ?? []), value]);
    const cpu = (): number => mesh.running.reduce((sum, { process }) => sum + cpuMs(process.pid ?? 0), 0);
    for (let round = 0; round <= Number(values.rounds); round++) {
      // The first is for the compiler of each of the peers, and to let a young mesh come to rest.
      const isCounted = round > 0;
      const keys = isCounted ? Number(values.keys) : warmUpKeys;
      const add = isCounted ? note : () => {};
      const ms: Record<'plain' | 'put' | 'get', number[]> = { plain: [], put: [], get: [] };
      let calls = 0;
      const key = (number: number): Buffer => Buffer.from(`${round}/${number}`);
      const value = Buffer.alloc(valueBytes, round);
      for (let i = 0; i < keys; i++) ms.plain.push(await timed(() => at(i).getPeer()));
      const before = cpu();
      for (let i = 0; i < keys; i++) {
        ms.put.push(await timed(() => at(i).putRecord({ what: { case: 'record', value: { key: key(i), value } } })));
      }
      const between = cpu();
      for (let i = 0; i < keys; i++) {
        const get = async (): Promise<void> => {
          const { cost } = await at(i + 5).getRecord({ key: key(i) });
          calls += cost?.callCount ?? 0;
        };
        ms.get.push(await timed(get));
      }
      add('CPU ms of a put', (between - before) / keys);
      add('CPU ms of a get', (cpu() - between) / keys);
      add('calls between peers of a get', calls / keys);
      for (const [name, q] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        add(`GetPeer, for comparison: ${name} ms`, quantile(ms.plain, q));
        add(`get: ${name} ms`, quantile(ms.get, q));
        add(`put: ${name} ms`, quantile(ms.put, q));
      }
    }
    section(`lookups: ${peers} peers, ${replicas} holders of a key, ${valueBytes} bytes, one call at a time`);
    for (const [name, seen] of [...figures].sort(([a], [b]) => a.localeCompare(b))) row(name, [spread(seen, 2)]);
  } finally {
    for (const client of clients) client.close();
    mesh.stop();
  }
}

if (values.help) console.log(usage);
else for (const replicas of values.replicas.split(',')) await measure(Number(replicas));
