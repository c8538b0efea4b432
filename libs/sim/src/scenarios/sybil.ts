import { defaultHyParViewConfig, type HyParViewConfig } from '@starling/core-hyparview';
import { Adversary, type AttackStrength } from '../attacks/adversary.ts';
import { SybilNode } from '../attacks/sybil-node.ts';
import { latencies } from '../engine/latency.ts';
import { cycleNetwork, network } from '../engine/network.ts';
import { componentSizes, graphOf } from '../measure/graph.ts';
import { clusterDns } from '../node/discovery.ts';
import type { Goal, Sample } from '../report.ts';
import type { RunVariation, Scenario } from './scenario.ts';
import {
  livePeers,
  nodeOf,
  oneByOne,
  paperViews,
  type Swarm,
  type SwarmPeer,
  settledSwarm,
  swarmConfig,
} from './swarm.ts';

/** A fifth of the peers, each asking once per cycle: target 30 of the order. */
const usual: AttackStrength = { attackersPercent: 20, requests: 1, poison: 1, cycles: 200 };

/** The paper's membership: two fixed views, a shuffle per cycle, whoever asks with high priority is let in. */
const plainViews: HyParViewConfig = {
  ...paperViews,
  shuffleIntervalMs: paperViews.shuffleFastIntervalMs,
};

const meshes: readonly (readonly [name: string, views: HyParViewConfig])[] = [
  ['plain', plainViews],
  ['defended', defaultHyParViewConfig],
];

/** What the attackers hold of the honest peers. */
interface Capture {
  /** Of the honest peers' active links (connections, not peers), in percent. */
  readonly active: number;
  /** Of the honest peers' passive entries, in percent. */
  readonly passive: number;
  /** Honest peers without a single honest neighbour, in percent of the honest. */
  readonly eclipsed: number;
  /** Honest peers in the largest part that honest links alone hold together, in percent. */
  readonly together: number;
}

function captureOf(swarm: Swarm, adversary: Adversary): Capture {
  const honest = livePeers(swarm.world).filter(({ info }) => !adversary.has(info.id));
  let links = 0;
  let captured = 0;
  let spares = 0;
  let poisoned = 0;
  let eclipsed = 0;
  const graph = graphOf(
    honest.map((peer) => {
      const { membership } = nodeOf(peer);
      const trusted = membership.activeView().filter(({ id }) => !adversary.has(id));
      links += membership.activeView().length;
      captured += membership.activeView().length - trusted.length;
      spares += membership.passiveView().length;
      poisoned += membership.passiveView().filter(({ id }) => adversary.has(id)).length;
      if (trusted.length === 0) eclipsed++;
      return { id: peer.info.id, links: trusted.map(({ id }) => id) };
    }),
  );
  return {
    active: (100 * captured) / Math.max(1, links),
    passive: (100 * poisoned) / Math.max(1, spares),
    eclipsed: (100 * eclipsed) / honest.length,
    together: (100 * (componentSizes(graph)[0] ?? 0)) / honest.length,
  };
}

interface Siege {
  readonly peers: number;
  readonly seed: number;
  readonly views: HyParViewConfig;
  readonly strength: AttackStrength;
}

/** Lets a swarm form in which the attackers still behave, then the attack run its cycles. */
function besieged({ peers, seed, views, strength }: Siege): {
  swarm: Swarm;
  adversary: Adversary;
  before: Capture;
} {
  const adversary = new Adversary(strength, peers, seed);
  const swarm = settledSwarm({
    ...oneByOne,
    peers,
    seed,
    joinNetwork: cycleNetwork,
    network: network(latencies.unit),
    config: swarmConfig(views),
    discovery: clusterDns,
    bootAs: (config, info, rng) => (adversary.has(info.id) ? new SybilNode(adversary, config, info, rng) : undefined),
  });
  for (const { info } of swarm.world.peers) if (!adversary.has(info.id)) adversary.aim(info);
  const before = captureOf(swarm, adversary);
  adversary.attacksFrom = swarm.world.now;
  // A peer's deadline changed behind its back: wake them.
  for (const peer of attackersOf(swarm, adversary)) swarm.world.command(peer, { kind: 'contacts', peers: [] });
  swarm.world.runUntil(swarm.world.now + 1_000 * strength.cycles);
  return { swarm, adversary, before };
}

function attackersOf(swarm: Swarm, adversary: Adversary): SwarmPeer[] {
  return swarm.world.peers.filter(({ info }) => adversary.has(info.id));
}

const rivals = '45 / 95 (5 %), 96 / 100 (20 %) at cycle 50 / 200';

function rows(prefix: string, who: string, paper: string, isPromise: boolean): Goal[] {
  const goal = (value: number) => (isPromise ? ({ is: '≤', value } as const) : null);
  return [
    {
      id: `${prefix}Before`,
      what: `${who}: links held before the attack`,
      unit: '%',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
    { id: `${prefix}Active`, what: `${who}: links held after it`, unit: '%', paper, goal: null, judgedBy: 'worst' },
    {
      id: `${prefix}Ratio`,
      what: `${who}: … by the attackers' share of the peers`,
      unit: '',
      paper: '–',
      goal: goal(1.25),
      judgedBy: 'worst',
    },
    {
      id: `${prefix}Eclipsed`,
      what: `${who}: honest peers eclipsed`,
      unit: '%',
      paper: '–',
      goal: goal(0.1),
      judgedBy: 'mean',
    },
    {
      id: `${prefix}Passive`,
      what: `${who}: spares that are attackers`,
      unit: '%',
      paper: '–',
      goal: null,
      judgedBy: 'worst',
    },
    {
      id: `${prefix}Together`,
      what: `${who}: honest peers held together by honest links`,
      unit: '%',
      paper: '–',
      goal: null,
      judgedBy: 'worst',
    },
  ];
}

export const sybil: Scenario = {
  name: 'sybil/eclipse',
  about: 'how many links of honest peers attackers with valid identities take (target 30)',
  engine: 'event',
  setup: `attackers ${usual.attackersPercent} % of the peers (not connections), each with ${usual.requests} request of high priority and ${usual.poison} poisoned walk per link and cycle of 1 s, for ${usual.cycles} cycles, after 50 cycles of good behaviour; "plain" is the paper's HyParView (5/30), "defended" the shipped membership`,
  peers: 1_000,
  seeds: 5,
  cpuSeconds: 115,
  reduced: { peers: 40, seeds: 1 },
  strength: ['attackersPercent', 'requests', 'poison', 'cycles'],
  variants: meshes.map(([name]) => name),
  goals: [...rows('plain', 'plain', rivals, false), ...rows('defended', 'defended', '–', true)],
  run: (peers, seed, variation) => siegeSample(peers, seed, variation),
};

function siegeSample(peers: number, seed: number, variation: RunVariation = {}): Sample {
  const strength = { ...usual, ...variation.attack };
  const values: Record<string, number> = {};
  const hashes: string[] = [];
  let events = 0;
  for (const [name, views] of meshes) {
    if (variation.variant !== undefined && variation.variant !== name) continue;
    const { swarm, adversary, before } = besieged({ peers, seed, views, strength });
    const after = captureOf(swarm, adversary);
    // Of those that there are: a share of few peers is not a whole number. None: they hold nothing either.
    const share = (100 * Math.max(1, adversary.attackers.length)) / peers;
    values[`${name}Before`] = before.active;
    values[`${name}Active`] = after.active;
    values[`${name}Ratio`] = after.active / share;
    values[`${name}Eclipsed`] = after.eclipsed;
    values[`${name}Passive`] = after.passive;
    values[`${name}Together`] = after.together;
    hashes.push(swarm.world.traceHash);
    events += swarm.world.stats.events;
  }
  return { seed, values, traceHash: hashes.join('-'), violations: [], events };
}
