export type { AttackStrength } from './attacks/adversary.ts';
export { type LifeId, MessageChecker, numberOf, payloadOf } from './checkers/messages.ts';
export { checkOverlay, checkViews, type ViewBounds, type Views } from './checkers/views.ts';
export type { Cut } from './engine/cuts.ts';
export { EventQueue, msFromTicks, ticksFromMs, ticksPerMs } from './engine/event-queue.ts';
export { baseLatency, type Latency, latencies, zonesOf } from './engine/latency.ts';
export { cycleNetwork, type NetworkModel, network } from './engine/network.ts';
export type { SimPeer } from './engine/peer.ts';
export { TraceHash } from './engine/trace-hash.ts';
export { World } from './engine/world.ts';
export { tagOfKind, type WorldObserver, type WorldOptions, type WorldStats } from './engine/world-port.ts';
export { describeFault, type Fault, type FaultKind, faultEnd, faultKinds } from './faults/fault.ts';
export { Injector, type InjectorPort } from './faults/injector.ts';
export { drawPlan, type PlanOptions } from './faults/plan.ts';
export { frameOverheadBytes, messageBytes } from './measure/wire-bytes.ts';
export { clusterDns, Discovery, type DiscoveryModel, singleContact } from './node/discovery.ts';
export { MeshNode, type SimMessage } from './node/mesh-node.ts';
export {
  type SwarmCommand,
  type SwarmConfig,
  type SwarmEvent,
  type SwarmMessage,
  SwarmNode,
} from './node/swarm-node.ts';
export {
  type Bound,
  formatReport,
  type Goal,
  type ReportFailure,
  type ReportRow,
  type Sample,
  type ScenarioReport,
  type Verdict,
} from './report.ts';
export {
  findScenario,
  type Meter,
  planRun,
  type RunOptions,
  replayCommand,
  reportOf,
  runScenario,
  runSeed,
  type SeedResult,
  type SeedTask,
  takenBy,
} from './runner.ts';
export { scenarios } from './scenarios/registry.ts';
export type { RunVariation, Scenario } from './scenarios/scenario.ts';
