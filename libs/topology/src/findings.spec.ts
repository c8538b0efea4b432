import { describe, expect, it } from 'vitest';
import type { RemovalReason, ReportFacts } from './facts.ts';
import { findingsOf, lostMsMax, settleMs } from './findings.ts';
import { MeshPicture } from './mesh-picture.ts';
import { peerFacts, reportFacts } from './sample.ts';

const start = 1_000;
const nothing = { reports: [], silentPeers: [], removedPeers: [] };
const ring = ['a', 'b', 'c', 'd', 'e'];

/** A ring of five, each peer's report heard at `at`. */
function reportsAt(at: number, ids: readonly string[] = ring) {
  return ids.map((id, i) => {
    const links = [ids[(i + 1) % ids.length] as string, ids[(i + ids.length - 1) % ids.length] as string];
    return reportFacts(id, links, { reportTime: at });
  });
}

function meshOf(): MeshPicture {
  const picture = new MeshPicture();
  picture.reset(start, { reports: reportsAt(start), silentPeers: [] });
  return picture;
}

function remove(picture: MeshPicture, at: number, ids: readonly string[], reason: RemovalReason): void {
  const left = [...picture.peers.keys()].filter((id) => !ids.includes(id));
  picture.apply(at, { reports: reportsAt(at, left), silentPeers: [], removedPeers: ids.map((id) => ({ id, reason })) });
}

function kinds(picture: MeshPicture): string[] {
  return findingsOf(picture).map(({ kind }) => kind);
}

describe('findings', () => {
  it('are none in a mesh that is well', () => {
    const picture = meshOf();
    expect(findingsOf(picture)).toEqual([]);
    picture.apply(start + settleMs, { ...nothing, reports: reportsAt(start + settleMs) });
    expect(findingsOf(picture)).toEqual([]);
  });

  it('tell of peers that were lost, since the first of them, and stop when it is no news any more', () => {
    const picture = meshOf();
    remove(picture, 5_000, ['e'], 'dead');
    remove(picture, 7_000, ['d'], 'expired');
    expect(findingsOf(picture)).toMatchObject([{ kind: 'lost', title: '2 peers were lost', since: 5_000 }]);
    const later = 7_001 + lostMsMax;
    picture.apply(later, { ...nothing, reports: reportsAt(later, ['a', 'b', 'c']) });
    expect(findingsOf(picture)).toEqual([]);
  });

  it('say nothing of a peer that said goodbye', () => {
    const picture = meshOf();
    remove(picture, 5_000, ['e'], 'left');
    expect(findingsOf(picture)).toEqual([]);
  });

  it('say nothing more of a peer that came back', () => {
    const picture = meshOf();
    remove(picture, 5_000, ['d', 'e'], 'dead');
    picture.apply(6_000, { ...nothing, reports: reportsAt(6_000, ['a', 'b', 'c', 'd']) });
    expect(findingsOf(picture)).toMatchObject([{ kind: 'lost', title: 'One peer was lost' }]);
    picture.apply(7_000, { ...nothing, reports: reportsAt(7_000) });
    expect(kinds(picture)).not.toContain('lost');
  });

  it('tell who opens a page late since when it is so, and at once', () => {
    const watched = meshOf();
    const split = [...reportsAt(9_000, ['a', 'b', 'c']), ...reportsAt(9_000, ['d', 'e'])];
    watched.apply(9_000, { ...nothing, reports: split });
    watched.apply(60_000, { ...nothing, silentPeers: [peerFacts('f')] });
    watched.apply(62_000 + settleMs, nothing);
    const opened = new MeshPicture();
    const reports = [...watched.peers.values()].flatMap(({ report }) => report ?? []);
    opened.reset(watched.now, { reports, silentPeers: [peerFacts('f')] });
    // As the pages' feed carries it.
    opened.remember(watched.changes, JSON.parse(JSON.stringify(watched.since)));
    expect(findingsOf(opened)).toEqual(findingsOf(watched));
    expect(findingsOf(opened)[0]).toMatchObject({ kind: 'split', since: 9_000 });
    // What the other picture says of a health that is not the peer's any more is nothing.
    const other = new MeshPicture();
    other.reset(70_000, { reports: reportsAt(70_000), silentPeers: [] });
    other.remember([], watched.since);
    expect([...other.peers.values()].map(({ healthSince }) => healthSince)).toEqual([null, null, null, null, null]);
    expect(other.splitSince).toBeNull();
  });

  it('begin with a split: how many are outside, and since when', () => {
    const picture = meshOf();
    const at = 9_000;
    const reports = [...reportsAt(at, ['a', 'b', 'c']), ...reportsAt(at, ['d', 'e'])];
    picture.apply(at, { ...nothing, reports });
    const [split] = findingsOf(picture);
    expect(split).toMatchObject({ kind: 'split', severity: 'critical', since: at, find: 'health=critical' });
    expect(split?.title).toContain('2 parts: 2 of 5 peers');
    // That the two are critical is the same news.
    expect(kinds(picture)).not.toContain('critical');
    picture.apply(at + 1_000, { ...nothing, reports: reportsAt(at + 1_000) });
    expect(kinds(picture)).not.toContain('split');
  });

  it('do not claim to know when it began, if it was so from the start', () => {
    const picture = new MeshPicture();
    const reports = [...reportsAt(start, ['a', 'b', 'c']), ...reportsAt(start, ['d', 'e'])];
    picture.reset(start, { reports, silentPeers: [] });
    expect(findingsOf(picture)[0]).toMatchObject({ kind: 'split', since: null });
  });

  it('tell of peers that drop, once it lasts', () => {
    const picture = meshOf();
    const dropping = (at: number) => ({
      ...nothing,
      reports: reportsAt(at).map((report) => (report.peer.id === 'b' ? { ...report, droppedPerSecond: 3.14 } : report)),
    });
    picture.apply(2_000, dropping(2_000));
    expect(findingsOf(picture)).toEqual([]);
    picture.apply(2_000 + settleMs, dropping(2_000 + settleMs));
    expect(findingsOf(picture)).toMatchObject([{ kind: 'dropping', title: 'One peer drops messages', since: 2_000 }]);
  });

  it('tell of peers that are known but not heard, once it lasts', () => {
    const picture = meshOf();
    picture.apply(2_000, { ...nothing, silentPeers: [peerFacts('f')] });
    expect(findingsOf(picture)).toEqual([]);
    const later = 2_000 + settleMs;
    picture.apply(later, { ...nothing, reports: reportsAt(later) });
    expect(findingsOf(picture)).toMatchObject([{ kind: 'unheard', since: 2_000, find: 'health=unknown' }]);
  });

  it('tell of who is banned apart from who is silent for no known reason', () => {
    const picture = meshOf();
    const ban = { by: 'ann', reason: 'floods', scope: 'peer', isAutomatic: false, until: null } as const;
    picture.apply(2_000, { ...nothing, silentPeers: [peerFacts('f', { ban })] });
    const later = 2_000 + settleMs;
    picture.apply(later, { ...nothing, reports: reportsAt(later) });
    expect(findingsOf(picture)).toMatchObject([{ kind: 'banned', title: 'One peer is banned', since: 2_000 }]);
  });

  it('tell of what peers say of themselves by name, and not a second time as trouble without one', () => {
    const picture = meshOf();
    const ill = (at: number) => ({
      ...nothing,
      reports: reportsAt(at).map((report): ReportFacts => {
        if (report.peer.id === 'a') return { ...report, conditions: ['certificateExpired', 'neighborsBypassed'] };
        if (report.peer.id === 'b') return { ...report, conditions: ['neighborsBypassed'], droppedPerSecond: 3 };
        return report;
      }),
    });
    picture.apply(2_000, ill(2_000));
    picture.apply(2_000 + settleMs, ill(2_000 + settleMs));
    const findings = findingsOf(picture);
    expect(findings).toMatchObject(
      [
        { kind: 'certificateExpired', severity: 'critical', title: /^One peer has a certificate/, since: 2_000 },
        { kind: 'neighborsBypassed', severity: 'warning', title: /^2 peers get messages past/, since: 2_000 },
        { kind: 'dropping', severity: 'warning', title: 'One peer drops messages' },
      ].map((finding) => ({ ...finding, title: expect.stringMatching(finding.title) })),
    );
    expect(findings.map(({ find }) => find)).toEqual([
      'condition=certificateExpired',
      'condition=neighborsBypassed',
      'dropped>0',
    ]);
  });

  it('name the commonest reason, without the figures in which peers differ', () => {
    const picture = meshOf();
    const draining = (at: number) => ({
      ...nothing,
      reports: reportsAt(at).map((report) =>
        report.peer.id < 'c' ? { ...report, peer: peerFacts(report.peer.id, { state: 'draining' }) } : report,
      ),
    });
    picture.apply(2_000, draining(2_000));
    picture.apply(2_000 + settleMs, draining(2_000 + settleMs));
    expect(findingsOf(picture)).toMatchObject([{ kind: 'warning', title: '2 peers need attention: draining' }]);
  });
});
