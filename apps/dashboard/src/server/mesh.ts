import 'server-only';
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
    const { peers, tokenFile } = readSettings(process.env);
    const client = new MeshClient(peers);
    const upstream = topologyUpstream(client, () => ownMetadata(tokenFile));
    holder.starlingMesh = { client, hub: new TopologyHub(upstream) };
  }
  return holder.starlingMesh;
}
