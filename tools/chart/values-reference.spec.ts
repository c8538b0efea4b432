import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openObjects, readValues, type Schema, schemaOf, valuesTable, withTable } from './values-reference.ts';

const chart = new URL('../../helm/starling/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, chart), 'utf8');
const values = readValues(read('values.yaml'));
const schema = JSON.parse(read('values.schema.json')) as Schema;

describe('the values of the chart', () => {
  it('are read with their place, default and meaning', () => {
    const yaml =
      '# About the file.\n\n# -- First.\nfirst: ""\ngroup:\n  # -- A block\n  # in two lines.\n  block:\n    a: 1\n    b: 2\n  bare: x\n';
    expect(readValues(yaml)).toEqual([
      { path: 'first', otherwise: '""', meaning: 'First.' },
      { path: 'group.block', otherwise: 'a: 1, b: 2', meaning: 'A block in two lines.' },
      { path: 'group.bare', otherwise: 'x', meaning: '' },
    ]);
  });

  it('are all explained', () => {
    expect(values.length).toBeGreaterThan(50);
    expect(values.filter(({ meaning }) => meaning === '').map(({ path }) => path)).toEqual([]);
  });

  it('are all in the schema, and the schema has no others', () => {
    expect(values.filter(({ path }) => schemaOf(schema, path) === null).map(({ path }) => path)).toEqual([]);
    const known = new Set(values.map(({ path }) => path));
    const isKnown = (path: string) => known.has(path) || [...known].some((other) => path.startsWith(`${other}.`));
    expect(leaves(schema).filter((path) => path !== 'global' && !isKnown(path))).toEqual([]);
  });

  it('have a schema that takes nothing it does not name', () => {
    expect(openObjects(schema)).toEqual([]);
  });

  it('are listed in README.md as they are', () => {
    const readme = read('README.md');
    expect(withTable(readme, valuesTable(values))).toBe(readme);
  });
});

/** Paths of everything that the schema names and that has no named parts of its own. */
function leaves(part: Schema, path = ''): string[] {
  const resolved = path === '' ? part : schemaOf(schema, path);
  const properties = Object.keys(resolved?.properties ?? {});
  if (properties.length === 0) return [path];
  return properties.flatMap((name) => leaves(part, path === '' ? name : `${path}.${name}`));
}
