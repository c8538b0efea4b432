import type { Health, Totals } from '@starling/topology';
import type { ReactNode } from 'react';
import { HealthGlyph, healthLabels } from '../../ui/health-glyph.tsx';
import styles from './topology.module.css';

const order: readonly Health[] = ['healthy', 'warning', 'critical', 'unknown'];

/** What shapes, colours and lines mean, and how many there are of each. */
export function Legend({ totals }: { readonly totals: Totals }): ReactNode {
  return (
    <section className={styles.legend} aria-label="Legend">
      <dl>
        {order.map((health) => (
          <div key={health} data-none={totals.health[health] === 0}>
            <dt>
              <HealthGlyph health={health} />
              {healthLabels[health]}
            </dt>
            <dd>{totals.health[health].toLocaleString('en')}</dd>
          </div>
        ))}
      </dl>
      <dl>
        <div title="Payloads are pushed over it">
          <dt>
            <i className={styles.lineTree} />
            Tree link
          </dt>
          <dd>{totals.treeLinks.toLocaleString('en')}</dd>
        </div>
        <div title="One end pushes over it: it joins the tree, or leaves it" data-none={totals.halfLinks === 0}>
          <dt>
            <i className={styles.lineHalf} />
            Half in the tree
          </dt>
          <dd>{totals.halfLinks.toLocaleString('en')}</dd>
        </div>
        <div title="Carries announcements, and takes over when a tree link goes">
          <dt>
            <i className={styles.lineSpare} />
            Spare link
          </dt>
          <dd>{(totals.links - totals.treeLinks - totals.halfLinks).toLocaleString('en')}</dd>
        </div>
      </dl>
    </section>
  );
}
