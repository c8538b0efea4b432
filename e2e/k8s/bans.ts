import { eventually } from '../support/shell.ts';
import type { Operator } from './operator.ts';
import type { Pod, Release } from './release.ts';
import { apiOf, startTraffic } from './traffic.ts';

/** What a pod's `/status` says, as far as a ban shows there. */
interface Status {
  readonly id: string;
  readonly ready: boolean;
  readonly neighbors: readonly unknown[];
}

/**
 * A ban of the mesh, from outside the cluster, under traffic: the pod is out, for every peer and for clients; it comes back
 * with the same key and is refused; lifted, it is one of them again.
 */
export async function banReachesTheMesh(release: Release, operator: Operator, peers: number): Promise<string> {
  const pods = await release.peers();
  const [asked, subject, ...others] = pods as [Pod, Pod, ...Pod[]];
  const statusOf = async () => JSON.parse(await release.get(subject.name, '/status')) as Status;
  const { id } = await statusOf();
  const traffic = await startTraffic(release, apiOf(others));
  await operator.starling(release, asked.name, ['ban', subject.name, '--for', '1h', '--reason', 'sends rubbish']);
  try {
    await eventually(30_000, () => outOfTheMesh(statusOf));
    await Promise.all(
      others.map(({ name }) =>
        eventually(60_000, async () => {
          const banned = await release.metric(name, 'starling_banned_peers{scope="mesh"}');
          if (banned !== 1) throw new Error(`${name} knows of ${banned} bans`);
        }),
      ),
    );
    await eventually(30_000, async () => {
      const addresses = await endpoints(release);
      if (addresses.includes(subject.ip)) throw new Error('the Service still sends clients to the banned pod');
      if (addresses.length !== peers - 1) throw new Error(`the Service has ${addresses.length} of ${peers - 1} peers`);
    });

    // The key lies on its volume: the new pod is the banned peer, and knows nobody who would link with it.
    await release.kubectl(['delete', 'pod', subject.name, '--timeout=60s']);
    await eventually(90_000, async () => {
      const refused = await release.metric(subject.name, 'starling_dials_failed_total{reason="banned"}');
      if (refused === 0) throw new Error('nobody has refused it yet');
      if ((await statusOf()).id !== id) throw new Error('it came back as another peer');
      await outOfTheMesh(statusOf);
    });
  } finally {
    await operator.starling(release, asked.name, ['unban', id]);
  }
  await release.waitForPeers(peers);
  await release.verify(peers);
  return traffic.stop();
}

async function outOfTheMesh(statusOf: () => Promise<Status>): Promise<void> {
  const { ready, neighbors } = await statusOf();
  if (neighbors.length > 0) throw new Error(`the banned peer has ${neighbors.length} neighbours`);
  if (ready) throw new Error('the banned peer is ready for clients');
}

/** Addresses to which the Service for clients sends them. */
async function endpoints(release: Release): Promise<string[]> {
  const path = 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[*]}';
  const selector = `kubernetes.io/service-name=${release.name}`;
  return (await release.kubectl(['get', 'endpointslices', '-l', selector, '-o', path])).split(/\s+/).filter(Boolean);
}
