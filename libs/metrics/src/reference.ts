import { definitionOf, type MetricName, metricDefinitions } from './definitions.ts';

/** Series that a metric can have at the most: every combination of labels, times the lines that a histogram needs. */
export function seriesOf(name: MetricName): number {
  // A gRPC call has one code out of few; codes are counted as if each of the 17 methods had met six.
  if (name === 'grpc_server_handled_total') return 17 * 6;
  // A method belongs to one service.
  if (name === 'grpc_server_handling_seconds') return 17 * (metricDefinitions[name].buckets.length + 3);
  const { labels = {}, buckets } = definitionOf(name);
  const combinations = Object.values(labels).reduce<number>(
    (product, values) => product * (typeof values === 'number' ? values : values.length),
    1,
  );
  return combinations * (buckets === undefined ? 1 : buckets.length + 3);
}

/** The text of docs/metrics.md, from the definitions. */
export function metricsReference(): string {
  const names = Object.keys(metricDefinitions) as MetricName[];
  const rows = names.map((name) => {
    const { type, help, labels = {}, buckets } = definitionOf(name);
    const shown = Object.entries(labels).map(([label, values]) =>
      typeof values === 'number' ? `\`${label}\`` : `\`${label}\`: ${values.join(', ')}`,
    );
    const range = buckets === undefined ? '' : ` Buckets ${buckets[0]} to ${buckets.at(-1)}.`;
    return `| \`${name}\` | ${type} | ${shown.join('; ')} | ${help}${range} |`;
  });
  return `<!-- Generated from libs/metrics/src/definitions.ts by \`npm run docs -w @starling/metrics\`. Do not edit. -->
# Metrics of a peer

\`GET /metrics\` on the HTTP port (7402). Units are seconds, bytes and ratios from 0 to 1; counters end in \`_total\` and
begin at 0 with the process. No label carries a peer's id, a topic or anything else that grows with the mesh: a peer has
at most ${names.reduce((sum, name) => sum + seriesOf(name), 0)} series, whatever the size of the mesh.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
