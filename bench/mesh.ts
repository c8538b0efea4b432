/**
 * What a mesh of real processes does on this machine: broadcast over 16 peers, memory at rest, and the time from kill -9 of
 * half of them to one mesh again, seen from outside. `node bench/mesh.ts [--peers 16] [--heal 16,64] [--runs 5]`
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { connect, type StarlingClient } from '@starling/client';
import { LocalMesh, type PeerProcess } from '../e2e/support/local-mesh.ts';
import { until } from '../e2e/support/poll.ts';
import { quantile, row, section } from './report.ts';

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '16' },
    heal: { type: 'string', default: '16' },
    runs: { type: 'string', default: '5' },
    messages: { type: 'string', default: '3000' },
  },
});
const peers = Number(values.peers);
const messages = Number(values.messages);

/** User and system time of a process so far, in ms. The kernel counts in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

const meshCpuMs = (all: readonly PeerProcess[]) =>
  all.reduce((sum, { process }) => sum + cpuMs(process.pid as number), 0);

async function counter({ http }: PeerProcess, name: string): Promise<number> {
  const text = await (await fetch(`http://${http}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length] ?? ''))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

const delivered = async (all: readonly PeerProcess[]) =>
  (await Promise.all(all.map((peer) => counter(peer, 'starling_messages_delivered_total')))).reduce((a, b) => a + b, 0);

/** The mesh alone: one publisher, nobody subscribed; deliveries are counted by the peers themselves. */
async function saturated(mesh: LocalMesh, publisher: StarlingClient, sizeBytes: number): Promise<void> {
  const before = await delivered(mesh.peers);
  const cpuBefore = meshCpuMs(mesh.peers);
  const began = performance.now();
  const stream = publisher.publishStream();
  const payload = new Uint8Array(sizeBytes).fill(42);
  const receipts: Promise<unknown>[] = [];
  for (let i = 0; i < messages; i++) {
    receipts.push(stream.publish({ topic: 'bench.load', payload }));
    if (receipts.length >= 512) await receipts.shift();
  }
  await Promise.all(receipts);
  await stream.close();
  const expected = messages * peers;
  await until('all deliveries', 60_000, async () => (await delivered(mesh.peers)) - before >= expected).catch(() => {});
  const seconds = (performance.now() - began) / 1_000;
  const count = (await delivered(mesh.peers)) - before;
  const cpu = meshCpuMs(mesh.peers) - cpuBefore;
  row(`broadcast, ${peers} peers, ${sizeBytes} B, saturated`, [
    `ratio ${(count / expected).toFixed(4)}`,
    `${(messages / seconds).toFixed(0)} messages/s to all`,
    `${((cpu * 1_000) / count).toFixed(0)} CPU µs per delivery (peers, API included)`,
    `${(count / (cpu / 1_000)).toFixed(0)} delivered per CPU s`,
  ]);
}

/** Fifty messages a second, heard by a subscriber at every peer. */
async function paced(mesh: LocalMesh, publisher: StarlingClient, rate: number, seconds: number): Promise<void> {
  const clients = await Promise.all(mesh.peers.map(({ api }) => connect({ addresses: [api], learnAddresses: false })));
  const stop = new AbortController();
  const latencies: number[] = [];
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const listen = async () => {
            for await (const event of client.subscribe({ topics: ['bench.paced'], signal: stop.signal })) {
              if (event.kind === 'live') resolve();
              if (event.kind === 'message') latencies.push(performance.now() - Number(event.headers.sent));
            }
          };
          listen().catch(reject);
        }),
    ),
  );
  const payload = new Uint8Array(1_024);
  const total = rate * seconds;
  const began = performance.now();
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < total; i++) {
    const wait = began + (i * 1_000) / rate - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    all.push(publisher.publish({ topic: 'bench.paced', payload, headers: { sent: String(performance.now()) } }));
  }
  await Promise.all(all);
  await until('all messages', 10_000, () => latencies.length >= total * peers).catch(() => {});
  stop.abort();
  for (const client of clients) client.close();
  row(`the same, paced ${rate}/s, heard by ${peers} subscribers`, [
    `ratio ${(latencies.length / (total * peers)).toFixed(4)}`,
    `p50 ${quantile(latencies, 0.5).toFixed(1)} ms`,
    `p99 ${quantile(latencies, 0.99).toFixed(1)} ms`,
  ]);
}

async function heal(count: number, runs: number): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const mesh = await LocalMesh.start(count, {}, 120_000);
    try {
      const survivors = Math.ceil(count / 2);
      mesh.kill(mesh.peers.filter(({ index }) => index % 2 === 1));
      const began = performance.now();
      await until('one mesh', 30_000, async () => {
        const parts = await mesh.parts();
        return parts.length === 1 && parts[0] === survivors;
      });
      times.push(performance.now() - began);
    } finally {
      mesh.stop();
    }
  }
  row(`kill -9 of half of ${count} to one mesh again`, [
    `p50 ${quantile(times, 0.5).toFixed(0)} ms`,
    `p99 ${quantile(times, 0.99).toFixed(0)} ms (worst)`,
    `${runs} runs`,
  ]);
}

section('mesh');
const mesh = await LocalMesh.start(peers);
const publisher = await connect({ addresses: [mesh.peers[0]?.api ?? ''], learnAddresses: false });
try {
  const memory = mesh.peers.map(({ process }) => residentMiB(process.pid as number));
  row('resident memory of an idle peer', [
    `mean ${(memory.reduce((a, b) => a + b, 0) / peers).toFixed(0)} MiB`,
    `worst ${Math.max(...memory).toFixed(0)} MiB`,
  ]);
  await paced(mesh, publisher, 50, 5);
  await saturated(mesh, publisher, 1_024);
  await saturated(mesh, publisher, 100);
} finally {
  publisher.close();
  mesh.stop();
}
for (const count of values.heal.split(',').filter(Boolean)) await heal(Number(count), Number(values.runs));
