import { join } from 'node:path';
import { DnsDiscovery, FileDiscovery, PeerCache, staticDiscovery } from '@starling/discovery';
import type { Discovery } from '@starling/host';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';

/** Where this peer looks for others: everything that is configured, all of it, again and again. */
export interface DiscoverySources {
  readonly all: readonly Discovery[];
  /** Peers met last, on disk; null without a data directory. */
  readonly cache: PeerCache | null;
}

/** Builds the sources. A source that fails is told in the log when it begins to, and asked again for ever. */
export function discoveryOf(config: Config, log: Logger): DiscoverySources {
  const onTrouble = (source: string, message: string): void =>
    log.warn({ source, problem: message }, 'a discovery source does not work; asking again');
  const cache = config.dataDir === '' ? null : new PeerCache(join(config.dataDir, 'peers.json'), onTrouble);
  const all: Discovery[] = config.bootstrapDns.map((name) => new DnsDiscovery(withPort(name), onTrouble));
  if (config.bootstrap.length > 0) all.push(staticDiscovery(config.bootstrap));
  if (config.bootstrapFile !== '') all.push(new FileDiscovery(config.bootstrapFile, onTrouble));
  if (cache !== null) all.push(cache);
  return { all, cache };
}

/** SRV records name their port; a plain name means the usual one. */
function withPort(name: string): string {
  return name.startsWith('_') || name.includes(':') ? name : `${name}:7400`;
}
