/** Writes the table of values into the chart's README: `node tools/chart/print-values.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readValues, valuesTable, withTable } from './values-reference.ts';

const chart = new URL('../../helm/starling/', import.meta.url);
const readme = new URL('README.md', chart);
const table = valuesTable(readValues(readFileSync(new URL('values.yaml', chart), 'utf8')));
writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), table));
