/** A half-open interval of numbers, or of ms since 1970; the end is included where `closed` says so. */
export interface Interval {
  readonly from: number;
  readonly to: number;
  /** Are `from` and `to` themselves inside? */
  readonly fromInside: boolean;
  readonly toInside: boolean;
}

const numberPattern = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const datePattern =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/;
/** No date or number is written longer. */
const valueCharsMax = 40;
const dayMs = 86_400_000;

/** The number that a text is, or null. */
export function numberOf(text: string): number | null {
  if (text.length > valueCharsMax || !numberPattern.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/**
 * The time that an ISO 8601 text stands for, in ms since 1970: from its first moment to before the first one after it. A
 * year, a month, a day, or a time, which without a zone is in UTC. Null: it is none.
 */
export function periodOf(text: string): { readonly from: number; readonly to: number } | null {
  if (text.length > valueCharsMax) return null;
  const match = datePattern.exec(text);
  if (match === null) return null;
  const [, yearText = '', month, day, hour, minute, second, fraction, zone] = match;
  const year = Number(yearText);
  if (month === undefined) return { from: daysOf(year, 1, 1) * dayMs, to: daysOf(year + 1, 1, 1) * dayMs };
  const monthNumber = Number(month);
  if (monthNumber < 1 || monthNumber > 12) return null;
  const nextMonth = monthNumber === 12 ? daysOf(year + 1, 1, 1) : daysOf(year, monthNumber + 1, 1);
  if (day === undefined) return { from: daysOf(year, monthNumber, 1) * dayMs, to: nextMonth * dayMs };
  const days = daysOf(year, monthNumber, Number(day));
  if (Number(day) < 1 || days >= nextMonth) return null;
  if (hour === undefined) return { from: days * dayMs, to: (days + 1) * dayMs };
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const shift = zoneMs(zone ?? 'Z');
  if (shift === null) return null;
  const ms = Number(`0.${fraction ?? 0}`) * 1_000;
  const from = days * dayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000 + ms - shift;
  return { from, to: from + (second === undefined ? 60_000 : fraction === undefined ? 1_000 : 1) };
}

function zoneMs(zone: string): number | null {
  if (zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 14 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000);
}

/** Days from 1970-01-01 in the Gregorian calendar: the algorithm of H. Hinnant's `days_from_civil`, which counts from 1 March. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
