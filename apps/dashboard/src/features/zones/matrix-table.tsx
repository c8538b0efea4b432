'use client';

import type { Health, MatrixZone, ZoneMatrix, ZonePair } from '@starling/topology';
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import { formatMs, formatNumber } from '../../ui/format.ts';
import { HealthGlyph, healthLabels } from '../../ui/health-glyph.tsx';
import { type HeatScale, heatOf } from './heat.ts';
import { zoneLabel } from './zone-label.ts';
import styles from './zones.module.css';

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

const wrong: readonly Health[] = ['critical', 'warning', 'unknown'];

/** Zone by zone. One cell takes the focus; arrow keys walk from cell to cell. */
export function MatrixTable(properties: {
  readonly matrix: ZoneMatrix;
  readonly scale: HeatScale | null;
  readonly chosen: readonly [number, number] | null;
  readonly onChoose: (one: number, other: number) => void;
}): ReactNode {
  const { matrix, scale, chosen, onChoose } = properties;
  const { zones, pairs } = matrix;
  const [focus, setFocus] = useState<readonly [number, number]>([0, 0]);
  const table = useRef<HTMLTableElement>(null);
  const last = zones.length - 1;
  // Zones may have gone meanwhile.
  const [row, column] = [Math.min(focus[0], last), Math.min(focus[1], last)];

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = arrows[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const clamp = (at: number): number => Math.min(last, Math.max(0, at));
    const [one, other] = [clamp(row + step[0]), clamp(column + step[1])];
    setFocus([one, other]);
    table.current?.querySelector<HTMLButtonElement>(`[data-at="${one},${other}"]`)?.focus();
  };
  return (
    <div className={styles.frame}>
      <table className={styles.matrix} ref={table} onKeyDown={onKeyDown} data-testid="zone-matrix">
        <caption className="visually-hidden">
          Round trips and links between {zones.length} zones. Arrow keys walk from one to the next.
        </caption>
        <thead>
          <tr>
            <td />
            {zones.map((zone) => (
              <th key={zoneLabel(zone)} scope="col" title={zoneLabel(zone)}>
                {zoneLabel(zone)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {zones.map((zone, i) => (
            <tr key={zoneLabel(zone)}>
              <th scope="row">
                <RowHead zone={zone} />
              </th>
              {pairs[i]?.map((pair, j) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the column is the place
                <td key={j}>
                  <button
                    type="button"
                    className={styles.cell}
                    data-at={`${i},${j}`}
                    data-inner={i === j}
                    tabIndex={i === row && j === column ? 0 : -1}
                    aria-pressed={chosen !== null && chosen[0] === i && chosen[1] === j}
                    style={{ background: background(pair, scale) }}
                    onFocus={() => setFocus([i, j])}
                    onClick={() => onChoose(i, j)}
                  >
                    <CellText one={zone} other={zones[j] ?? zone} pair={pair} />
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RowHead({ zone }: { readonly zone: MatrixZone }): ReactNode {
  return (
    <>
      <b title={zoneLabel(zone)}>{zoneLabel(zone)}</b>
      <span>
        {formatNumber(zone.peers)} {zone.peers === 1 ? 'peer' : 'peers'}
        {wrong
          .filter((verdict) => zone.health[verdict] > 0)
          .map((verdict) => (
            <i key={verdict} title={`${zone.health[verdict]} ${healthLabels[verdict].toLowerCase()}`}>
              <HealthGlyph health={verdict} />
              {formatNumber(zone.health[verdict])}
              <span className="visually-hidden"> {healthLabels[verdict].toLowerCase()}</span>
            </i>
          ))}
      </span>
    </>
  );
}

/** What is seen is a part of what is said. */
function CellText(properties: {
  readonly one: MatrixZone;
  readonly other: MatrixZone;
  readonly pair: ZonePair | null;
}): ReactNode {
  const { one, other, pair } = properties;
  const where = one === other ? `Within ${zoneLabel(one)}: ` : `${zoneLabel(one)} to ${zoneLabel(other)}: `;
  if (pair === null) {
    return (
      <>
        <span className="visually-hidden">{where}no link</span>
        <span className={styles.none} aria-hidden="true">
          –
        </span>
      </>
    );
  }
  return (
    <>
      <span className="visually-hidden">{where}median round trip</span>
      <b>{formatMs(pair.rttP50Ms)}</b>
      <span>
        {formatNumber(pair.links)} {pair.links === 1 ? 'link' : 'links'}
      </span>
      <span className="visually-hidden">{formatNumber(pair.treeLinks)} in the tree</span>
    </>
  );
}

/** At most so much of the hot colour, so that the words on it can be read in both themes. */
const heatShareMax = 42;

function background(pair: ZonePair | null, scale: HeatScale | null): string {
  const share = Math.round(heatOf(pair?.rttP50Ms ?? null, scale) * heatShareMax);
  return pair === null ? 'transparent' : `color-mix(in srgb, var(--warning) ${share}%, var(--surface))`;
}
