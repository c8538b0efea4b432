/**
 * Engines for a peer's own index, each in a process of its own, over 100,000 glosses of WordNet: CPU to build, memory, file, CPU of a
 * query, and of replacing. `node bench/search-index.ts`; MiniSearch and Orama are measured when they can be found:
 * `npm install --no-save minisearch@7.2.0 @orama/orama@3.1.18`, or in the node_modules of `--modules DIR`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { SqliteIndex } from '../apps/peer/src/search/sqlite-index.ts';
import { wordnet } from '../e2e/support/wordnet.ts';
import { quantile, row } from './report.ts';

const { values } = parseArgs({
  options: {
    engine: { type: 'string' },
    documents: { type: 'string', default: '100000' },
    modules: { type: 'string', default: '.' },
  },
});

interface Item {
  readonly id: string;
  readonly json: string;
}

interface Engine {
  put(items: readonly Item[]): void | Promise<void>;
  search(text: string): number | Promise<number>;
  /** Bytes on disk; 0: it keeps nothing. */
  readonly bytes: () => number;
}

const textOf = (json: string) =>
  Object.values(JSON.parse(json) as object)
    .flat()
    .join(' ');
const load = async (name: string) => {
  const path = createRequire(join(process.cwd(), values.modules, 'x.js')).resolve(name);
  return import(pathToFileURL(path).href);
};

const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  'SQLite FTS5': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'starling-bench-'));
    process.on('exit', () => rmSync(folder, { recursive: true }));
    const path = join(folder, 'index.sqlite');
    const index = new SqliteIndex({ path, documentsMax: 1e9, bytesMax: 1e12 });
    return {
      put: (items) => void index.put(items.map((item) => ({ ...item, version: 1 }))),
      search: (text) => index.search({ text, limit: 20, statistics: null }).hits.length,
      bytes: () => statSync(path).size,
    };
  },
  MiniSearch: async () => {
    const module = await load('minisearch');
    const MiniSearch = module.default.default ?? module.default;
    const index = new MiniSearch({ fields: ['text'], searchOptions: { combineWith: 'AND' } });
    const kept = new Map<string, string>();
    return {
      put: (items) => {
        for (const { id, json } of items) {
          const document = { id, text: textOf(json) };
          if (kept.has(id)) index.replace(document);
          else index.add(document);
          kept.set(id, json);
        }
      },
      search: (text) => index.search(text).slice(0, 20).length,
      bytes: () => 0,
    };
  },
  Orama: async () => {
    const { create, insertMultiple, removeMultiple, search } = await load('@orama/orama');
    const index = create({ schema: { text: 'string' } });
    const kept = new Map<string, string>();
    return {
      put: async (items) => {
        const old = items.filter(({ id }) => kept.has(id)).map(({ id }) => id);
        if (old.length > 0) await removeMultiple(index, old);
        for (const { id, json } of items) kept.set(id, json);
        await insertMultiple(
          index,
          items.map(({ id, json }) => ({ id, text: textOf(json) })),
        );
      },
      search: async (text) => (await search(index, { term: text, threshold: 0, limit: 20 })).hits.length,
      bytes: () => 0,
    };
  },
};

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function measure(name: string): Promise<void> {
  const items = wordnet()
    .slice(0, Number(values.documents))
    .map(({ id, fields }): Item => ({ id, json: JSON.stringify(fields) }));
  const before = process.memoryUsage.rss();
  const engine = await engines[name]?.();
  if (engine === undefined) throw new Error(`no engine is called ${name}`);
  let cpu = cpuMs();
  let slowest = 0;
  for (let at = 0; at < items.length; at += 64) {
    const began = cpuMs();
    await engine.put(items.slice(at, at + 64));
    slowest = Math.max(slowest, cpuMs() - began);
  }
  const build = cpuMs() - cpu;
  const resident = (process.memoryUsage.rss() - before) / 2 ** 20;
  const times: number[] = [];
  for (let i = 0; i < 400; i++) {
    const words = textOf((items[(i * 7_919) % items.length] as Item).json)
      .split(' ')
      .filter((word) => /^\w+$/.test(word));
    const began = cpuMs();
    await engine.search(words.slice(0, 1 + (i % 3)).join(' ') || 'bird');
    times.push(cpuMs() - began);
  }
  cpu = cpuMs();
  await engine.put(items.slice(0, 1_000));
  row(name, [
    `build ${(build / 1_000).toFixed(1)} CPU s, slowest 64 ${slowest.toFixed(0)} ms`,
    `memory +${resident.toFixed(0)} MiB`,
    `file ${(engine.bytes() / 2 ** 20).toFixed(0)} MiB`,
    `query p50 ${quantile(times, 0.5).toFixed(1)}, p99 ${quantile(times, 0.99).toFixed(1)} CPU ms`,
    `1,000 replaced ${(cpuMs() - cpu).toFixed(0)} CPU ms`,
  ]);
}

if (values.engine !== undefined) await measure(values.engine);
else {
  for (const engine of Object.keys(engines)) {
    const args = ['--engine', engine, '--documents', values.documents, '--modules', values.modules];
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
      stdio: ['ignore', 'inherit', 'ignore'],
    });
    if (status !== 0) row(engine, ['not found, or failed']);
  }
}
