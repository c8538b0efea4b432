import type { Discovery } from '@starling/host';
import type { Config } from '../config/schema.ts';

/** Where this peer looks for others: everything that is configured, all of it, again and again. */
export function discoveryOf(config: Config): readonly Discovery[] {
  const sources: Discovery[] = [];
  if (config.bootstrap.length > 0) {
    sources.push({ name: 'static', find: () => Promise.resolve(config.bootstrap) });
  }
  return sources;
}
