/** A rate or count, short enough for a table: three digits, then k and M. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)} M`;
  if (size >= 1e4) return `${trim(value / 1e3)} k`;
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return trim(value);
}

/** Bytes in binary units. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  // A part of a byte is no byte; a rate of them may be less than one.
  if (unit === 0) return `${bytes >= 10 || Number.isInteger(bytes) ? Math.round(bytes) : trim(bytes)} B`;
  return `${trim(bytes / 1024 ** unit)} ${units[unit]}`;
}

/** Milliseconds; an en dash when not measured. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '–';
  if (ms === 0) return '0 ms';
  return ms >= 1000 ? `${trim(ms / 1000)} s` : `${ms < 1 ? ms.toFixed(2) : trim(ms)} ms`;
}

/** A share as a percentage. */
export function formatShare(share: number): string {
  return `${trim(share * 100)} %`;
}

/** A span in its two largest units. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A time of day with seconds, in the viewer's zone. */
export function formatTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** The same with the day before it, where that is not the day of `now`; 0: not known yet. */
export function formatMoment(at: number, now: number): string {
  const day = new Date(at);
  if (now === 0 || day.toDateString() === new Date(now).toDateString()) return formatTime(at);
  return `${day.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })}, ${formatTime(at)}`;
}

/** An id's beginning: enough to tell peers apart by eye. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** Three digits, the zeros behind the point kept: figures that change must not change their width. */
function trim(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  return size >= 100
    ? String(Math.round(rounded))
    : size >= 10
      ? rounded.toFixed(1)
      : size === 0
        ? '0'
        : rounded.toFixed(2);
}
