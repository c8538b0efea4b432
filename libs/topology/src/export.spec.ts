import { expect, it } from 'vitest';
import { exportedPicture } from './export.ts';
import { pictureOf } from './sample-mesh.ts';

it('exports every peer and every link, and survives JSON', () => {
  const picture = pictureOf(40, 3);
  const exported = JSON.parse(JSON.stringify(exportedPicture(picture))) as Record<string, unknown[]>;
  expect(exported.format).toBe('starling-topology/1');
  expect(exported.peers).toHaveLength(40);
  expect(exported.links).toHaveLength(picture.edges.size);
  expect(exported.parts).toEqual([40]);
  expect(exported.peers?.[0]).toMatchObject({ id: 'peer-0', zone: 'zone-0', health: 'healthy' });
});
