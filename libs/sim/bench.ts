/**
 * What the simulator does per second of CPU: `node libs/sim/bench.ts [peers]`. First the queue alone, then whole peers.
 * Prints each figure of five runs, so that the spread of a busy machine shows.
 */
import { availableParallelism } from 'node:os';
import { EventQueue } from './src/engine/event-queue.ts';
import { formatReport, type Meter, runScenario } from './src/index.ts';

const meter: Meter = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  residentBytes: () => process.memoryUsage.rss(),
};

/** Millions of events added and taken per CPU second, with 100,000 pending and delays like those of a WAN and of timers. */
function queueRate(): number {
  const queue = new EventQueue<null, null>();
  const pending = 100_000;
  const taken = 2_000_000;
  for (let i = 0; i < pending; i++) queue.add(Math.imul(i, 0x9e3779b1) >>> 18, 1, null, null);
  const begun = meter.cpuMs();
  for (let i = 0; i < taken; i++) {
    queue.take(Number.POSITIVE_INFINITY);
    queue.add(queue.now + (i % 8 === 0 ? 640_000 : Math.imul(i, 0x9e3779b1) >>> 20), 1, null, null);
  }
  return taken / (meter.cpuMs() - begun) / 1_000;
}

console.log(`Node ${process.version}, ${availableParallelism()} CPUs`);
console.log(`queue alone: ${[1, 2, 3, 4, 5].map(() => queueRate().toFixed(1)).join(' ')} M events/s`);
const peers = Number(process.argv[2] ?? 1_000);
const rates = [1, 2, 3, 4, 5].map((seed) => {
  const { events, cpuMs } = runScenario('scale', { peers, seed }, meter);
  return (events / (cpuMs ?? 1) / 1_000).toFixed(2);
});
console.log(`whole peers, ${peers}: ${rates.join(' ')} M events/s`);
console.log(formatReport(runScenario('scale', { peers, seed: 1 }, meter)));
