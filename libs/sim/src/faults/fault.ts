import type { Millis } from '@starling/kernel';

/** Something that goes wrong, as data: when it begins, how long it lasts, whom it hits. Peers by index. */
export type Fault = { readonly atMs: Millis } & (
  | { readonly kind: 'crash'; readonly peers: readonly number[] }
  /** The host goes with the process: nobody is told. */
  | { readonly kind: 'hostLoss'; readonly peers: readonly number[] }
  /** Down for `forMs`, then back: under the same id with a higher incarnation, or as a new peer. */
  | {
      readonly kind: 'restart';
      readonly peers: readonly number[];
      readonly forMs: Millis;
      readonly identity: 'same' | 'new';
    }
  /** One after the other, `everyMs` apart, each leaving properly first. */
  | {
      readonly kind: 'rollingRestart';
      readonly peers: readonly number[];
      readonly everyMs: Millis;
      readonly forMs: Millis;
    }
  | { readonly kind: 'joinStorm'; readonly count: number }
  /** Random peers stop and new ones start, one of each every `everyMs`. */
  | { readonly kind: 'churn'; readonly peers: readonly number[]; readonly everyMs: Millis }
  /** A stopped event loop: garbage collection, a starved container. */
  | { readonly kind: 'pause'; readonly peers: readonly number[]; readonly forMs: Millis }
  | { readonly kind: 'slow'; readonly peers: readonly number[]; readonly serviceMs: Millis; readonly forMs: Millis }
  /** Nothing passes between these peers and the rest; with `oneWay`, nothing from them to the rest. */
  | { readonly kind: 'partition'; readonly peers: readonly number[]; readonly oneWay: boolean; readonly forMs: Millis }
  /** As a partition that comes and goes: `onMs` cut, `offMs` whole. `oneWay` loses what the peers are sent (Rapid §7). */
  | {
      readonly kind: 'flipFlop';
      readonly peers: readonly number[];
      readonly oneWay: boolean;
      readonly onMs: Millis;
      readonly offMs: Millis;
      readonly forMs: Millis;
    }
  /** Packets are lost everywhere: TCP delays them and sometimes gives up. */
  | { readonly kind: 'loss'; readonly probability: number; readonly resetProbability: number; readonly forMs: Millis }
  /** Every link of these peers breaks at once. */
  | { readonly kind: 'linkReset'; readonly peers: readonly number[] }
  /** Discovery answers nothing. */
  | { readonly kind: 'bootstrapLoss'; readonly forMs: Millis }
  /** A clock that is wrong from here on; only forwards, for a host promises a clock that never goes back. */
  | { readonly kind: 'clockSkew'; readonly peers: readonly number[]; readonly skewMs: Millis }
  /** A share of all messages arrives as garbage. */
  | { readonly kind: 'garble'; readonly probability: number; readonly forMs: Millis }
);

export type FaultKind = Fault['kind'];

/** Every class of fault. */
export const faultKinds = [
  'crash',
  'hostLoss',
  'restart',
  'rollingRestart',
  'joinStorm',
  'churn',
  'pause',
  'slow',
  'partition',
  'flipFlop',
  'loss',
  'linkReset',
  'bootstrapLoss',
  'clockSkew',
  'garble',
] as const satisfies readonly FaultKind[];

/** When a fault has done what it does. */
export function faultEnd(fault: Fault): Millis {
  switch (fault.kind) {
    case 'crash':
    case 'hostLoss':
    case 'joinStorm':
    case 'linkReset':
    case 'clockSkew':
      return fault.atMs;
    case 'rollingRestart':
      return fault.atMs + fault.everyMs * fault.peers.length + fault.forMs;
    case 'churn':
      return fault.atMs + fault.everyMs * fault.peers.length;
    default:
      return fault.atMs + fault.forMs;
  }
}

/** A fault in a few words, for people. */
export function describeFault(fault: Fault): string {
  const whom = 'peers' in fault ? ` of ${fault.peers.length}` : fault.kind === 'joinStorm' ? ` of ${fault.count}` : '';
  const span = faultEnd(fault) > fault.atMs ? ` to ${Math.round(faultEnd(fault))}` : '';
  return `${fault.kind}${whom} at ${Math.round(fault.atMs)}${span} ms`;
}
