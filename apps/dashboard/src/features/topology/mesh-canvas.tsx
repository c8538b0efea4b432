'use client';

import { type CondensedPicture, exportedPicture } from '@starling/topology';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import type { FeedState } from '../../feed/feed-store.ts';
import { Icon } from '../../ui/icons.tsx';
import { Notice } from '../../ui/notice.tsx';
import { fileName, save } from '../../ui/save.ts';
import type { MeshPainter, PaintedView } from './mesh-painter.ts';
import styles from './topology.module.css';

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The mesh as WebGL draws it. Arrow keys walk to the nearest peer; the peers table says the same in words. */
export function MeshCanvas(properties: {
  readonly feed: FeedState;
  readonly view: PaintedView;
  readonly onSelect: (peer: string) => void;
  readonly onOpenZone: (zone: string) => void;
}): ReactNode {
  const { feed, view, onSelect, onOpenZone } = properties;
  const container = useRef<HTMLDivElement>(null);
  const listener = useRef({ onSelect, onOpenZone });
  const latest = useRef({ picture: feed.picture, view });
  const [painter, setPainter] = useState<MeshPainter | null>(null);
  const [problem, setProblem] = useState('');
  const [isStill, setStill] = useState(false);
  listener.current = { onSelect, onOpenZone };
  latest.current = { picture: feed.picture, view };

  useEffect(() => {
    const element = container.current;
    if (element === null) return;
    let made: MeshPainter | null = null;
    let isUnmounted = false;
    const wantsStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    setStill(wantsStill);
    // Its modules ask for WebGL as they load, which a server has not.
    import('./mesh-painter.ts').then(
      ({ MeshPainter: Painter }) => {
        if (isUnmounted) return;
        try {
          made = new Painter(element, wantsStill, {
            onSelect: (peer) => listener.current.onSelect(peer),
            onOpenZone: (zone) => listener.current.onOpenZone(zone),
          });
          setPainter(made);
        } catch {
          setProblem('This browser has no WebGL, so the picture cannot be drawn.');
        }
      },
      () => setProblem('The drawing code could not be loaded.'),
    );
    const recolor = (): void => made?.recolor(latest.current.picture);
    const themeObserver = new MutationObserver(recolor);
    themeObserver.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', recolor);
    return () => {
      isUnmounted = true;
      themeObserver.disconnect();
      system.removeEventListener('change', recolor);
      made?.destroy();
    };
  }, []);

  const { revision, picture } = feed;
  const { layout, edges, selected, matches, condensed, path } = view;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  useEffect(() => {
    painter?.update(picture, { layout, edges, selected, matches, condensed, ...(path && { path }) });
  }, [painter, picture, revision, layout, edges, selected, matches, condensed, path]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const arrow = arrows[event.key];
    if (arrow !== undefined && painter !== null) {
      event.preventDefault();
      const next = painter.nearest(selected, arrow[0], arrow[1]);
      if (next !== null) onSelect(next);
    } else if (event.key === '+' || event.key === '=') painter?.zoom('in');
    else if (event.key === '-') painter?.zoom('out');
    else if (event.key === '0') painter?.zoom('fit');
  };

  if (problem !== '') {
    return (
      <Notice tone="alarm" title="No picture">
        {problem} The Peers page shows the same, as a table.
      </Notice>
    );
  }
  return (
    <>
      <div
        ref={container}
        className={styles.canvas}
        data-testid="mesh-canvas"
        data-painted={painter !== null && feed.hasPicture}
        data-nodes={condensed === null ? picture.peers.size : condensed.peers.size + closedZones(condensed)}
        data-still={isStill}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the arrow keys
        tabIndex={0}
        aria-label={`Mesh of ${picture.peers.size} peers and ${picture.edges.size} links${condensed === null ? '' : ', folded into zones: open them by the list of zones'}. Arrow keys walk from peer to peer, Escape clears. The Peers page has the same as a table.`}
        onKeyDown={onKeyDown}
      />
      <div className={styles.zoom} role="toolbar" aria-label="Zoom and save">
        <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => painter?.zoom('in')}>
          <Icon name="plus" />
        </button>
        <button type="button" title="Zoom out (−)" aria-label="Zoom out" onClick={() => painter?.zoom('out')}>
          <Icon name="minus" />
        </button>
        <button type="button" title="Fit (0)" aria-label="Fit the whole mesh" onClick={() => painter?.zoom('fit')}>
          <Icon name="fit" />
        </button>
        <button
          type="button"
          title="Save as PNG"
          aria-label="Save the picture as PNG"
          onClick={async () => {
            const blob = await painter?.png();
            if (blob) save(blob, fileName(picture.now, 'png'));
          }}
        >
          <Icon name="picture" />
        </button>
        <button
          type="button"
          title="Save as JSON"
          aria-label="Save the mesh as JSON"
          onClick={() => {
            const json = JSON.stringify(exportedPicture(picture), null, 1);
            save(new Blob([json], { type: 'application/json' }), fileName(picture.now, 'json'));
          }}
        >
          <Icon name="save" />
        </button>
      </div>
    </>
  );
}

function closedZones({ zones }: CondensedPicture): number {
  return zones.filter(({ folded }) => folded > 0).length;
}
