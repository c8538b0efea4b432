import type { Health } from '@starling/topology';
import type { ReactNode } from 'react';

/** Words for the four states. */
export const healthLabels: Readonly<Record<Health, string>> = {
  healthy: 'Healthy',
  warning: 'Warning',
  critical: 'Critical',
  unknown: 'Not heard',
};

/** The shapes of the graph's nodes, for tables and the legend: never colour alone. */
export function HealthGlyph({ health }: { readonly health: Health }): ReactNode {
  return (
    <svg className={`glyph glyph-${health}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {health === 'healthy' && <circle cx="6" cy="6" r="4.5" />}
      {health === 'warning' && <path d="M6 0.6 11.4 6 6 11.4 0.6 6Z" />}
      {health === 'critical' && <path d="M6 0.8 11.4 10.6 0.6 10.6Z" />}
      {health === 'unknown' && <circle cx="6" cy="6" r="4" fill="none" strokeWidth="2" />}
    </svg>
  );
}
