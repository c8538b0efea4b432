import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { PeerCondition as Condition, LinkReport } from '@starling/core-observe';
import type { PeerInfo } from '@starling/kernel';
import {
  type Ban,
  BanSchema,
  BanScope,
  BanSource,
  type Link,
  LinkRole,
  LinkSchema,
  type Peer,
  PeerCondition,
  type PeerReport,
  PeerReportSchema,
  PeerSchema,
  PeerState,
  type TopologyDelta,
  type TopologySnapshot,
  type WatchTopologyResponse,
  WatchTopologyResponseSchema,
} from '@starling/wire';
import type { BanEntry } from '../bans/ban-desk.ts';
import type { PeerState as State } from '../overlay/readiness.ts';
import type { HeardReport, TopologyChange } from '../overlay/topology-feed.ts';

const states: Readonly<Record<State, PeerState>> = {
  starting: PeerState.STARTING,
  ready: PeerState.READY,
  draining: PeerState.DRAINING,
  stopped: PeerState.DRAINING,
};

const conditions: Readonly<Record<Condition, PeerCondition>> = {
  neighborsBypassed: PeerCondition.NEIGHBORS_BYPASSED,
  certificateLate: PeerCondition.CERTIFICATE_LATE,
  certificateExpired: PeerCondition.CERTIFICATE_EXPIRED,
  authorityLate: PeerCondition.AUTHORITY_LATE,
  authorityExpired: PeerCondition.AUTHORITY_EXPIRED,
  cacheUnwritten: PeerCondition.CACHE_UNWRITTEN,
};

/** `state` is left out when it is not known: another peer's is, unless it reports. */
export function toPeer(info: PeerInfo, state?: State, ban: BanEntry | null = null): Peer {
  return create(PeerSchema, {
    ...(ban !== null && { ban: toBan(ban) }),
    id: info.id,
    name: info.name,
    zone: info.zone,
    linkAddress: info.address,
    apiAddress: info.apiAddress,
    incarnationTime: timestampFromMs(info.incarnation),
    state: state === undefined ? PeerState.UNSPECIFIED : states[state],
    version: info.version ?? '',
  });
}

export function toTimestamp(ms: number): ReturnType<typeof timestampFromMs> {
  return timestampFromMs(Math.round(ms));
}

export function toBan(entry: BanEntry): Ban {
  const { peer: peerId, reason, by, until, issuedAt, record, isLifted: lifted } = entry;
  const time = (ms: number) => timestampFromMs(Math.round(ms));
  return create(BanSchema, {
    peerId,
    scope: entry.scope === 'mesh' ? BanScope.MESH : BanScope.PEER,
    source: entry.source === 'operator' ? BanSource.OPERATOR : BanSource.AUTOMATIC,
    reason,
    by,
    lifted,
    ...(Number.isFinite(until) && { until: time(until) }),
    ...(issuedAt !== null && { issueTime: time(issuedAt) }),
    ...(record !== null && { number: BigInt(record.number) }),
    ...(record !== null && Number.isFinite(record.expiresAt) && { expireTime: time(record.expiresAt) }),
  });
}

export function toReport({ report, heardAt }: HeardReport): PeerReport {
  return create(PeerReportSchema, {
    peer: toPeer(report.info, report.state),
    links: report.links.map(toLink),
    deliveredPerSecond: report.deliveredPerSecond,
    publishedPerSecond: report.publishedPerSecond,
    droppedPerSecond: report.droppedPerSecond,
    passiveViewSize: report.passiveSize,
    documentCount: BigInt(report.documents),
    heapBytes: BigInt(Math.round(report.heapBytes)),
    loopUtilization: report.loopUtilization,
    conditions: report.conditions.map((condition) => conditions[condition]),
    reportTime: timestampFromMs(Math.round(heardAt)),
  });
}

function toLink(link: LinkReport): Link {
  const message = create(LinkSchema, {
    peerId: link.peer,
    role: link.role === 'eager' ? LinkRole.EAGER : LinkRole.LAZY,
    messagesInPerSecond: link.messagesInPerSecond,
    messagesOutPerSecond: link.messagesOutPerSecond,
    bytesInPerSecond: link.bytesInPerSecond,
    bytesOutPerSecond: link.bytesOutPerSecond,
    duplicatesPerSecond: link.duplicatesPerSecond,
  });
  if (link.rttMs >= 0) message.roundTripTime = toDuration(link.rttMs);
  return message;
}

/** `change` as the whole topology, or as a delta to the version before. */
export function toTopology(
  change: TopologyChange,
  kind: 'snapshot' | 'delta',
  epoch: string,
  servedBy: string,
  banOf: (id: string) => BanEntry | null,
): WatchTopologyResponse {
  const reports = change.reports.map(toReport);
  const silentPeers = change.silent.map((info) => toPeer(info, undefined, banOf(info.id)));
  const event: WatchTopologyResponse['event'] =
    kind === 'snapshot'
      ? {
          case: 'snapshot',
          value: { $typeName: 'starling.v1.TopologySnapshot', reports, silentPeers } satisfies TopologySnapshot,
        }
      : {
          case: 'delta',
          value: {
            $typeName: 'starling.v1.TopologyDelta',
            reports,
            silentPeers,
            removedPeers: change.removed.map((gone) => ({ $typeName: 'starling.v1.RemovedPeer', ...gone })),
          } satisfies TopologyDelta,
        };
  return create(WatchTopologyResponseSchema, {
    epoch,
    version: BigInt(change.version),
    event,
    peersHeard: change.heard,
    peersKnown: change.known,
    servedBy,
    time: timestampFromMs(Math.round(change.at)),
  });
}

/** The longest that a protobuf duration tells, 10,000 years. (duration.proto) */
const durationSecondsMax = 315_576_000_000;

/** To the microsecond: round trips on one machine are below a millisecond. Whatever is said becomes a duration that can be sent. */
export function toDuration(ms: number): Duration {
  const seconds = ms / 1_000;
  const whole = Math.floor(Math.min(Math.max(seconds, 0), durationSecondsMax - 1));
  const micros = Math.min(999_999, Math.max(0, Math.round((seconds - whole) * 1e6)));
  return create(DurationSchema, { seconds: BigInt(whole), nanos: micros * 1_000 });
}
