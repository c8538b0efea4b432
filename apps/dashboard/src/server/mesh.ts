import 'server-only';
import { MeshClient } from './mesh-client.ts';
import { readSettings } from './settings.ts';
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
    const client = new MeshClient(readSettings(process.env).peers);
    holder.starlingMesh = { client, hub: new TopologyHub(topologyUpstream(client)) };
  }
  return holder.starlingMesh;
}
