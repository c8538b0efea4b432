'use client';

import { type ReactNode, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import styles from './traffic.module.css';

/** One line of a chart. */
export interface Series {
  readonly label: string;
  /** A custom property of the style sheet, such as `--healthy`. */
  readonly color: string;
  /** Drawn broken: told apart without colour. */
  readonly isDashed?: boolean;
  readonly values: readonly (number | null)[];
}

/** Lines over time with a cursor; its figures are said by the legend below. `times` are ms since 1970, ascending. */
export function LineChart(properties: {
  readonly title: string;
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** How the scale is divided: by powers of two, or never finer than one. */
  readonly steps?: 'decimal' | 'binary' | 'whole';
}): ReactNode {
  const { title, times, series, format, steps = 'decimal' } = properties;
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [times.map((at) => at / 1000), ...series.map(({ values }) => [...values])];
  const shape = series.map(({ label, color, isDashed }) => `${label} ${color} ${isDashed}`).join('\n');

  // biome-ignore lint/correctness/useExhaustiveDependencies: the chart is made anew only when its lines are other ones
  useEffect(() => {
    const element = container.current;
    if (element === null) return;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(options(element, series, format, steps), data.current, element);
    };
    draw();
    const resizes = new ResizeObserver(() => chart.current?.setSize(sizeOf(element)));
    resizes.observe(element);
    const themes = new MutationObserver(draw);
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', draw);
    return () => {
      resizes.disconnect();
      themes.disconnect();
      system.removeEventListener('change', draw);
      chart.current?.destroy();
      chart.current = null;
    };
  }, [shape]);

  useEffect(() => {
    chart.current?.setData(data.current);
  });

  return (
    <figure className={styles.chart}>
      <figcaption>
        <b>{title}</b>
        {series.map(({ label, color, isDashed, values }) => (
          <span key={label}>
            <i style={{ borderTopColor: `var(${color})`, borderTopStyle: isDashed === true ? 'dashed' : 'solid' }} />
            {label} <output>{formatLast(values, format)}</output>
          </span>
        ))}
      </figcaption>
      <div ref={container} className={styles.plot} aria-hidden="true" />
    </figure>
  );
}

function formatLast(values: Series['values'], format: (value: number) => string): string {
  const last = values.at(-1) ?? null;
  return last === null ? '–' : format(last);
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: Math.max(120, element.clientWidth), height: Math.max(80, element.clientHeight) };
}

function options(
  element: HTMLElement,
  series: readonly Series[],
  format: (value: number) => string,
  steps: 'decimal' | 'binary' | 'whole',
): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const font = '11px ui-sans-serif, system-ui, sans-serif';
  const axis: uPlot.Axis = {
    stroke: color('--faint'),
    font,
    grid: { stroke: color('--hairline'), width: 1 },
    ticks: { show: false },
  };
  return {
    ...sizeOf(element),
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, sync: { key: 'traffic' } },
    scales: { y: { range: (_, least, most) => [Math.min(0, least), most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 26, space: 70, values: (_, splits) => splits.map((at) => timeLabel(at)) },
      {
        ...axis,
        size: steps === 'binary' ? 76 : 58,
        space: 28,
        values: (_, splits) => splits.map(format),
        ...(steps === 'decimal' ? {} : { incrs: [...increments[steps]] }),
      },
    ],
    series: [
      {},
      ...series.map((line) => ({
        label: line.label,
        stroke: color(line.color),
        width: 1.5,
        points: { show: false },
        ...(line.isDashed === true ? { dash: [5, 4] } : {}),
      })),
    ],
  };
}

const increments = {
  binary: Array.from({ length: 50 }, (_, power) => 2 ** power),
  whole: Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat(),
} as const;

function timeLabel(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB');
}
