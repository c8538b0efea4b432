import { eventually } from '../support/shell.ts';
import type { Release } from './release.ts';

/** Messages that flow until `stop`, which says how many, and throws when one was lost. */
export interface Traffic {
  stop(): Promise<string>;
}

/** A publisher and a subscriber that use the SDK inside the cluster. */
export async function startTraffic(release: Release, addresses: readonly string[]): Promise<Traffic> {
  const pod = await release.startMeshCheck(['traffic', `--addresses=${addresses.join(',')}`, '--rate=20']);
  await eventually(60_000, async () => {
    const log = await release.kubectl(['logs', pod]);
    if (!log.includes('listening')) throw new Error(`no traffic:\n${log}`);
  });
  return {
    async stop() {
      await release.kubectl(['exec', pod, '--', 'sh', '-c', 'kill -TERM 1']);
      const { code, output } = await release.endOf(pod, 90_000);
      if (code !== 0) throw new Error(output);
      return output.trim().split('\n').at(-1) ?? '';
    },
  };
}

/** Where all of these listen for clients. */
export function apiOf(pods: readonly { readonly ip: string }[]): string[] {
  return pods.map(({ ip }) => `${ip}:7401`);
}
