import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AdminService, LookupService, MeshService, SearchService } from '@starling/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalMesh } from '../support/local-mesh.ts';
import { TokenFolder } from '../support/tokens.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/grpcurl.md', import.meta.url)), 'utf8');

/** A command of the page, and what it is said to answer. */
interface Example {
  readonly command: string;
  readonly answer: string;
}

const examples: readonly Example[] = [...page.matchAll(/^```sh\n(.*?)^```\n+```(?:json|text)\n(.*?)^```$/gms)].map(
  ([, command = '', answer = '']) => ({ command, answer }),
);

/** As the page says it. */
const install = /go install \S+/.exec(page)?.[0] ?? '';
const isMissing = process.env.STARLING_REQUIRE_ALL !== '1' && spawnSync('grpcurl', ['-version']).error !== undefined;

/** What a person sets first. */
const preamble = (page.match(/^\w+="authorization: .*"$/gm) ?? []).join('\n');

let mesh: LocalMesh | undefined;
let tokens: TokenFolder | undefined;

/** Runs a command as a person would, but at this mesh. What it says goes wrong counts as its answer, too. */
function run(command: string): Promise<string> {
  const here = `${preamble}\n${command}`
    .replace(/localhost:74([01])1/g, (_, index: string) => mesh?.peers[Number(index)]?.api ?? '')
    .replaceAll('.starling/ca.pem', mesh?.caFile ?? '')
    .replaceAll('.starling/', `${tokens?.path}/`);
  return new Promise((resolve) => {
    execFile('bash', ['-c', `{ ${here}\n} 2>&1`], { timeout: 20_000 }, (_error, output) => resolve(output));
  });
}

/** Different each time, or with the machine's speed. */
const volatileFields =
  /^(?:cursor|epoch|version|nextPageToken|role|score|elapsed|roundTripTime|heapBytes|loopUtilization|.+PerSecond)$/;

/** Text without what is different each time: ids, incarnations, times, ports. */
function masked(text: string): string {
  return text
    .replace(/\b[a-z2-7]{52}\b/g, 'PEER')
    .replace(/~\d+/g, '~LIFE')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/\bpeer-\d\b/g, 'NAME');
}

/** JSON objects, and the lines between them; of an error its lines, sorted: the order of its details' fields is not said. */
function parts(output: string): unknown[] {
  if (output.startsWith('ERROR:')) {
    const lines = output.split('\n').map((line) => line.trim().replace(/,$/, ''));
    return lines.filter(Boolean).sort();
  }
  return (output.match(/^\{\n.*?^\}$|^[^\n]+$/gms) ?? []).map((part) =>
    part.startsWith('{\n') ? JSON.parse(part) : part,
  );
}

/** Whether everything that is told is there. There may be more: fields, and items of a list. */
function includes(actual: unknown, told: unknown): boolean {
  if (typeof told === 'string' && typeof actual === 'string') return masked(actual) === masked(told);
  if (Array.isArray(told)) return Array.isArray(actual) && includesInOrder(actual, told);
  if (typeof told !== 'object' || told === null) return actual === told;
  if (typeof actual !== 'object' || actual === null) return false;
  return Object.entries(told).every(
    ([key, value]) => volatileFields.test(key) || includes((actual as Record<string, unknown>)[key], value),
  );
}

function includesInOrder(actual: readonly unknown[], told: readonly unknown[]): boolean {
  let found = 0;
  for (const item of actual) if (found < told.length && includes(item, told[found])) found++;
  return found === told.length;
}

const title = `docs/grpcurl.md${isMissing ? ` (skipped: no grpcurl; ${install})` : ''}`;

describe.skipIf(isMissing)(title, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    tokens = await TokenFolder.create();
    mesh = await LocalMesh.start(2, { STARLING_MESH: 'local', STARLING_TOKENS_FILE: tokens.file });
  }, 90_000);
  afterAll(() => {
    mesh?.stop();
    tokens?.remove();
  });

  it.each(examples)('$command', async ({ command, answer }) => {
    const output = await run(command);
    const told = parts(answer);
    const actual = parts(output);
    const isWhole = !told.includes('…');
    const isAsTold = includesInOrder(
      actual,
      told.filter((part) => part !== '…'),
    );
    // Both texts, so that a failure shows them.
    if (!isAsTold || (isWhole && actual.length !== told.length)) expect(masked(output)).toBe(masked(answer));
  });
});

describe('docs/grpcurl.md', () => {
  it('has every method', () => {
    const methods = [MeshService, SearchService, LookupService, AdminService].flatMap((service) =>
      service.methods.map(({ name }) => `${service.typeName}/${name}`),
    );
    const shown = examples.map(({ command }) => command).join('\n');
    expect(methods.filter((method) => !shown.includes(method))).toEqual([]);
  });
});
