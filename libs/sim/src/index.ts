export { baseLatency, type Latency, latencies, zonesOf } from './engine/latency.ts';
export { cycleNetwork, type NetworkModel, network } from './engine/network.ts';
export type { SimPeer } from './engine/peer.ts';
export { tagOfKind, World, type WorldObserver, type WorldOptions, type WorldStats } from './engine/world.ts';
export { formatReport, type ScenarioReport } from './report.ts';
export { findScenario, type RunOptions, runScenario } from './runner.ts';
export { scenarios } from './scenarios/registry.ts';
