export { DnsDiscovery, type DnsResolver, systemResolver } from './dns-discovery.ts';
export { FileDiscovery } from './file-discovery.ts';
export { defaultPeerCacheConfig, PeerCache, type PeerCacheConfig } from './peer-cache.ts';
export { staticDiscovery } from './static-discovery.ts';
export { type OnTrouble, Trouble } from './trouble.ts';
