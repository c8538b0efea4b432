/**
 * Whether loading an index holds up the mesh: two real peers, one of which is given documents by PutDocumentsStream as fast as it takes them,
 * its index in a file. `node bench/bulk-load.ts --help`
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from '@starling/client';
import { LocalMesh } from '../e2e/support/local-mesh.ts';
import { until } from '../e2e/support/poll.ts';
import { wordnet } from '../e2e/support/wordnet.ts';
import { cpuMs, residentMiB } from './processes.ts';
import { row } from './report.ts';

const usage = `node bench/bulk-load.ts [options]
  --documents N    glosses of WordNet to load (100000)
  --batch N        documents of one request (500)`;

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '100000' },
    batch: { type: 'string', default: '500' },
    help: { type: 'boolean', default: false },
  },
});

interface Turns {
  readonly longest: readonly number[];
  readonly stallsMs: readonly number[];
  readonly above: readonly number[];
  readonly cpuMs: number;
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-bulk-'));
  const file = join(folder, 'turns');
  const probe = fileURLToPath(new URL('turn-probe.ts', import.meta.url));
  const mesh = await LocalMesh.start(2, { NODE_OPTIONS: `--import=${probe}`, BENCH_TURNS_FILE: file });
  try {
    const [loaded] = mesh.running;
    const pid = loaded?.process.pid ?? 0;
    const turns = (): Turns => JSON.parse(readFileSync(`${file}.${pid}`, 'utf8')) as Turns;
    const client = await connect({ addresses: [loaded?.api ?? ''], ...mesh.access, learnAddresses: false });
    const documents = wordnet()
      .slice(0, Number(values.documents))
      .map(({ id, fields }) => ({ id, fields }));
    await until('the probe looks', 10_000, () => turns().cpuMs > 0);
    const before = { cpu: cpuMs(pid), turns: turns(), resident: residentMiB(pid) };
    let stored = 0;
    for await (const progress of client.putDocumentsStream(documents, { batch: Number(values.batch) }))
      stored = progress.stored;
    const during = { cpu: cpuMs(pid), turns: turns(), resident: residentMiB(pid) };
    // What was put is told to the mesh some seconds later.
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    const after = turns();
    const said = ({ longest, stallsMs, above }: Turns): string =>
      `longest ${longest
        .toReversed()
        .map((ms) => ms.toFixed(0))
        .join(', ')} ms; ${stallsMs.map((ms, at) => `${above[at]} above ${ms} ms`).join(', ')}`;
    row(`${stored} documents`, [
      `${((during.cpu - before.cpu) / 1_000).toFixed(1)} CPU s of the process`,
      `${((during.turns.cpuMs - before.turns.cpuMs) / 1_000).toFixed(1)} of its event loop`,
      `memory ${before.resident.toFixed(0)} to ${during.resident.toFixed(0)} MiB`,
    ]);
    row('turns before', [said(before.turns)]);
    row('turns while loading', [said(during.turns)]);
    row('and 20 s later', [said(after)]);
    await client.close();
  } finally {
    mesh.stop();
    rmSync(folder, { recursive: true });
  }
}

if (values.help) console.log(usage);
else await measure();
