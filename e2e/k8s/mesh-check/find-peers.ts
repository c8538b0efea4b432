import { Resolver } from 'node:dns/promises';

/** Port of the gRPC API in the images and the chart. */
const apiPort = 7401;

/** API addresses behind a DNS name, sorted; empty when it does not resolve. */
export async function findPeers(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  const [v4, v6] = await Promise.all([
    resolver.resolve4(name).catch((): string[] => []),
    resolver.resolve6(name).catch((): string[] => []),
  ]);
  // Dual stack: a peer listens on one family and would be counted twice.
  const hosts = v4.length > 0 ? v4 : v6.map((address) => `[${address}]`);
  return [...new Set(hosts)].sort().map((host) => `${host}:${apiPort}`);
}
