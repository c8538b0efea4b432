import { describe, expect, it } from 'vitest';
import { defaultMeshPictureConfig, MeshPicture } from './mesh-picture.ts';
import { peerFacts, reportFacts } from './sample.ts';

const nothing = { reports: [], silentPeers: [], removedPeers: [] };

/** a – b – c, each link reported by both ends. */
function chain(): MeshPicture {
  const picture = new MeshPicture();
  picture.reset(1_000, {
    reports: [reportFacts('a', ['b']), reportFacts('b', ['a', 'c']), reportFacts('c', ['b'])],
    silentPeers: [],
  });
  return picture;
}

/** What kinds of changes there were, the newest first. */
function kindsOf(picture: MeshPicture): string[] {
  return [...new Set(picture.changes.map(({ kind }) => kind))];
}

describe('a picture of the mesh', () => {
  it('merges the two ends of a link into one edge', () => {
    const picture = chain();
    expect(picture.edges.size).toBe(2);
    expect([...picture.peers.values()].map(({ degree }) => degree)).toEqual([1, 2, 1]);
  });

  it('has no changes at first: what the first snapshot shows was there before', () => {
    expect(chain().changes).toEqual([]);
  });

  it('keeps an edge that one end has not reported yet, and calls it half only when that lasts', () => {
    const picture = chain();
    picture.apply(2_000, { ...nothing, reports: [reportFacts('a', ['b', 'c'])] });
    const edge = picture.edges.get('a~c');
    expect(edge).toMatchObject({ fromB: null, halfSince: 2_000 });
    expect(edge && picture.isHalf(edge)).toBe(false);
    picture.apply(2_001 + defaultMeshPictureConfig.health.halfLinkMsMax, nothing);
    expect(edge && picture.isHalf(edge)).toBe(true);
  });

  it('does not hold it against a link that its other end is silent', () => {
    const picture = new MeshPicture();
    picture.reset(0, { reports: [reportFacts('a', ['b'])], silentPeers: [peerFacts('b')] });
    picture.apply(60_000, nothing);
    const edge = picture.edges.get('a~b');
    expect(edge && picture.isHalf(edge)).toBe(false);
    expect(picture.parts).toEqual([['a', 'b']]);
  });

  it('is in one part with a peer outside that is banned: nobody links with it on purpose', () => {
    const picture = chain();
    const ban = { by: 'ann', reason: 'floods', scope: 'peer', isAutomatic: false, until: null } as const;
    // Its own last report still has the link, and stays the last one.
    const banned = { ...reportFacts('c', ['b']), peer: peerFacts('c', { ban }) };
    picture.apply(2_000, { ...nothing, reports: [reportFacts('b', ['a']), banned] });
    expect([...picture.edges.keys()]).toEqual(['a~b']);
    expect(picture.parts).toEqual([['a', 'b']]);
    expect(picture.peers.get('c')?.verdict).toEqual({ health: 'unknown', reasons: ['Banned by ann: floods'] });
  });

  it('takes over a link that a report no longer has', () => {
    const picture = chain();
    const changed = { ...nothing, reports: [reportFacts('b', ['a']), reportFacts('c')] };
    picture.apply(2_000, changed);
    expect([...picture.edges.keys()]).toEqual(['a~b']);
    expect(picture.parts).toEqual([['a', 'b'], ['c']]);
    expect(picture.peers.get('c')?.verdict.health).toBe('critical');
    expect(kindsOf(picture)).toEqual(['split', 'health', 'links']);
  });

  it('shows a peer that died for a while, with whom it was linked to', () => {
    const picture = chain();
    picture.apply(2_000, { ...nothing, removedPeers: [{ id: 'b', reason: 'dead' }] });
    expect(picture.peers.has('b')).toBe(false);
    expect(picture.edges.size).toBe(0);
    expect(picture.gone).toMatchObject([{ reason: 'dead', at: 2_000, neighbors: ['a', 'c'] }]);
    picture.apply(2_000 + defaultMeshPictureConfig.goneMs, nothing);
    expect(picture.gone).toEqual([]);
  });

  it('says that the mesh is one again', () => {
    const picture = chain();
    picture.apply(2_000, { ...nothing, removedPeers: [{ id: 'b', reason: 'dead' }] });
    picture.apply(3_000, { ...nothing, reports: [reportFacts('a', ['c']), reportFacts('c', ['a'])] });
    expect(picture.parts).toEqual([['a', 'c']]);
    expect(kindsOf(picture).slice(0, 1)).toEqual(['merged']);
  });

  it('does not place a peer that was never heard from and that nobody links to', () => {
    const picture = chain();
    picture.apply(2_000, { ...nothing, silentPeers: [peerFacts('d')] });
    expect(picture.parts.length).toBe(1);
    expect(picture.peers.get('d')?.verdict.health).toBe('unknown');
  });

  it('compares a later snapshot with what it holds', () => {
    const picture = chain();
    picture.reset(2_000, {
      reports: [reportFacts('a', ['b']), reportFacts('b', ['a'])],
      silentPeers: [peerFacts('d')],
    });
    expect([...picture.peers.keys()]).toEqual(['a', 'b', 'd']);
    expect(kindsOf(picture)).toEqual(['removed', 'joined', 'health', 'links']);
  });

  it('keeps the report of a peer that another server has not heard yet', () => {
    const picture = chain();
    picture.reset(2_000, { reports: [], silentPeers: ['a', 'b', 'c'].map((id) => peerFacts(id)) });
    expect(picture.edges.size).toBe(2);
  });

  it('does not let an older life of a peer replace a newer one', () => {
    const picture = new MeshPicture();
    picture.reset(0, { reports: [], silentPeers: [peerFacts('a', { incarnation: 5, name: 'new' })] });
    picture.apply(1, { ...nothing, silentPeers: [peerFacts('a', { incarnation: 4, name: 'old' })] });
    expect(picture.peers.get('a')?.peer.name).toBe('new');
  });

  it('calls a peer unknown when its report has aged, without any news', () => {
    const picture = chain();
    picture.apply(60_000, nothing);
    expect(picture.peers.get('a')?.verdict.health).toBe('unknown');
  });

  it('minds a full event loop only when it stays full', () => {
    const picture = chain();
    const health = (at: number, loopUtilization: number): string | undefined => {
      picture.apply(at, { ...nothing, reports: [reportFacts('b', ['a', 'c'], { loopUtilization, reportTime: at })] });
      return picture.peers.get('b')?.verdict.health;
    };
    expect([health(2_000, 1), health(4_000, 0.2), health(6_000, 1), health(14_000, 1)]).toEqual(
      Array(4).fill('healthy'),
    );
    expect([health(17_000, 1), health(18_000, 0.5)]).toEqual(['warning', 'healthy']);
  });

  it('never lets time go back', () => {
    const picture = chain();
    picture.apply(500, nothing);
    expect(picture.now).toBe(1_000);
  });

  it('ignores a link of a peer to itself', () => {
    const picture = new MeshPicture();
    picture.reset(0, { reports: [reportFacts('a', ['a'])], silentPeers: [] });
    expect(picture.edges.size).toBe(0);
  });
});
