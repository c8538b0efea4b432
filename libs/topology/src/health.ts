import { conditionKinds, conditionWords } from './conditions.ts';
import type { PeerCondition, PeerFacts, ReportFacts } from './facts.ts';

/** `unknown` is not a verdict on the peer: nothing fresh was heard from it. */
export type Health = 'healthy' | 'warning' | 'critical' | 'unknown';

/** A verdict and, when it is not `healthy`, its reasons in words, the worst first. */
export interface HealthVerdict {
  readonly health: Health;
  readonly reasons: readonly string[];
}

/** Limits of the health rule. */
export interface HealthLimits {
  /** A report older than this is no longer evidence. Guess: three missed reports at one every five seconds. */
  readonly reportAgeMsMax: number;
  /** Above it a peer answers late. Guess: the knee of an M/M/1 queue. */
  readonly loopUtilizationMax: number;
  /** How long it may be above. Measured: on a busy laptop single reports of idle peers say 100 %. */
  readonly loopBusyMsMax: number;
  /** How long one end alone may report a link: the ends do not report at the same moment. Guess: two reports apart. */
  readonly halfLinkMsMax: number;
}

/** See each field for where its value comes from. */
export const defaultHealthLimits: HealthLimits = {
  reportAgeMsMax: 15_000,
  loopUtilizationMax: 0.9,
  loopBusyMsMax: 10_000,
  halfLinkMsMax: 10_000,
};

/** What the rule looks at. */
export interface HealthEvidence {
  readonly peer: PeerFacts;
  readonly report: ReportFacts | null;
  /** Age of the report by the serving peer's clock, in ms. */
  readonly reportAgeMs: number;
  /** For how long its reports have said that its event loop is full; 0 when the last one does not. */
  readonly loopBusyMs: number;
  readonly degree: number;
  /** Links that only one end reports, for longer than `halfLinkMsMax`. */
  readonly halfLinks: number;
  /** Peers that the mesh is known to have. */
  readonly meshSize: number;
  /** Whether it can reach the largest part of the mesh. */
  readonly isInLargestPart: boolean;
}

/** The one rule by which a peer is coloured, on every page. */
export function healthOf(evidence: HealthEvidence, limits: HealthLimits): HealthVerdict {
  const { report, meshSize, degree } = evidence;
  const { ban } = evidence.peer;
  // On purpose, so no trouble; whoever looks at it is to know why nobody links with it.
  if (ban !== undefined)
    return {
      health: 'unknown',
      reasons: [ban.isAutomatic ? `Banned for what it did: ${ban.reason}` : `Banned by ${ban.by}: ${ban.reason}`],
    };
  if (report === null) return { health: 'unknown', reasons: ['Known to the mesh, not heard from yet'] };
  if (evidence.reportAgeMs > limits.reportAgeMsMax) {
    return { health: 'unknown', reasons: [`Last report ${Math.round(evidence.reportAgeMs / 1000)} s ago`] };
  }
  const critical: string[] = [];
  const warning: string[] = [];
  if (meshSize > 1 && degree === 0) critical.push('Has no link');
  else if (!evidence.isInLargestPart) critical.push('Cut off from the largest part of the mesh');
  for (const condition of conditionsOf(report)) {
    const { health, reason } = conditionWords[condition];
    (health === 'critical' ? critical : warning).push(reason);
  }
  if (evidence.peer.state === 'starting') warning.push('Starting');
  if (evidence.peer.state === 'draining') warning.push('Draining');
  if (meshSize > 2 && degree === 1) warning.push('Has a single link');
  if (report.droppedPerSecond > 0) warning.push(`Drops ${formatRate(report.droppedPerSecond)} messages/s`);
  if (evidence.loopBusyMs > limits.loopBusyMsMax) {
    warning.push(`Event loop ${Math.round(report.loopUtilization * 100)} % busy`);
  }
  if (evidence.halfLinks > 0) {
    warning.push(evidence.halfLinks === 1 ? 'One end alone reports a link' : `${evidence.halfLinks} one-sided links`);
  }
  if (critical.length > 0) return { health: 'critical', reasons: [...critical, ...warning] };
  if (warning.length > 0) return { health: 'warning', reasons: warning };
  return { health: 'healthy', reasons: [] };
}

/** What a report says is wrong, the gravest first. */
export function conditionsOf({ conditions }: ReportFacts): PeerCondition[] {
  return conditionKinds.filter((condition) => conditions.includes(condition));
}

function formatRate(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}
