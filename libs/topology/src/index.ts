export { type Change, ChangeLog, type NumberedChange } from './change-log.ts';
export { type Connection, components, hopsFrom } from './components.ts';
export {
  type Bundle,
  type CondensedPicture,
  condense,
  type ZoneNode,
  zoneKey,
  zoneOfKey,
} from './condensed.ts';
export { type Coverage, coverageOf } from './coverage.ts';
export {
  type Edge,
  type EdgeRole,
  edgeKey,
  edgeMessagesPerSecond,
  edgeRole,
  edgeRttMs,
  type Flow,
  flowFrom,
  otherEnd,
  viewFrom,
} from './edge.ts';
export { exportedPicture } from './export.ts';
export type {
  BanFacts,
  LinkFacts,
  LinkRole,
  PeerCondition,
  PeerFacts,
  PeerState,
  RemovalReason,
  ReportFacts,
  TopologyDelta,
  TopologySnapshot,
} from './facts.ts';
export { type FindField, type FindQuery, type FindSubject, findFields, parseFind } from './find.ts';
export { type Finding, findingsOf, lostMsMax, settleMs } from './findings.ts';
export {
  defaultFoldingConfig,
  drawnPeers,
  type FoldingConfig,
  type FoldingFocus,
  isFoldedAt,
} from './folding.ts';
export { hash32, hashUnit } from './hash.ts';
export {
  defaultHealthLimits,
  type Health,
  type HealthEvidence,
  type HealthLimits,
  type HealthVerdict,
  healthOf,
} from './health.ts';
export { DistanceLayout } from './layout/distance-layout.ts';
export { ForceLayout } from './layout/force-layout.ts';
export type { Guide, Layout, LayoutEdge, LayoutInput, LayoutPeer, LayoutResult, Point } from './layout/layout.ts';
export { RingLayout } from './layout/ring-layout.ts';
export { ZoneLayout } from './layout/zone-layout.ts';
export {
  defaultMeshPictureConfig,
  type GonePeer,
  MeshPicture,
  type MeshPictureConfig,
  type PeerView,
  type PictureSince,
  type PictureStep,
} from './mesh-picture.ts';
export { quantile, type Totals, totalsOf } from './totals.ts';
export {
  linksBetween,
  type MatrixZone,
  matrixZonesMax,
  type ZoneMatrix,
  type ZonePair,
  zoneMatrix,
} from './zone-matrix.ts';
