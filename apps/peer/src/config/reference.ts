import { type ConfigKey, configKeys, configSchema, variableOf } from './schema.ts';

/** The text of docs/configuration.md, from the schema. */
export function configurationReference(): string {
  const rows = configKeys.map((key) => {
    const field = configSchema.shape[key];
    return `| \`${variableOf(key)}\` | \`${key}\` | ${defaultOf(key)} | ${(field.description ?? '').replaceAll('|', '\\|')} |`;
  });
  return `<!-- Generated from apps/peer/src/config/schema.ts by \`npm run docs -w @starling/peer\`. Do not edit. -->
# Configuration of a peer

A peer reads its settings from the environment and, where \`STARLING_CONFIG\` names one, from a JSON file with one object.
A variable beats the file; an empty variable counts as not set. Lists are separated by commas (in the file: an array).
A wrong value stops the start: every problem is printed on a line of its own and the exit code is 64. A \`STARLING_\`
variable that is no setting is named in a warning.

| variable | in the file | default | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

Exit codes: 0 stopped as asked, 1 failed, 64 wrong configuration, 69 something it needs cannot be had (a port in use, a
data directory that cannot be used).
`;
}

function defaultOf(key: ConfigKey): string {
  if (key === 'logLevel') return '`info`';
  const value = configSchema.parse({})[key];
  if (value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${String(value)}\``;
}
