import { aggregateTree } from './aggregate.ts';
import { attacks } from './attacks.ts';
import { auto } from './auto.ts';
import { crashDetection, flipFlop, stalledPeers } from './detection.ts';
import { dhtLookup } from './dht.ts';
import { dhtAdversaries } from './dht-adversaries.ts';
import { faults } from './faults.ts';
import { hybrid } from './hybrid.ts';
import { fig2, fig4, table1 } from './hyparview.ts';
import { bootstrap, idleCost } from './operation.ts';
import { gossipsubBaseline, ownTrees, treeFig2, treeFig6a, treeLatency } from './plumtree.ts';
import { scale } from './scale.ts';
import type { Scenario } from './scenario.ts';
import { searchLv } from './search.ts';
import { shippedViews } from './shipped-views.ts';
import { summaries } from './summaries.ts';
import { summarySize } from './summary-size.ts';
import { sybil } from './sybil.ts';
import { swarmZones, unnamedZones, zones } from './zones.ts';

/** Every scenario, in the order in which `starling sim --list` and the full table show them. */
export const scenarios: readonly Scenario[] = [
  table1,
  fig2,
  fig4,
  shippedViews,
  treeFig2,
  treeFig6a,
  treeLatency,
  ownTrees,
  gossipsubBaseline,
  zones,
  swarmZones,
  unnamedZones,
  crashDetection,
  stalledPeers,
  flipFlop,
  bootstrap,
  idleCost,
  summaries,
  summarySize,
  auto,
  hybrid,
  aggregateTree,
  faults,
  sybil,
  dhtLookup,
  dhtAdversaries,
  ...attacks,
  searchLv,
  scale,
];
