/** Reads the chart's values.yaml as what it is: settings, each with a default and a comment that begins with "--". */

/** One value of the chart. */
export interface ChartValue {
  /** Such as `peer.image.tag`. */
  readonly path: string;
  /** As written; for a block, what is under the key on one line. */
  readonly otherwise: string;
  /** What it does; empty when nobody wrote it down. */
  readonly meaning: string;
}

/**
 * The values that the file documents, in its order. A key with a comment is a value; one without is a group, and its
 * children are looked at. Knows the subset of YAML that the file uses: two spaces for each level, comments above keys.
 */
export function readValues(yaml: string): ChartValue[] {
  const lines = yaml.split('\n');
  const values: ChartValue[] = [];
  const groups: string[] = [];
  let comment: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    const remark = /^\s*# ?(.*)$/.exec(line);
    if (remark !== null) {
      comment.push(remark[1] as string);
      continue;
    }
    const key = /^(\s*)([A-Za-z][\w-]*):\s*(.*)$/.exec(line);
    if (key === null) {
      comment = [];
      continue;
    }
    const [, indent = '', name = '', rest = ''] = key;
    groups.length = indent.length / 2;
    const block: string[] = [];
    while (rest === '' && (lines[at + block.length + 1] ?? '').startsWith(`${indent} `)) {
      block.push((lines[at + block.length + 1] as string).trim());
    }
    const start = comment.findIndex((text) => text.startsWith('-- '));
    const isGroup = start < 0 && block.length > 0;
    if (!isGroup) {
      const meaning = start < 0 ? '' : comment.slice(start).join(' ').slice('-- '.length);
      const otherwise = rest === '' ? block.join(', ') : rest;
      values.push({ path: [...groups, name].join('.'), otherwise, meaning });
      at += block.length;
    }
    groups.push(name);
    comment = [];
  }
  return values;
}

/** The values as a table for README.md. */
export function valuesTable(values: readonly ChartValue[]): string {
  const rows = values.map(
    ({ path, otherwise, meaning }) => `| \`${path}\` | \`${otherwise.replaceAll('|', '\\|')}\` | ${meaning} |`,
  );
  return ['| value | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

const begin = '<!-- Made from values.yaml by `node tools/chart/print-values.ts`. Do not edit. -->';
const end = '<!-- End of the values. -->';

/** README.md with its table replaced. Throws when it has no place for one. */
export function withTable(readme: string, table: string): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md needs the lines ${begin} and ${end}`);
  return `${readme.slice(0, from + begin.length)}\n\n${table}\n\n${readme.slice(to)}`;
}

/** A part of values.schema.json. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** The schema of a value; null when the path leads nowhere. */
export function schemaOf(root: Schema, path: string): Schema | null {
  let schema: Schema | null = root;
  for (const name of path.split('.')) schema = resolve(root, schema)?.properties?.[name] ?? null;
  return resolve(root, schema);
}

/** Paths of objects that name their properties but would take others, too. */
export function openObjects(root: Schema, schema: Schema = root, path = ''): string[] {
  const resolved = resolve(root, schema);
  if (resolved === null) return [];
  const own = resolved.properties !== undefined && resolved.additionalProperties !== false ? [path || '/'] : [];
  const children = [
    ...Object.entries(resolved.properties ?? {}).map(([name, child]) => openObjects(root, child, `${path}/${name}`)),
    ...(resolved.items === undefined ? [] : [openObjects(root, resolved.items, `${path}/*`)]),
  ];
  return [...own, ...children.flat()];
}

function resolve(root: Schema, schema: Schema | null): Schema | null {
  const name = schema?.$ref?.replace('#/$defs/', '');
  return name === undefined ? schema : (root.$defs?.[name] ?? null);
}
