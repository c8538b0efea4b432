import type { Millis, Rng } from '@starling/kernel';
import { type Fault, type FaultKind, faultKinds } from './fault.ts';

/** How a plan is drawn. */
export interface PlanOptions {
  readonly peers: number;
  /** Faults begin within this span. */
  readonly fromMs: Millis;
  readonly toMs: Millis;
  readonly count: number;
}

/** Draws a plan of faults. The first is of the class that `seed` is due for, so that a row of seeds goes through all classes. */
export function drawPlan(seed: number, rng: Rng, options: PlanOptions): Fault[] {
  return Array.from({ length: options.count }, (_, i) => {
    const kind = i === 0 ? faultKinds[seed % faultKinds.length] : faultKinds[rng.below(faultKinds.length)];
    return drawFault(kind as FaultKind, rng, options);
  });
}

function drawFault(kind: FaultKind, rng: Rng, { peers, fromMs, toMs }: PlanOptions): Fault {
  const atMs = Math.round(fromMs + rng.float() * (toMs - fromMs));
  const all = Array.from({ length: peers }, (_, i) => i);
  /** A random group, of at least one and at most the given share. */
  const some = (share: number): number[] => rng.sample(all, 1 + rng.below(Math.max(1, Math.floor(peers * share))));
  const span = (leastMs: number, mostMs: number): number => Math.round(leastMs + rng.float() * (mostMs - leastMs));
  switch (kind) {
    case 'crash':
      return { kind, atMs, peers: some(0.5) };
    case 'hostLoss':
      return { kind, atMs, peers: some(0.3) };
    case 'restart':
      return { kind, atMs, peers: some(0.3), forMs: span(0, 20_000), identity: rng.below(2) === 0 ? 'same' : 'new' };
    case 'rollingRestart':
      return { kind, atMs, peers: some(0.2), everyMs: span(500, 2_000), forMs: span(500, 5_000) };
    case 'joinStorm':
      return { kind, atMs, count: 1 + rng.below(Math.max(1, peers >> 1)) };
    case 'churn':
      return { kind, atMs, peers: some(0.2), everyMs: span(200, 2_000) };
    case 'pause':
      return { kind, atMs, peers: some(0.1), forMs: span(100, 30_000) };
    case 'slow':
      return { kind, atMs, peers: some(0.1), serviceMs: span(1, 20), forMs: span(5_000, 20_000) };
    case 'partition':
      return { kind, atMs, peers: some(0.5), oneWay: rng.below(3) === 0, forMs: span(1_000, 45_000) };
    case 'flipFlop':
      return {
        kind,
        atMs,
        peers: some(0.1),
        oneWay: rng.below(2) === 0,
        onMs: span(500, 20_000),
        offMs: span(500, 20_000),
        forMs: span(5_000, 45_000),
      };
    case 'loss':
      return { kind, atMs, probability: rng.float() * 0.2, resetProbability: 0.05, forMs: span(1_000, 20_000) };
    case 'linkReset':
      return { kind, atMs, peers: some(0.5) };
    case 'bootstrapLoss':
      return { kind, atMs, forMs: span(5_000, 45_000) };
    case 'clockSkew':
      return { kind, atMs, peers: some(0.2), skewMs: span(10, 30_000) };
    case 'garble':
      return { kind, atMs, probability: rng.float() * 0.02, forMs: span(1_000, 20_000) };
  }
}
