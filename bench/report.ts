import { cpus, loadavg, totalmem } from 'node:os';

/** What the numbers were measured on, and how busy it was with other things; printed once. */
export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  return `${cpus().length} × ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}, ${process.platform}, load ${load} before the start`;
}

export function section(title: string): void {
  console.log(`\n## ${title}`);
}

export function row(what: string, values: readonly string[]): void {
  console.log(`${what.padEnd(56)} ${values.join(' · ')}`);
}

/** The q-quantile by nearest rank; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Several runs of one thing: the median, and the least and the most beside it. */
export function spread(values: readonly number[], digits = 0): string {
  const text = (value: number): string =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (values.length < 2) return text(quantile(values, 0.5));
  return `${text(quantile(values, 0.5))} (${text(Math.min(...values))} … ${text(Math.max(...values))})`;
}
