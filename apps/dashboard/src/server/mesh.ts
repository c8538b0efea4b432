import 'server-only';
import { readFileSync } from 'node:fs';
import { type DiallingOf, plainDialling, tlsDialling } from '@starling/client';
import { MeshClient } from './mesh-client.ts';
import { readSettings } from './settings.ts';
import { ownMetadata } from './tokens.ts';
import { TopologyHub } from './topology-hub.ts';
import { topologyUpstream } from './topology-upstream.ts';

interface Mesh {
  readonly client: MeshClient;
  readonly hub: TopologyHub;
}

const holder = globalThis as typeof globalThis & { starlingMesh?: Mesh };

/** The one client and the one hub of this process. Next bundles each route apart, so a module variable would be many. */
export function mesh(): Mesh {
  if (holder.starlingMesh === undefined) {
    const { peers, caFile, tokenFile } = readSettings(process.env);
    const dialling = (): DiallingOf =>
      caFile === '' ? plainDialling : tlsDialling({ ca: readFileSync(caFile, 'utf8') });
    const client = new MeshClient(peers, dialling);
    const upstream = topologyUpstream(client, () => ownMetadata(tokenFile));
    holder.starlingMesh = { client, hub: new TopologyHub(upstream) };
  }
  return holder.starlingMesh;
}
