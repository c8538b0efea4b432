import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  definitionOf,
  type HistogramName,
  type MetricName,
  metricDefinitions,
  type ScrapedName,
} from './definitions.ts';

/** One value of a metric with labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Where the counters and gauges come from: read at each scrape. Those that are left out are not exposed. */
export type MetricSources = { readonly [N in ScrapedName]?: () => number | readonly Sample[] };

/**
 * The prom-client adapter. Counters and gauges cost nothing until somebody scrapes: they are read from plain fields then.
 * Only histograms are observed as things happen.
 */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #histograms = new Map<HistogramName, Histogram>();

  constructor(sources: MetricSources) {
    for (const name of Object.keys(metricDefinitions) as MetricName[]) {
      const definition = definitionOf(name);
      const common = {
        name,
        help: definition.help,
        labelNames: Object.keys(definition.labels ?? {}),
        registers: [this.#registry],
      };
      if (definition.type === 'histogram') {
        const histogram = new Histogram({ ...common, buckets: [...(definition.buckets ?? [])] });
        this.#histograms.set(name as HistogramName, histogram);
        continue;
      }
      const source = sources[name as ScrapedName];
      if (source === undefined) continue;
      if (definition.type === 'gauge') {
        new Gauge({
          ...common,
          collect() {
            this.reset();
            for (const { labels, value } of samplesOf(source())) this.set({ ...labels }, value);
          },
        });
      } else {
        new Counter({
          ...common,
          collect() {
            this.reset();
            for (const { labels, value } of samplesOf(source())) this.inc({ ...labels }, value);
          },
        });
      }
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds one observation, in the metric's base unit. */
  observe(name: HistogramName, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#histograms.get(name)?.observe({ ...labels }, value);
  }

  /** The text exposition. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function samplesOf(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === 'number' ? [{ labels: {}, value }] : value;
}
