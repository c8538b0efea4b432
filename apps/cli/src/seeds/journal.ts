import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import type { SeedResult, SeedTask } from '@starling/sim';
import { CliError, exitCode } from '../exit-codes.ts';

interface Entry {
  readonly task: SeedTask;
  readonly result: SeedResult;
}

/**
 * Finished seeds in a file, one JSON document a line, so that a run of hours may be stopped at any moment and taken up again.
 * It belongs to one build: the results of another would be those of other code.
 */
export class Journal {
  readonly #path: string;
  readonly #done = new Map<string, SeedResult>();

  /** Opens the file, or begins it. Throws a usage error when it is another build's, or no journal at all. */
  constructor(path: string, build: string) {
    this.#path = path;
    const header = `${JSON.stringify({ starlingSeedsOfBuild: build })}\n`;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (text === '') {
      writeFileSync(path, header);
      return;
    }
    if (!text.startsWith(header)) {
      const what = text.startsWith('{"starlingSeedsOfBuild"') ? 'has seeds of another build' : 'holds something else';
      throw new CliError(`--resume ${path}: it ${what}; name another file, or remove it`, exitCode.usage);
    }
    // Whatever stopped the run may have torn the last line.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
    for (const line of whole.slice(header.length).split('\n')) {
      if (line === '') continue;
      const { task, result } = JSON.parse(line, fromText) as Entry;
      this.#done.set(keyOf(task), result);
    }
  }

  /** The result of a seed that was run before. */
  get(task: SeedTask): SeedResult | undefined {
    return this.#done.get(keyOf(task));
  }

  add(task: SeedTask, result: SeedResult): void {
    this.#done.set(keyOf(task), result);
    appendFileSync(this.#path, `${JSON.stringify({ task, result }, toText)}\n`);
  }
}

function keyOf({ scenario, peers, seed, faults, attack, variant }: SeedTask): string {
  const task = [scenario, peers, seed, faults ?? null, attack ?? null];
  return JSON.stringify(variant === undefined ? task : [...task, variant]);
}

/** JSON has no Infinity, and a measurement may be one. */
function toText(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value;
}

function fromText(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'number') return value;
  return Number((value as { number: unknown }).number);
}
