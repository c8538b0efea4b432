import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type Meter, runSeed, type SeedResult, type SeedTask } from '@starling/sim';

/** To a worker: run this. `index` is its place in the run. */
export interface SeedOrder {
  readonly index: number;
  readonly task: SeedTask;
}

/** From a worker: what became of it. */
export interface SeedAnswer {
  readonly index: number;
  readonly result: SeedResult;
}

/** What a worker thread is started with, so that no other thread that loads this file takes itself for one. */
export const workerMark = 'starling seeds';

/** What a worker thread runs: this file, or the bundle that it has become part of. */
export const workerEntry = new URL(import.meta.url);

/** Is this one of our worker threads? The bundle's main program then stands back. */
export const isSeedWorker = !isMainThread && workerData === workerMark;

const residentBytes = () => process.memoryUsage.rss();

/** For the only seed that runs in this process: all of it, the garbage collector's threads included. */
export const processMeter: Meter = { cpuMs: () => milliseconds(process.cpuUsage()), residentBytes };

/** For one of several. Memory is still that of the process. */
const threadMeter: Meter = { cpuMs: () => milliseconds(process.threadCpuUsage()), residentBytes };

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

if (isSeedWorker) {
  // A seed that throws ends its thread; the pool names it.
  parentPort?.on('message', ({ index, task }: SeedOrder) => {
    parentPort?.postMessage({ index, result: runSeed(task, threadMeter) } satisfies SeedAnswer);
  });
}
