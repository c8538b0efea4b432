import { defaultHyParViewConfig } from '@starling/core-hyparview';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { componentSizes } from '../measure/graph.ts';
import { sampleOf } from './hyparview.ts';
import type { Scenario } from './scenario.ts';
import { activeGraph, anyLive, settledSwarm, swarmConfig } from './swarm.ts';

/** Above this many peers the order asks for fewer broadcasts. */
const largePeers = 50_000;

export const scale: Scenario = {
  name: 'scale',
  about: 'how much simulated work a second of CPU does: join, 50 cycles, 200 broadcasts (target 33)',
  engine: 'event',
  setup:
    'the shipped views (active 7, passive 100), LAN delays, joins 0.5 ms apart through one contact, broadcasts 100 ms apart from random peers; 20 broadcasts from 50,000 peers on',
  peers: 10_000,
  seeds: 1,
  cpuSeconds: 300,
  isMeasuredAlone: true,
  reduced: { peers: 60, seeds: 1 },
  goals: [
    {
      id: 'cpuSeconds',
      what: 'CPU',
      unit: 's',
      paper: 'iroh ≈ 15 (30 broadcasts)',
      goal: { is: '≤', value: 60 },
      judgedBy: 'worst',
    },
    {
      id: 'megaEventsPerSecond',
      what: 'events per CPU second',
      unit: 'M/s',
      paper: '–',
      goal: { is: '≥', value: 1 },
      peersMin: 10_000,
      judgedBy: 'worst',
    },
    {
      id: 'residentMiB',
      what: 'resident memory',
      unit: 'MiB',
      paper: '–',
      goal: { is: '≤', value: 2_048 },
      judgedBy: 'worst',
    },
    { id: 'components', what: 'components', unit: '', paper: '–', goal: { is: '≤', value: 1 }, judgedBy: 'worst' },
    { id: 'missed', what: 'deliveries missed', unit: '', paper: '–', goal: { is: '≤', value: 0 }, judgedBy: 'worst' },
  ],
  run(peers, seed) {
    const { world, deliveries } = settledSwarm({
      peers,
      seed,
      network: network(latencies.lan),
      config: swarmConfig(defaultHyParViewConfig),
      joinEveryMs: 0.5,
      cycles: 50,
    });
    const broadcasts = peers >= largePeers ? 20 : 200;
    for (let i = 0; i < broadcasts; i++) {
      deliveries.publish(anyLive(world));
      world.runUntil(world.now + 100);
    }
    world.runUntil(world.now + 5_000);
    return sampleOf(world, seed, {
      components: componentSizes(activeGraph(world)).length,
      missed: deliveries.records.reduce((sum, { delivered }) => sum + peers - delivered, 0),
    });
  },
};
