import type { Millis } from '@starling/kernel';
import { conditionKinds, conditionWords } from './conditions.ts';
import type { PeerCondition } from './facts.ts';
import { conditionsOf, type Health } from './health.ts';
import type { MeshPicture } from './mesh-picture.ts';

/** Something that is wrong with the mesh as a whole, told as a person on call wants it: what, since when, what to do. */
export interface Finding {
  readonly kind: 'split' | 'lost' | 'critical' | 'warning' | 'unheard' | 'dropping' | 'banned' | PeerCondition;
  readonly severity: 'critical' | 'warning';
  readonly title: string;
  /** When it began, by the serving peer's clock; null when it was so in the first picture already. */
  readonly since: Millis | null;
  /** What it means or what to do. */
  readonly advice: string;
  /** A find expression that shows the peers concerned; empty when they are not there any more, or another page tells more. */
  readonly find: string;
}

/** How long peers that went are news. Guess: the time to come back from a coffee. */
export const lostMsMax: Millis = 5 * 60_000;

/** A peer that joins is not heard at once, and starts: what passes by itself within this is no news. Guess: two reports. */
export const settleMs: Millis = 10_000;

/** What is wrong, the gravest first; empty when nothing is. */
export function findingsOf(picture: MeshPicture): Finding[] {
  const findings: Finding[] = [];
  const islands = picture.parts.length;
  if (islands > 1) {
    const largest = picture.parts[0]?.length ?? 0;
    const outside = picture.parts.reduce((sum, part) => sum + part.length, 0) - largest;
    findings.push({
      kind: 'split',
      severity: 'critical',
      title: `The mesh is in ${islands} parts: ${outside.toLocaleString('en')} of ${(outside + largest).toLocaleString('en')} peers cannot be reached from the rest`,
      since: picture.splitSince,
      advice:
        'Messages do not cross. Islands look for each other by themselves; if it lasts, look at the network between them.',
      find: 'health=critical',
    });
  }
  const peers = sums(picture);
  // A peer outside of the largest part is critical for that alone: one finding is enough.
  if (peers.critical.count > 0 && islands <= 1) {
    findings.push({
      kind: 'critical',
      severity: 'critical',
      title: `${several(peers.critical.count, 'peer is', 'peers are')} in trouble: ${commonest(peers.critical.reasons)}`,
      since: peers.critical.since,
      advice: 'Open one for its reasons and its links.',
      find: 'health=critical',
    });
  }
  findings.push(...conditionFindings(peers, 'critical'));
  const lost = lostLately(picture);
  if (lost.peers > 0) {
    findings.push({
      kind: 'lost',
      severity: 'warning',
      title: `${several(lost.peers, 'peer was', 'peers were')} lost`,
      since: lost.since,
      advice: islands > 1 ? 'They said no goodbye.' : 'They said no goodbye. The others have closed the gap: one mesh.',
      find: '',
    });
  }
  findings.push(...conditionFindings(peers, 'warning'));
  if (peers.dropping.count > 0) {
    findings.push({
      kind: 'dropping',
      severity: 'warning',
      title: `${several(peers.dropping.count, 'peer drops', 'peers drop')} messages`,
      since: peers.dropping.since,
      advice:
        'A bound was reached: a subscriber is slower than what it subscribes to, or a link is slower than its traffic.',
      find: 'dropped>0',
    });
  }
  if (peers.warning.count > 0) {
    findings.push({
      kind: 'warning',
      severity: 'warning',
      title: `${several(peers.warning.count, 'peer needs', 'peers need')} attention: ${commonest(peers.warning.reasons)}`,
      since: peers.warning.since,
      advice: 'Open one for its reasons and its links.',
      find: 'health=warning',
    });
  }
  if (peers.unknown.count > 0) {
    findings.push({
      kind: 'unheard',
      severity: 'warning',
      title: `${several(peers.unknown.count, 'peer is', 'peers are')} known but not heard`,
      since: peers.unknown.since,
      advice: 'Starting, overloaded, or gone without a trace. What they do is not in the figures above.',
      find: 'health=unknown',
    });
  }
  if (peers.banned.count > 0) {
    findings.push({
      kind: 'banned',
      severity: 'warning',
      title: `${several(peers.banned.count, 'peer is', 'peers are')} banned`,
      since: peers.banned.since,
      advice:
        'By an operator, or by a verdict of other peers. Nobody links with a banned peer until it is over or lifted.',
      find: '',
    });
  }
  return findings;
}

type Sums = Readonly<Record<Health | 'dropping' | 'banned' | PeerCondition, Sum>>;

interface Sum {
  count: number;
  since: Millis | null;
  readonly reasons: Map<string, number>;
}

function conditionFindings(peers: Sums, severity: Finding['severity']): Finding[] {
  return conditionKinds.flatMap((kind) => {
    const { health, singular, plural, advice } = conditionWords[kind];
    const { count, since } = peers[kind];
    if (health !== severity || count === 0) return [];
    const title = several(count, `peer ${singular}`, `peers ${plural}`);
    return [{ kind, severity, title, since, advice, find: `condition=${kind}` }];
  });
}

function sums(picture: MeshPicture): Sums {
  const empty = (): Sum => ({ count: 0, since: null, reasons: new Map() });
  const troubles = { healthy: empty(), warning: empty(), critical: empty(), unknown: empty() };
  const conditions = Object.fromEntries(conditionKinds.map((kind) => [kind, empty()])) as Record<PeerCondition, Sum>;
  const all = { ...troubles, ...conditions, dropping: empty(), banned: empty() };
  for (const { peer, report, verdict, healthSince } of picture.peers.values()) {
    const isSettled = picture.now - (healthSince ?? picture.openedAt) >= settleMs;
    if (!isSettled && verdict.health !== 'critical') continue;
    const isFresh = report !== null && verdict.health !== 'unknown';
    const told = isFresh ? conditionsOf(report) : [];
    for (const condition of told) count(all[condition], healthSince);
    // What is told by name needs no finding that names nothing.
    if (told.length > 0 && told.length === verdict.reasons.length) continue;
    const isDropping = isFresh && report.droppedPerSecond > 0 && verdict.health === 'warning';
    // Nobody hears it, on purpose: no riddle as of one that is silent.
    const sum = all[peer.ban !== undefined ? 'banned' : isDropping ? 'dropping' : verdict.health];
    count(sum, healthSince);
    // Figures differ from peer to peer ("Drops 3.1 messages/s"): what is left without them can be counted.
    const reason = (verdict.reasons[0] ?? '').replace(/ ?\d[\d.]*( %)?/g, '');
    sum.reasons.set(reason, (sum.reasons.get(reason) ?? 0) + 1);
  }
  return all;
}

function count(sum: Sum, since: Millis | null): void {
  // The first of them began it; what was so in the first picture began before.
  if (sum.count === 0) sum.since = since;
  else if (sum.since !== null) sum.since = since === null ? null : Math.min(sum.since, since);
  sum.count++;
}

function lostLately(picture: MeshPicture): { peers: number; since: Millis | null } {
  let [peers, since] = [0, null as Millis | null];
  for (const change of picture.changes) {
    if (picture.now - change.at > lostMsMax) break;
    // Who is back, under the same key, is no loss any more; of a crowd nobody's name is kept.
    if (change.kind === 'removed' && picture.peers.has(change.peer)) continue;
    if (change.kind === 'removed' && change.reason !== 'left') peers++;
    else if (change.kind === 'crowd' && (change.what === 'dead' || change.what === 'expired')) peers += change.peers;
    else continue;
    since = change.at;
  }
  return { peers, since };
}

function commonest(reasons: ReadonlyMap<string, number>): string {
  const [first, ...others] = [...reasons].sort(([, one], [, other]) => other - one);
  if (first === undefined) return '';
  return others.length === 0 ? first[0].toLowerCase() : `most of them: ${first[0].toLowerCase()}`;
}

function several(count: number, one: string, many: string): string {
  return count === 1 ? `One ${one}` : `${count.toLocaleString('en')} ${many}`;
}
