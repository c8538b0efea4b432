import type { Attribute } from './attributes.ts';

const durationMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const byteUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};
const amountPattern = /^(\d{1,15}(?:\.\d{1,15})?)([a-z%]*)$/iu;
const versionPattern = /^v?\d+(\.\d+)*([-+.][0-9a-z.+-]*)?$/iu;

/** What a number of this attribute looks like, for people. */
export const examples: Readonly<Record<Attribute['type'], string>> = {
  text: "a word or 'text in quotes'",
  version: 'a version, as 1.4 or 1.4.0-rc.1',
  number: 'a number, as 3 or 0.5',
  duration: 'a duration, as 50ms, 2s, 10m, 3h or 7d',
  bytes: 'a size, as 4096, 64KiB or 1.5GB',
};

/** What a text means as a value of this type; null: nothing. Durations in ms, sizes in bytes. */
export function amountOf(type: Attribute['type'], text: string): number | null {
  const [, digits = '', unit = ''] = amountPattern.exec(text) ?? [];
  if (digits === '') return null;
  const number = Number(digits);
  if (type === 'number') return unit === '' ? number : unit === '%' ? number / 100 : null;
  const factor = (type === 'duration' ? durationMs : byteUnits)[unit.toLowerCase()];
  if (factor !== undefined) return number * factor;
  // A duration without its unit could mean anything; a size without is bytes.
  return unit === '' && (type === 'bytes' || number === 0) ? number : null;
}

export function isVersion(text: string): boolean {
  return versionPattern.test(text);
}

interface Version {
  readonly numbers: readonly number[];
  /** Empty: a release. */
  readonly pre: readonly string[];
}

/**
 * Below 0, 0 or above 0, by precedence as in Semantic Versioning 2.0.0 §11: numbers as numbers, a pre-release before its release,
 * builds all alike. Parts that are left out are 0. What is no version comes before all that are, by its text.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionOf(a), versionOf(b)];
  if (left === null || right === null) return left === right ? compareTexts(a, b) : left === null ? -1 : 1;
  for (let i = 0; i < Math.max(left.numbers.length, right.numbers.length); i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre.length === 0 || right.pre.length === 0) return right.pre.length - left.pre.length;
  for (let i = 0; i < Math.min(left.pre.length, right.pre.length); i++) {
    const difference = comparePre(left.pre[i] as string, right.pre[i] as string);
    if (difference !== 0) return difference;
  }
  return left.pre.length - right.pre.length;
}

/** By UTF-16 units: the same at every peer, whatever its language. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function versionOf(text: string): Version | null {
  if (!isVersion(text)) return null;
  const [core = '', ...pre] = (text.replace(/^v/iu, '').split('+')[0] as string).split('-');
  const numbers = core.split('.').map(Number);
  if (numbers.some(Number.isNaN)) return null;
  return { numbers, pre: pre.length === 0 ? [] : pre.join('-').split('.') };
}

function comparePre(a: string, b: string): number {
  const [isNumberA, isNumberB] = [/^\d+$/u.test(a), /^\d+$/u.test(b)];
  if (isNumberA && isNumberB) return Number(a) - Number(b);
  return isNumberA === isNumberB ? compareTexts(a, b) : isNumberA ? -1 : 1;
}
