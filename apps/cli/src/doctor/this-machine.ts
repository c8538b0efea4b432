import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, finding, named } from './finding.ts';

/** Below it a disk is about to be full: what a peer keeps is small, and its log is not. */
const diskLeast = { bytes: 256 * 1024 * 1024, share: 0.05 } as const;

/** Files of a local mesh that only their owner may read, as `starling up` leaves them. */
function secretsOf(data: string): string[] {
  const peers = join(data, 'peers');
  const keys = existsSync(peers) ? readdirSync(peers).map((name) => join(peers, name, 'key.pem')) : [];
  const tokens = ['viewer', 'client', 'operator'].map((role) => join(data, `${role}.token`));
  return [...tokens, join(data, 'operator.key'), join(data, 'ca', 'ca.key'), ...keys].filter((path) =>
    existsSync(path),
  );
}

/** The data directory of a local mesh: who may read its secrets, and whether there is room. Empty when there is none. */
export function examineData(data: string): Finding[] {
  try {
    if (!existsSync(data)) return [];
    const secrets = secretsOf(data);
    if (secrets.length === 0) return [];
    const open = secrets.filter((path) => process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0);
    const { bavail, blocks, bsize } = statfsSync(data);
    const free = bavail * bsize;
    const isLow = free < diskLeast.bytes || bavail < blocks * diskLeast.share;
    const freeText = `${(free / 1024 ** 3).toFixed(1)} GiB`;
    return [
      open.length === 0
        ? finding('secrets', 'ok', `keys and tokens in ${data} can be read by their owner only`)
        : finding(
            'secrets',
            'fail',
            `${named(open)} can be read by others`,
            `run chmod 600 ${open.join(' ')}; make new ones if they may have been copied`,
          ),
      isLow
        ? finding(
            'disk',
            'warn',
            `${freeText} is left on the disk of ${data}`,
            'make room: peers keep their keys and bans there',
          )
        : finding('disk', 'ok', `${freeText} is free on the disk of ${data}`),
    ];
  } catch (error) {
    return [finding('secrets', 'warn', `${data} cannot be looked at: ${(error as Error).message}`)];
  }
}
