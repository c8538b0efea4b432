import { describe, expect, it } from 'vitest';
import type { PeerRow } from './attributes.ts';
import { soundRow } from './attributes.ts';
import { holds, isLike } from './condition.ts';
import { compareVersions } from './literals.ts';
import { parsePeersQuery } from './parse.ts';

const row: PeerRow = { name: 'starling-3', zone: 'eu-west', version: '1.10.0', active: 5, rtt: [0.4, 80] };

function isTrue(condition: string): boolean {
  const result = parsePeersQuery(`count(*) where ${condition}`);
  if (!result.ok || result.query.where === null) throw new Error(condition);
  return holds(result.query.where, row);
}

it.each([
  ['zone = eu-west', true],
  ['zone != eu-west', false],
  ['zone < eu-x', true],
  ['version > 1.9', true],
  ['version = 1.10', true],
  ['version in (1.9, v1.10)', true],
  ['name like "star%-_"', true],
  ['name like star', false],
  ['name not like star', true],
  ['name prefix starling-', true],
  ['active >= 5 and active <= 5', true],
  ['active in (1, 2)', false],
  ['active not in (1, 2)', true],
  // Of any of the links.
  ['rtt > 50ms', true],
  ['rtt < 1ms', true],
  ['not rtt > 100ms', true],
  // What is not known is neither the same nor another.
  ['documents = 0', false],
  ['documents != 0', false],
  ['not documents = 0', true],
])('where %s: %s', (condition, expected) => {
  expect(isTrue(condition)).toBe(expected);
});

describe('versions go by precedence (Semantic Versioning 2.0.0 §11)', () => {
  const ascending = ['dev', '0.9', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta.2', '1.0.0-beta.11'];
  ascending.push('1.0.0-rc.1', '1.0.0', '1.0.1', '1.2', '1.10', '2');

  it.each(ascending.map((version, at) => [version, at] as const))('%s', (version, at) => {
    for (const [other, text] of ascending.entries()) {
      expect(Math.sign(compareVersions(version, text))).toBe(Math.sign(at - other));
    }
  });

  it.each([
    ['1', '1.0.0'],
    ['v1.4', '1.4'],
    ['1.4.0+build.7', '1.4'],
  ])('%s is %s', (a, b) => expect(compareVersions(a, b)).toBe(0));
});

it('a pattern that could go back for ever does not', () => {
  expect(isLike('a'.repeat(256), `${'%a'.repeat(100)}b`)).toBe(false);
});

it('what is no value of an attribute is left out, and what is too long is cut', () => {
  const wild = {
    active: -1,
    memory: Number.NaN,
    zone: 5,
    rtt: [1, -1, 2],
    name: 'n'.repeat(300),
    colour: 'red',
    id: 'x',
  };
  expect(soundRow(wild as unknown as PeerRow)).toEqual({ rtt: [1, 2], name: 'n'.repeat(256), id: 'x' });
});
