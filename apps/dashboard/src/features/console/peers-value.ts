import type { PeersColumn } from '@starling/client';
import { formatAge, formatBytes, formatMs } from '../../ui/format.ts';

/** One value of an answer about the peers, for people. */
export function peersValueText(value: string | number | null, type: PeersColumn['type']): string {
  if (value === null || value === '') return '–';
  if (typeof value === 'string') return value;
  switch (type) {
    case 'duration':
      // An uptime is a span to people, a round trip is a figure.
      return value >= 60_000 ? formatAge(value) : formatMs(value);
    case 'bytes':
      return formatBytes(value);
    default:
      return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(4)));
  }
}
