import type { AttributeType } from './attributes.ts';

/** One value of an answer about the peers, for people; null: nobody in the group knows. Durations are in ms. */
export function peersValueText(value: string | number | null, type: AttributeType): string {
  if (value === null || value === '') return '–';
  if (typeof value === 'string') return value;
  switch (type) {
    case 'duration':
      // An uptime is a span to people, a round trip is a figure.
      return value >= minuteMs
        ? spanText(value)
        : value >= 1_000
          ? `${figure(value / 1_000)} s`
          : `${figure(value)} ms`;
    case 'bytes':
      return bytesText(value);
    default:
      return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(4)));
  }
}

const minuteMs = 60_000;

/** In its two largest units. */
function spanText(ms: number): string {
  const minutes = Math.floor(ms / minuteMs);
  const hours = Math.floor(minutes / 60);
  if (minutes < 60) return `${minutes} m ${Math.floor((ms % minuteMs) / 1_000)} s`;
  return hours < 24 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function bytesText(bytes: number): string {
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${at === 0 && Number.isInteger(bytes) ? bytes : figure(bytes / 1_024 ** at)} ${units[at]}`;
}

/** Three digits, the zeros behind the point kept: a column of them is read more easily. */
function figure(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (rounded === 0) return '0';
  return rounded.toFixed(Math.abs(rounded) >= 100 ? 0 : Math.abs(rounded) >= 10 ? 1 : 2);
}
