import type { Discovery } from '@starling/host';

/** Addresses from the configuration. */
export function staticDiscovery(addresses: readonly string[]): Discovery {
  return { name: 'static', find: () => Promise.resolve(addresses) };
}
