import type { Millis } from '@starling/kernel';
import { hashText, TraceHash } from './engine/trace-hash.ts';

/** What a measured value must be. */
export interface Bound {
  readonly is: '≤' | '≥';
  readonly value: number;
}

/** One row of a scenario's table, before it is measured. */
export interface Goal {
  /** The key of its value in a `Sample`. */
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** What the paper (or the rival) printed, as text, with where it is from. */
  readonly paper: string;
  /** The goal at full scale; null: for information. */
  readonly goal: Bound | null;
  /** Below this many peers the goal means nothing, and the row is for information. */
  readonly peersMin?: number;
  /** Judged by the mean over seeds (the papers' habit) or by the worst seed (promises). */
  readonly judgedBy: 'mean' | 'worst';
}

/** What one seed measured. */
export interface Sample {
  readonly seed: number;
  readonly values: Readonly<Record<string, number>>;
  readonly traceHash: string;
  /** Broken invariants, each a sentence. */
  readonly violations: readonly string[];
  readonly events: number;
}

/** `met` and `MISSED` are about goals; `info` about rows that have none here. */
export type Verdict = 'met' | 'MISSED' | 'info';

export interface ReportRow {
  readonly what: string;
  readonly unit: string;
  readonly paper: string;
  readonly goal: string;
  readonly mean: number;
  readonly worst: number;
  readonly verdict: Verdict;
}

/** A seed that broke an invariant, and how to see it again. */
export interface ReportFailure {
  readonly seed: number;
  readonly violation: string;
  /** The command that replays it. */
  readonly replay: string;
  /** The smallest version that still fails; empty when it could not be made smaller. */
  readonly shrunk: string;
}

export interface ScenarioReport {
  readonly name: string;
  readonly about: string;
  readonly engine: 'event' | 'cycle';
  readonly setup: string;
  readonly peers: number;
  readonly seeds: readonly number[];
  readonly rows: readonly ReportRow[];
  readonly failures: readonly ReportFailure[];
  /** In the order of `seeds`. */
  readonly traceHashes: readonly string[];
  readonly events: number;
  /** CPU time; null when the caller gave no meter. */
  readonly cpuMs: Millis | null;
  /** No goal missed and no invariant broken. */
  readonly isMet: boolean;
}

/** Judges the samples of all seeds against the goals, in their order. A goal that no seed measured is left out. */
export function judge(goals: readonly Goal[], samples: readonly Sample[], peers: number): ReportRow[] {
  return goals.flatMap(({ id, what, unit, paper, goal, peersMin, judgedBy }) => {
    const values = samples.map(({ values }) => values[id]).filter((value) => value !== undefined);
    if (values.length === 0) return [];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const worst = goal?.is === '≥' ? Math.min(...values) : Math.max(...values);
    const counts = goal !== null && peers >= (peersMin ?? 0);
    const judged = judgedBy === 'mean' ? mean : worst;
    const holds = goal !== null && (goal.is === '≤' ? judged <= goal.value : judged >= goal.value);
    const verdict: Verdict = !counts ? 'info' : holds ? 'met' : 'MISSED';
    const text = goal === null ? '–' : `${goal.is} ${format(goal.value)}${counts ? '' : ` (from ${peersMin} peers)`}`;
    return [{ what, unit, paper, goal: text, mean, worst, verdict }];
  });
}

/** A report as text for a terminal: a heading, the table, and for each failure the command that replays it. */
export function formatReport(report: ScenarioReport): string {
  const seeds =
    report.seeds.length === 1 ? `seed ${report.seeds[0]}` : `${report.seeds.length} seeds from ${report.seeds[0]}`;
  const heading = `${report.name}: ${report.about}`;
  const setup = `${report.engine} engine, ${report.peers} peers, ${seeds}; ${report.setup}`;
  const table = formatTable(
    ['', 'paper', 'goal', 'mean', 'worst', 'verdict'],
    report.rows.map(({ what, unit, paper, goal, mean, worst, verdict }) => [
      unit === '' ? what : `${what} [${unit}]`,
      paper,
      goal,
      format(mean),
      format(worst),
      verdict,
    ]),
  );
  const failures = report.failures.flatMap(({ seed, violation, replay, shrunk }) => [
    `FAILED with seed ${seed}: ${violation}`,
    `  replay: ${replay}`,
    ...(shrunk === '' ? [] : [`  shrunk: ${shrunk}`]),
  ]);
  const speed =
    report.cpuMs === null || report.cpuMs === 0
      ? `${report.events} events`
      : `${report.events} events in ${format(report.cpuMs / 1_000)} s of CPU, ${format(report.events / report.cpuMs / 1_000)} M/s`;
  const hashes = `trace ${traces(report.traceHashes)}; ${speed}`;
  return [heading, setup, ...table, ...failures, hashes, ''].join('\n');
}

/** The first few as they are; of many, one more over all. */
function traces(hashes: readonly string[]): string {
  if (hashes.length <= 3) return hashes.join(' ');
  const all = new TraceHash();
  for (const hash of hashes) all.add(hashText(hash));
  return `${hashes.slice(0, 3).join(' ')} …, all ${all.digest()}`;
}

/** Three significant digits, and no more decimals than a reader can use. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  if (Number.isInteger(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 5;
  return String(Number(value.toFixed(digits)));
}

function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  return [line(header), ...rows.map(line)];
}
