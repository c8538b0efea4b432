import { cpus, totalmem } from 'node:os';

/** What the numbers were measured on; printed once. */
export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  return `${cpus().length} × ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}, ${process.platform}`;
}

export function section(title: string): void {
  console.log(`\n## ${title}`);
}

export function row(what: string, values: readonly string[]): void {
  console.log(`${what.padEnd(52)} ${values.join(' · ')}`);
}

/** The q-quantile by nearest rank; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
