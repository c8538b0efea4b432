import type { AttackStrength } from '../attacks/adversary.ts';
import type { Goal, Sample } from '../report.ts';

/** What a replay may change about a run besides its size and seed. */
export interface RunVariation {
  /** Only the faults with these numbers, from 0, of those that the seed draws. */
  readonly faults?: readonly number[];
  /** How strong the attackers are, where the scenario's own strength is not wanted. */
  readonly attack?: Partial<AttackStrength>;
  /** Only this one of the meshes that the scenario compares, "defended" for instance. */
  readonly variant?: string;
}

/** A reproducible experiment: data, and a function from a size and a seed to measured values. */
export interface Scenario {
  /** What the command line calls it: `area/figure`. */
  readonly name: string;
  /** One sentence: what it asks. */
  readonly about: string;
  /** `cycle`: nothing takes time, as in the papers. `event`: links have delays. They give different hop counts. */
  readonly engine: 'event' | 'cycle';
  /** View sizes, network, workload: what a reader needs to repeat it elsewhere. */
  readonly setup: string;
  /** Full scale: that of the figure it is compared with. */
  readonly peers: number;
  readonly seeds: number;
  /** About what one seed costs at full scale, in seconds of CPU: how long the full table takes is said before it runs. */
  readonly cpuSeconds: number;
  /** It measures CPU and memory of the process: nothing else may run beside it. */
  readonly isMeasuredAlone?: boolean;
  /** What `npm test` runs, in a second or so. */
  readonly reduced: { readonly peers: number; readonly seeds: number };
  readonly goals: readonly Goal[];
  /** What of an attack's strength may be turned; nothing where nobody attacks. */
  readonly strength?: readonly (keyof AttackStrength)[];
  /** The meshes that it compares, of which one may be run alone. */
  readonly variants?: readonly string[];
  /** Whether its seeds draw faults, of which some may be left out. */
  readonly hasFaults?: boolean;
  /** Measures one seed. */
  run(peers: number, seed: number, variation?: RunVariation): Sample;
  /** For a seed that broke an invariant: options of a smaller run that breaks it too; empty when there is none. */
  shrink?(peers: number, seed: number): string;
}
