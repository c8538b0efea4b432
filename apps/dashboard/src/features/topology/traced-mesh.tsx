'use client';

import { condense, drawnPeers, isFoldedAt } from '@starling/topology';
import { type ReactNode, useMemo } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { useUrlState } from '../../ui/use-url-state.ts';
import { MeshCanvas } from './mesh-canvas.tsx';
import type { LitPath } from './path-drawing.ts';

const noZones: ReadonlySet<string> = new Set();

/** The live mesh, quiet, with a path lit over it. Peers of a folded mesh that are on the path are drawn out of their zones. */
export function TracedMesh(properties: { readonly path: LitPath; readonly peers: ReadonlySet<string> }): ReactNode {
  const { path, peers } = properties;
  const feed = useFeed();
  const [{ layout: wanted, peer: selected }, change] = useUrlState();
  const { picture, revision } = feed;
  const isFolded = isFoldedAt(picture.peers.size, false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const condensed = useMemo(
    () => (isFolded ? condense(picture, drawnPeers(picture, { open: noZones, selected: '', matches: peers })) : null),
    [isFolded, picture, revision, peers],
  );
  const layout = isFolded ? 'zones' : wanted;
  const view = useMemo(
    () => ({ layout, edges: 'focus' as const, selected: '', matches: null, condensed, path }),
    [layout, condensed, path],
  );
  return (
    <MeshCanvas
      feed={feed}
      view={view}
      onSelect={(peer) => change({ peer: peer === selected ? '' : peer })}
      onOpenZone={() => undefined}
    />
  );
}
