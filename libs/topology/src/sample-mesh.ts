import { Rng } from '@starling/kernel';
import type { ReportFacts } from './facts.ts';
import { MeshPicture } from './mesh-picture.ts';
import { linkFacts, peerFacts, reportFacts } from './sample.ts';

/** A picture for specs: so many peers in so many zones, each linked to about five others, a fifth of the links in the tree. */
export function pictureOf(peers: number, zones: number, seed = 1): MeshPicture {
  const picture = new MeshPicture();
  picture.reset(1_000, { reports: meshReports(peers, zones, seed), silentPeers: [] });
  return picture;
}

/** The reports of such a picture. Both ends report each link alike. */
export function meshReports(peers: number, zones: number, seed = 1): ReportFacts[] {
  const rng = new Rng(seed);
  const links = Array.from({ length: peers }, () => new Map<number, number>());
  links.forEach((own, i) => {
    for (let k = 0; k < 3 && i > 0; k++) {
      const other = rng.below(i);
      const rttMs = rng.below(50) / 10 + 0.1;
      own.set(other, rttMs);
      links[other]?.set(i, rttMs);
    }
  });
  return links.map((own, i) => ({
    ...reportFacts(
      `peer-${i}`,
      [...own].map(([other, rttMs]) =>
        linkFacts(`peer-${other}`, (i + other) % 5 === 0 ? 'eager' : 'lazy', {
          rttMs,
          messagesInPerSecond: 2,
          messagesOutPerSecond: 2,
        }),
      ),
    ),
    peer: peerFacts(`peer-${i}`, { zone: `zone-${i % zones}` }),
    reportTime: 1_000,
  }));
}
