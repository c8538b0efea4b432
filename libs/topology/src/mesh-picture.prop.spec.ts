import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeKey } from './edge.ts';
import type { ReportFacts } from './facts.ts';
import { MeshPicture, type PictureStep } from './mesh-picture.ts';
import { reportFacts } from './sample.ts';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const step = fc.oneof(
  fc.record({ kind: fc.constant('report' as const), id, links: fc.uniqueArray(id, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('remove' as const), id }),
);

describe('a picture after any history', () => {
  it('has the peers and edges that the latest reports alone would give', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const picture = new MeshPicture();
        const atOnce = new MeshPicture();
        const deltas: PictureStep[] = [];
        const latest = new Map<string, ReportFacts>();
        steps.forEach((change, at) => {
          if (change.kind === 'report') {
            const report = reportFacts(change.id, change.links);
            latest.set(change.id, report);
            deltas.push({ at, delta: { reports: [report], silentPeers: [], removedPeers: [] } });
          } else {
            latest.delete(change.id);
            const removedPeers = [{ id: change.id, reason: 'left' as const }];
            deltas.push({ at, delta: { reports: [], silentPeers: [], removedPeers } });
          }
        });
        for (const { at, delta } of deltas) picture.apply(at, delta);
        atOnce.applyAll(deltas);
        const edges = new Set<string>();
        for (const [owner, { links }] of latest) {
          for (const { peerId } of links) {
            if (peerId !== owner && latest.has(peerId)) edges.add(edgeKey(owner, peerId));
          }
        }
        expect(new Set(picture.peers.keys())).toEqual(new Set(latest.keys()));
        expect(new Set(picture.edges.keys())).toEqual(edges);
        for (const [peer, { degree }] of picture.peers) expect(degree).toBe(picture.edgesOf(peer).length);
        expect(picture.parts.flat().sort()).toEqual([...latest.keys()].sort());
        // Whether they are taken over one by one or at once.
        expect(new Set(atOnce.edges.keys())).toEqual(edges);
        const verdicts = ({ peers }: MeshPicture) => new Map([...peers].map(([peer, { verdict }]) => [peer, verdict]));
        expect(verdicts(atOnce)).toEqual(verdicts(picture));
      }),
    );
  });
});
