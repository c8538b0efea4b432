import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { DirectoryBroadcast } from '@starling/core-directory';
import type { LinkReport, ObserveBroadcast, PeerCondition, PeerReport } from '@starling/core-observe';
import { unreachable } from '@starling/kernel';
import type { Body, BodyCodec } from '@starling/mesh';
import { enumNames } from './enum-names.ts';
import {
  type Body as BodyProto,
  BodySchema,
  type LinkReport as LinkReportProto,
  type LinkReportSchema,
  LinkRole,
  ReportCondition,
  type Report as ReportProto,
  type ReportSchema,
  ReportState,
} from './gen/starling/link/v1/body_pb.ts';
import { finite, fromPeerProto, fromUint64, toPeerProto, toUint64 } from './peer-codec.ts';
import { fromDelta, toDelta } from './summaries-codec.ts';
import { decodeUserBody, encodeUserBody } from './user-body.ts';

type KindInit = NonNullable<MessageInitShape<typeof BodySchema>['kind']>;

const roles = enumNames<LinkReport['role'], LinkRole>({ eager: LinkRole.EAGER, lazy: LinkRole.LAZY });

const states = enumNames<PeerReport['state'], ReportState>({
  starting: ReportState.STARTING,
  ready: ReportState.READY,
  draining: ReportState.DRAINING,
});

const conditions = enumNames<PeerCondition, ReportCondition>({
  neighborsBypassed: ReportCondition.NEIGHBORS_BYPASSED,
  certificateLate: ReportCondition.CERTIFICATE_LATE,
  certificateExpired: ReportCondition.CERTIFICATE_EXPIRED,
  authorityLate: ReportCondition.AUTHORITY_LATE,
  authorityExpired: ReportCondition.AUTHORITY_EXPIRED,
  cacheUnwritten: ReportCondition.CACHE_UNWRITTEN,
});

/** Bodies as they travel between pods: body.proto. `decode` never throws, and gives views of what it was given. */
export const bodyCodec: BodyCodec<Uint8Array> = {
  encode: (body) =>
    (body.kind === 'user' ? encodeUserBody(body) : null) ??
    toBinary(BodySchema, create(BodySchema, { kind: toKind(body) })),
  decode: (encoded) => {
    try {
      return decodeUserBody(encoded) ?? fromKind(fromBinary(BodySchema, encoded).kind);
    } catch {
      // Bytes that are no body, or a body that this version has no word for.
      return null;
    }
  },
  sizeOf: (encoded) => encoded.length,
};

function toKind(body: Body): KindInit {
  switch (body.kind) {
    case 'user': {
      const { topic, payload, headers } = body;
      return { case: 'user', value: { topic, payload: payload as Uint8Array<ArrayBuffer>, headers } };
    }
    case 'canary':
      return { case: 'canary', value: { number: body.number, refreshMs: body.refreshMs } };
    case 'directory':
      return toDirectory(body.message);
    case 'observe':
      return toObserve(body.message);
    case 'summary':
      return { case: 'summaryDelta', value: toDelta(body.delta) };
    default:
      return unreachable(body);
  }
}

function toDirectory(message: DirectoryBroadcast): KindInit {
  switch (message.kind) {
    case 'announce':
      return { case: 'announce', value: { info: toPeerProto(message.info), refreshMs: message.refreshMs } };
    case 'leave':
      return { case: 'leave', value: { id: message.id, incarnation: toUint64(message.incarnation) } };
    case 'accuse': {
      const { id, incarnation, accuser } = message;
      return { case: 'accuse', value: { id, incarnation: toUint64(incarnation), accuser } };
    }
    default:
      return unreachable(message);
  }
}

function toObserve(message: ObserveBroadcast): KindInit {
  switch (message.kind) {
    case 'watch':
      return { case: 'watch', value: { watcher: message.watcher, leaseMs: message.leaseMs } };
    case 'report':
      return { case: 'report', value: toReport(message.report) };
    default:
      return unreachable(message);
  }
}

function toReport(report: PeerReport): MessageInitShape<typeof ReportSchema> {
  return {
    ...report,
    info: toPeerProto(report.info),
    number: toUint64(report.number),
    state: states.toProto(report.state),
    links: report.links.map(toLink),
    conditions: report.conditions.map(conditions.toProto),
    documents: toUint64(report.documents),
    heapBytes: toUint64(report.heapBytes),
  };
}

function toLink({ rttMs, role, ...rates }: LinkReport): MessageInitShape<typeof LinkReportSchema> {
  return { ...rates, role: roles.toProto(role), ...(rttMs < 0 ? {} : { rttMs }) };
}

function fromKind(kind: BodyProto['kind']): Body | null {
  switch (kind.case) {
    case 'user': {
      const { topic, payload, headers } = kind.value;
      return { kind: 'user', topic, payload, headers };
    }
    case 'canary':
      return { kind: 'canary', number: kind.value.number, refreshMs: finite(kind.value.refreshMs) };
    case 'announce': {
      const info = fromPeerProto(kind.value.info);
      return { kind: 'directory', message: { kind: 'announce', info, refreshMs: finite(kind.value.refreshMs) } };
    }
    case 'leave': {
      const { id, incarnation } = kind.value;
      return { kind: 'directory', message: { kind: 'leave', id, incarnation: fromUint64(incarnation) } };
    }
    case 'accuse': {
      const { id, incarnation, accuser } = kind.value;
      return { kind: 'directory', message: { kind: 'accuse', id, incarnation: fromUint64(incarnation), accuser } };
    }
    case 'watch': {
      const { watcher, leaseMs } = kind.value;
      return { kind: 'observe', message: { kind: 'watch', watcher, leaseMs: finite(leaseMs) } };
    }
    case 'report':
      return { kind: 'observe', message: { kind: 'report', report: fromReport(kind.value) } };
    case 'summaryDelta':
      return { kind: 'summary', delta: fromDelta(kind.value) };
    default:
      return null;
  }
}

function fromReport(report: ReportProto): PeerReport {
  return {
    info: fromPeerProto(report.info),
    number: fromUint64(report.number),
    state: states.fromProto(report.state),
    links: report.links.map(fromLink),
    deliveredPerSecond: finite(report.deliveredPerSecond),
    publishedPerSecond: finite(report.publishedPerSecond),
    droppedPerSecond: finite(report.droppedPerSecond),
    passiveSize: report.passiveSize,
    documents: fromUint64(report.documents),
    heapBytes: fromUint64(report.heapBytes),
    loopUtilization: finite(report.loopUtilization),
    conditions: conditions.known(report.conditions),
  };
}

function fromLink(link: LinkReportProto): LinkReport {
  return {
    peer: link.peer,
    role: roles.fromProto(link.role),
    rttMs: finite(link.rttMs ?? -1),
    messagesInPerSecond: finite(link.messagesInPerSecond),
    messagesOutPerSecond: finite(link.messagesOutPerSecond),
    bytesInPerSecond: finite(link.bytesInPerSecond),
    bytesOutPerSecond: finite(link.bytesOutPerSecond),
    duplicatesPerSecond: finite(link.duplicatesPerSecond),
  };
}
