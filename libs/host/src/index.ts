export type { Clock, TimerHandle } from './clock.ts';
export { ContactError, type ContactFailure } from './contact-error.ts';
export {
  type Discovery,
  DiscoveryLoop,
  type DiscoveryLoopConfig,
  type DiscoveryLoopPort,
  type DiscoveryStats,
  defaultDiscoveryLoopConfig,
} from './discovery.ts';
export {
  defaultHostConfig,
  Host,
  type HostConfig,
  type HostDependencies,
  type HostedMesh,
  type HostListener,
  type HostStats,
  type HostTap,
} from './host.ts';
export type { LinkStats, Transport, TransportHandler } from './transport.ts';
