import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import type {
  BanFacts,
  LinkFacts,
  PeerCondition,
  PeerFacts,
  PeerState,
  RemovalReason,
  ReportFacts,
  TopologyDelta,
  TopologySnapshot,
} from '@starling/topology';
import {
  type Ban,
  BanScope,
  BanSource,
  type Link,
  LinkRole,
  type Peer,
  type PeerReport,
  type TopologyDelta as WireDelta,
  PeerCondition as WirePeerCondition,
  PeerState as WirePeerState,
  type TopologySnapshot as WireSnapshot,
} from '@starling/wire';

const conditions: Readonly<Partial<Record<WirePeerCondition, PeerCondition>>> = {
  [WirePeerCondition.NEIGHBORS_BYPASSED]: 'neighborsBypassed',
  [WirePeerCondition.CERTIFICATE_LATE]: 'certificateLate',
  [WirePeerCondition.CERTIFICATE_EXPIRED]: 'certificateExpired',
  [WirePeerCondition.AUTHORITY_LATE]: 'authorityLate',
  [WirePeerCondition.AUTHORITY_EXPIRED]: 'authorityExpired',
  [WirePeerCondition.CACHE_UNWRITTEN]: 'cacheUnwritten',
};

/** Milliseconds since 1970; 0 when unset. */
export function millisOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1000 + time.nanos / 1e6;
}

/** Milliseconds; null when unset. */
export function durationMs(duration: Duration | undefined): number | null {
  return duration === undefined ? null : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** A snapshot as a plain object. Reports without a peer are left out: there is nobody to show. */
export function snapshotFacts(snapshot: WireSnapshot): TopologySnapshot {
  return { reports: snapshot.reports.flatMap(reportFacts), silentPeers: snapshot.silentPeers.map(peerFacts) };
}

/** A delta as a plain object. */
export function deltaFacts(delta: WireDelta): TopologyDelta {
  return {
    reports: delta.reports.flatMap(reportFacts),
    silentPeers: delta.silentPeers.map(peerFacts),
    removedPeers: delta.removedPeers.map(({ id, reason }) => ({ id, reason: removalReason(reason) })),
  };
}

function reportFacts(report: PeerReport): ReportFacts[] {
  if (report.peer === undefined) return [];
  return [
    {
      peer: peerFacts(report.peer),
      links: report.links.map(linkFacts),
      deliveredPerSecond: rate(report.deliveredPerSecond),
      publishedPerSecond: rate(report.publishedPerSecond),
      droppedPerSecond: rate(report.droppedPerSecond),
      passiveViewSize: report.passiveViewSize,
      documentCount: Number(report.documentCount),
      heapBytes: Number(report.heapBytes),
      loopUtilization: rate(report.loopUtilization),
      conditions: report.conditions.flatMap((condition) => conditions[condition] ?? []),
      reportTime: Math.round(millisOf(report.reportTime)),
    },
  ];
}

function peerFacts(peer: Peer): PeerFacts {
  return {
    id: peer.id,
    name: peer.name,
    zone: peer.zone,
    linkAddress: peer.linkAddress,
    apiAddress: peer.apiAddress,
    incarnation: Math.round(millisOf(peer.incarnationTime)),
    state: peerState(peer.state),
    version: peer.version,
    ...(peer.ban !== undefined && { ban: banFacts(peer.ban) }),
  };
}

function banFacts({ by, reason, scope, source, until }: Ban): BanFacts {
  return {
    by,
    reason,
    scope: scope === BanScope.MESH ? 'mesh' : 'peer',
    isAutomatic: source === BanSource.AUTOMATIC,
    until: until === undefined ? null : Math.round(millisOf(until)),
  };
}

function linkFacts(link: Link): LinkFacts {
  const rttMs = durationMs(link.roundTripTime);
  return {
    peerId: link.peerId,
    role: link.role === LinkRole.EAGER ? 'eager' : 'lazy',
    rttMs: rttMs === null ? null : rate(rttMs),
    messagesInPerSecond: rate(link.messagesInPerSecond),
    messagesOutPerSecond: rate(link.messagesOutPerSecond),
    bytesInPerSecond: Math.round(link.bytesInPerSecond),
    bytesOutPerSecond: Math.round(link.bytesOutPerSecond),
    duplicatesPerSecond: rate(link.duplicatesPerSecond),
  };
}

/** Three decimals are more than is shown, and a third of the JSON that a double's seventeen digits make. */
function rate(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : 0;
}

function peerState(state: WirePeerState): PeerState {
  switch (state) {
    case WirePeerState.STARTING:
      return 'starting';
    case WirePeerState.READY:
      return 'ready';
    case WirePeerState.DRAINING:
      return 'draining';
    default:
      // A later version's word.
      return 'unknown';
  }
}

function removalReason(reason: string): RemovalReason {
  return reason === 'left' || reason === 'dead' ? reason : 'expired';
}
