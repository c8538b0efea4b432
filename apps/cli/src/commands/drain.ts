import { durationMs } from '@bufbuild/protobuf/wkt';
import { connect } from '@starling/client';
import { idOf } from '../bans/find-peer.ts';
import { CliError, exitCode } from '../exit-codes.ts';
import { counted, json } from '../output.ts';
import { milliseconds, type SessionOptions, withClient } from '../session.ts';

/** `drain`: has a peer leave the mesh, asking that peer itself, as no other takes the call for it. */
export function drain(words: string, options: SessionOptions): Promise<number> {
  return withClient(options, 'operator', async (client, access) => {
    const known = await Array.fromAsync(client.listPeers());
    const id = idOf(words, known);
    const peer = known.find((each) => each.id === id);
    if (peer === undefined) throw new CliError(`${id} is not in the mesh`, exitCode.incomplete);
    if (peer.apiAddress === '') throw new CliError(`${peer.name} has no API to be called at`, exitCode.incomplete);
    const itself = await connect({
      addresses: [peer.apiAddress],
      timeoutMs: milliseconds('--timeout', options.timeout),
      learnAddresses: false,
      ...access,
    });
    try {
      const { neighborsTold, elapsed } = await itself.drain(id);
      const ms = elapsed === undefined ? 0 : durationMs(elapsed);
      if (options.output === 'json') console.log(json({ peerId: id, name: peer.name, neighborsTold, ms }, 2));
      else {
        const told = counted(neighborsTold, 'neighbour');
        console.log(`${peer.name} left the mesh: ${told} told, ${ms} ms; its process stays until it is stopped`);
      }
      return exitCode.ok;
    } finally {
      itself.close();
    }
  });
}
