import type { Millis, Rng } from '@starling/kernel';
import { noise } from './trace-hash.ts';

/** One-way delays of a network, as data. A pair of peers keeps its base delay for the whole run; jitter is drawn per message. */
export type Latency =
  | { readonly kind: 'fixed'; readonly ms: Millis }
  /** Each pair's base is uniform in `minMs` … `maxMs`. */
  | { readonly kind: 'uniform'; readonly minMs: Millis; readonly maxMs: Millis }
  /** `betweenMs[a][b]`: base delay from zone `a` to zone `b`; each pair varies around it, and each message again, by up to ±`spread`. */
  | {
      readonly kind: 'zones';
      readonly betweenMs: readonly (readonly Millis[])[];
      readonly spread: number;
      /** False: peers are told no zone. */
      readonly isNamed?: boolean;
    };

/** Everything alike inside a zone and alike across zones. */
function clusters(
  zones: number,
  insideMs: Millis,
  acrossMs: Millis,
  spread: number,
): Extract<Latency, { kind: 'zones' }> {
  const all = Array.from({ length: zones }, (_, i) => i);
  return { kind: 'zones', spread, betweenMs: all.map((a) => all.map((b) => (a === b ? insideMs : acrossMs))) };
}

/** The networks that scenarios choose from. */
export const latencies = {
  /** A cycle engine's: everything at once. */
  zero: { kind: 'fixed', ms: 0 },
  /** One millisecond a hop: time counts hops. */
  unit: { kind: 'fixed', ms: 1 },
  /** One switch. */
  lan: { kind: 'uniform', minMs: 0.125, maxMs: 0.5 },
  /** Three availability zones of one region. */
  threeZones: clusters(3, 0.25, 1, 0.25),
  /** iroh-gossip's simulator and many others: uniform 10–50 ms. */
  uniform10to50: { kind: 'uniform', minMs: 10, maxMs: 50 },
  /** gossipsub evaluation report 2020-001: 50 ms ± 10 %. */
  gossipsub: { kind: 'uniform', minMs: 45, maxMs: 55 },
  /** Five clusters, 0.5 ms inside and 35 ms across. */
  fiveClusters: clusters(5, 0.5, 35, 0),
  /** The same, where nobody has told the peers which is theirs. */
  fiveUnnamedClusters: { ...clusters(5, 0.5, 35, 0), isNamed: false },
  /** Five continents: half of the usual round trips between cloud regions in NA, EU, Asia, South America, Australia. */
  fiveContinents: {
    kind: 'zones',
    spread: 0.1,
    betweenMs: [
      [1, 45, 75, 60, 75],
      [45, 1, 85, 95, 130],
      [75, 85, 1, 135, 50],
      [60, 95, 135, 1, 150],
      [75, 130, 50, 150, 1],
    ],
  },
} as const satisfies Record<string, Latency>;

/** How many zones the network tells apart. */
export function zonesOf(latency: Latency): number {
  return latency.kind === 'zones' ? latency.betweenMs.length : 1;
}

/** What a peer of that zone is told of it: a failure domain, or nothing. */
export function zoneName(latency: Latency, zone: number): string {
  return latency.kind === 'zones' && latency.isNamed !== false ? `zone-${zone}` : '';
}

/** The base delay between two peers, each a number and a zone; the same in both directions when the model is symmetric. */
export function baseLatency(
  latency: Latency,
  seed: number,
  a: number,
  aZone: number,
  b: number,
  bZone: number,
): Millis {
  switch (latency.kind) {
    case 'fixed':
      return latency.ms;
    case 'uniform':
      return latency.minMs + noise(seed, Math.min(a, b), Math.max(a, b)) * (latency.maxMs - latency.minMs);
    case 'zones': {
      const row = latency.betweenMs[aZone % latency.betweenMs.length] ?? [];
      const ms = row[bZone % row.length] ?? 0;
      return ms * (1 + (noise(seed, Math.min(a, b), Math.max(a, b)) * 2 - 1) * latency.spread);
    }
  }
}

/** What one message adds to its pair's base, as a factor of it. */
export function jitter(latency: Latency, rng: Rng): number {
  return latency.kind === 'zones' && latency.spread > 0 ? 1 + rng.float() * latency.spread : 1;
}
