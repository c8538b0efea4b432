'use client';

import { type MatrixZone, zoneMatrix } from '@starling/topology';
import { type ReactNode, useMemo } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatMs } from '../../ui/format.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import { heatScale } from './heat.ts';
import { MatrixTable } from './matrix-table.tsx';
import { PairLinks } from './pair-links.tsx';
import styles from './zones.module.css';

/** How far the zones are from each other, and which links hold them together. */
export function ZonesView(): ReactNode {
  const { picture, revision } = useFeed();
  const [url, change] = useUrlState();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const matrix = useMemo(() => zoneMatrix(picture), [picture, revision]);
  const { zones, pairs } = matrix;
  const scale = heatScale(matrix);
  const chosen = placesOf(url.pair, zones);
  return (
    // It scrolls, so keys must reach it.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: WCAG 2.1.1, a region that scrolls is one to be reached by keys.
    <section className={styles.page} aria-label="Zones" tabIndex={0}>
      <header className={styles.head}>
        <h2>Zone to zone</h2>
        <p>Median round trip of the links between two zones, and how many there are. Choose one for its links.</p>
        {scale !== null && (
          <p className={styles.scale} aria-hidden="true">
            {formatMs(scale.leastMs)} <i /> {formatMs(scale.mostMs)}
          </p>
        )}
      </header>
      {zones.length === 1 && (
        <p className={styles.only}>
          {zones[0]?.zone === ''
            ? 'No peer names its zone. Tell each by STARLING_ZONE, and the mesh keeps most of its links near.'
            : 'All peers are in one zone.'}
        </p>
      )}
      <MatrixTable
        matrix={matrix}
        scale={scale}
        chosen={chosen}
        onChoose={(one, other) =>
          change({ pair: chosen?.join() === [one, other].join() ? [] : [one, other].map((at) => keyOf(zones, at)) })
        }
      />
      {chosen !== null && (
        <PairLinks
          zones={zones}
          one={chosen[0]}
          other={chosen[1]}
          pair={pairs[chosen[0]]?.[chosen[1]] ?? null}
          onSelect={(peer) => change({ peer })}
        />
      )}
    </section>
  );
}

/** How a row stands in the address: by its name, as the first rows may change; the rest by a name that no zone has. */
function keyOf(zones: readonly MatrixZone[], at: number): string {
  const zone = zones[at];
  return zone === undefined || zone.zones > 1 ? restKey : zone.zone;
}

const restKey = '\u0000';

function placesOf(pair: readonly string[], zones: readonly MatrixZone[]): readonly [number, number] | null {
  const [one = -1, other = -1] = pair.map((key) => zones.findIndex((_, at) => keyOf(zones, at) === key));
  return one < 0 || other < 0 ? null : [one, other];
}
