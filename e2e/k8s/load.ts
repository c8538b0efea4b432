import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/shell.ts';
import type { Release } from './release.ts';

/** Runs a scenario of load-tests/ with k6 from outside the cluster, against three peers; answers the line of each threshold. */
export async function k6(release: Release, scenario: string, env: Readonly<Record<string, string>>): Promise<string> {
  const forwards = await Promise.all([0, 1, 2].map((n) => release.forward(`pod/${release.name}-peer-${n}`, 7401)));
  const folder = await mkdtemp(join(tmpdir(), 'starling-e2e-'));
  try {
    const script = new URL(`../../load-tests/scenarios/${scenario}.ts`, import.meta.url).pathname;
    const authority = join(folder, 'ca.pem');
    await writeFile(authority, (await release.secret('authority'))['tls.crt'] ?? '');
    const output = await run('k6', ['run', '--quiet', '--no-color', '--no-usage-report', script], {
      timeoutMs: 180_000,
      env: {
        STARLING_ADDRESSES: forwards.map(({ address }) => address).join(','),
        STARLING_CA_FILE: authority,
        STARLING_TOKEN: (await release.secret('tokens')).client ?? '',
        ...env,
      },
    });
    return thresholds(output);
  } finally {
    await Promise.all(forwards.map((forward) => forward.stop()));
    await rm(folder, { recursive: true });
  }
}

/** The figures of k6's summary that a threshold judged, in one line. */
function thresholds(output: string): string {
  const lines = output.split('\n');
  return lines
    .flatMap((line, at) => {
      const figure = /^\s*[✓✗] '.*' (\S+=.*)$/.exec(line)?.[1];
      const name = lines
        .slice(0, at)
        .findLast((above) => /^ {4}\w+$/.test(above))
        ?.trim();
      return figure === undefined ? [] : [`${name} ${figure}`];
    })
    .join(', ');
}
