import { readFileSync } from 'node:fs';
import { type AttributeName, attributeOf, peerAttributes } from '@starling/query';
import { expect, it } from 'vitest';

it('docs/search.md has every attribute of peers as the code has it, and no other', () => {
  const page = readFileSync(new URL('../docs/search.md', import.meta.url), 'utf8');
  const [, rest = ''] = page.split('| field | kind | what it says |\n| --- | --- | --- |\n');
  const table = rest.slice(0, rest.indexOf('\n\n')).split('\n');
  const names = Object.keys(peerAttributes) as AttributeName[];
  expect(table).toEqual(
    names.map((name) => {
      const { type, isPerLink, about } = attributeOf(name);
      return `| \`${name}\` | ${type}${isPerLink === true ? ' per link' : ''} | ${about} |`;
    }),
  );
});
