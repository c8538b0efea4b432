import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { replayCommand, runSeed, type SeedResult, type SeedTask } from '@starling/sim';
import { processMeter, type SeedAnswer, type SeedOrder, workerEntry, workerMark } from './worker.ts';

/** Told of a seed that is done, in whatever order they end. */
export type OnSeedDone = (index: number, result: SeedResult) => void;

/**
 * Runs seeds on up to `jobs` threads, each taking the next that nobody has: a seed's result depends on the seed alone, so it is
 * the same with any number of threads. Rejects when a run throws, with the command that replays it.
 */
export async function runSeeds(tasks: readonly SeedTask[], jobs: number, onDone: OnSeedDone): Promise<void> {
  if (jobs === 1 || tasks.length === 1) runHere(tasks, onDone);
  else await runOnThreads(tasks, Math.min(jobs, tasks.length), onDone);
}

function runHere(tasks: readonly SeedTask[], onDone: OnSeedDone): void {
  for (const [index, task] of tasks.entries()) {
    let result: SeedResult;
    try {
      result = runSeed(task, processMeter);
    } catch (error) {
      throw thrownBy(task, error);
    }
    onDone(index, result);
  }
}

async function runOnThreads(tasks: readonly SeedTask[], threads: number, onDone: OnSeedDone): Promise<void> {
  const queue = tasks.entries();
  const workers: Worker[] = [];
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      // Each as much memory as this thread may have: `NODE_OPTIONS=--max-old-space-size` reaches them, too.
      const maxOldGenerationSizeMb = Math.floor(getHeapStatistics().heap_size_limit / 2 ** 20);
      const worker = new Worker(workerEntry, { workerData: workerMark, resourceLimits: { maxOldGenerationSizeMb } });
      workers.push(worker);
      let current: SeedTask | undefined;
      const next = (): void => {
        const entry = queue.next();
        if (entry.done) {
          resolve();
          return;
        }
        const [index, task] = entry.value;
        current = task;
        worker.postMessage({ index, task } satisfies SeedOrder);
      };
      worker.on('message', ({ index, result }: SeedAnswer) => {
        onDone(index, result);
        next();
      });
      worker.on('error', (error) => reject(current === undefined ? error : thrownBy(current, error)));
      worker.on('exit', (code) => reject(new Error(`a simulator thread ended with code ${code}`)));
      next();
    });
  try {
    await Promise.all(Array.from({ length: threads }, work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function thrownBy({ scenario, peers, seed }: SeedTask, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`seed ${seed} of ${scenario}: ${why}\n  replay: ${replayCommand(scenario, peers, seed)}`, {
    cause: error,
  });
}
