import type { Health, ZoneNode } from '@starling/topology';
import type { ReactNode } from 'react';
import { HealthGlyph, healthLabels } from '../../ui/health-glyph.tsx';
import { Icon } from '../../ui/icons.tsx';
import styles from './topology.module.css';

const wrong: readonly Health[] = ['critical', 'warning', 'unknown'];

/** The zones of a folded picture in words, each with a button that draws it peer by peer, or folds it again. */
export function ZoneList(properties: {
  readonly zones: readonly ZoneNode[];
  readonly open: ReadonlySet<string>;
  readonly onToggle: (zone: string) => void;
}): ReactNode {
  const { zones, open, onToggle } = properties;
  return (
    <section className={styles.zones} aria-label="Zones">
      <h2>{zones.length === 1 ? '1 zone' : `${zones.length.toLocaleString('en')} zones`}</h2>
      <ul>
        {zones.map(({ zone, peers, health }) => (
          <li key={zone}>
            <button type="button" aria-expanded={open.has(zone)} onClick={() => onToggle(zone)}>
              <Icon name="open" />
              <span className={styles.zoneName}>{zone || 'no zone'}</span>
              <span className="num">{peers.toLocaleString('en')}</span>
              {wrong.some((verdict) => health[verdict] > 0) && (
                <span className={styles.zoneWrong}>
                  {wrong
                    .filter((verdict) => health[verdict] > 0)
                    .map((verdict) => (
                      <span key={verdict}>
                        <HealthGlyph health={verdict} />
                        {health[verdict].toLocaleString('en')} {healthLabels[verdict].toLowerCase()}
                      </span>
                    ))}
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
