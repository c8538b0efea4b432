/**
 * Loaded into a peer by `--import`: how much processor time its event loop takes from one look at its timers to the next, in the file that
 * BENCH_TURNS_FILE names, each second. By the clock a busy machine would be measured; the thread's own processor time is the peer's doing.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_TURNS_FILE;
const lookEveryMs = 2;
const stallsMs = [10, 25, 50, 100];

if (isMainThread && file !== undefined) {
  const longest: number[] = [];
  const above = stallsMs.map(() => 0);
  const cpuMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let last = cpuMs();
  setInterval(() => {
    const now = cpuMs();
    const turn = now - last;
    last = now;
    for (const [at, limit] of stallsMs.entries()) if (turn > limit) above[at] = (above[at] as number) + 1;
    if (turn > (longest[0] ?? 0) || longest.length < 5) {
      longest.push(turn);
      longest.sort((a, b) => a - b);
      if (longest.length > 5) longest.shift();
    }
  }, lookEveryMs).unref();
  setInterval(() => {
    writeFileSync(`${file}.${process.pid}`, JSON.stringify({ longest, stallsMs, above, cpuMs: cpuMs() }));
  }, 1_000).unref();
}
