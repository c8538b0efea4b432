import { PeerState } from '@starling/wire';
import { exitCode } from '../exit-codes.ts';
import { counted, json, shortId, table } from '../output.ts';
import { type SessionOptions, withClient } from '../session.ts';

const states: Readonly<Record<number, string>> = {
  [PeerState.STARTING]: 'starting',
  [PeerState.READY]: 'ready',
  [PeerState.DRAINING]: 'draining',
};

/** The whole mesh, as the peer that is asked knows it. */
export function peers(options: SessionOptions): Promise<number> {
  return withClient(options, 'viewer', async (client) => {
    const all = await Array.fromAsync(client.listPeers());
    const rows = all.map((peer) => ({
      id: peer.id,
      name: peer.name,
      zone: peer.zone,
      state: peer.ban === undefined ? (states[peer.state] ?? 'up') : 'banned',
      ...(peer.ban !== undefined && { banReason: peer.ban.reason }),
      linkAddress: peer.linkAddress,
      apiAddress: peer.apiAddress,
      version: peer.version,
    }));
    if (options.output === 'json') {
      console.log(json(rows, 2));
      return exitCode.ok;
    }
    rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    console.log(
      table(
        ['NAME', 'ID', 'ZONE', 'VERSION', 'LINKS AT', 'API AT', ''],
        rows.map((row) => [
          row.name,
          shortId(row.id),
          row.zone || '–',
          row.version || '–',
          row.linkAddress,
          row.apiAddress,
          row.banReason === undefined ? '' : `BANNED: ${row.banReason}`,
        ]),
      ),
    );
    console.log(counted(rows.length, 'peer'));
    return exitCode.ok;
  });
}
