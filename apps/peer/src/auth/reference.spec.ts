import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { methodPolicy } from './policy.ts';
import { withPolicyTable } from './reference.ts';
import { allows, highest, roles } from './roles.ts';

it('docs/security/authorisation.md has the policy as it is', () => {
  const path = fileURLToPath(new URL('../../../../docs/security/authorisation.md', import.meta.url));
  const page = readFileSync(path, 'utf8');
  expect(page).toContain(`| \`${Object.keys(methodPolicy)[0]?.slice(1)}\` |`);
  expect(page).toBe(withPolicyTable(page));
});

it('viewer, client and operator each may what those before may; a responder is beside the client', () => {
  const table = roles.map((role) => roles.map((least) => allows(role, least)));
  expect(roles).toEqual(['viewer', 'responder', 'client', 'operator']);
  expect(table).toEqual([
    [true, false, false, false],
    [true, true, false, false],
    [true, false, true, false],
    [true, true, true, true],
  ]);
  expect([highest(['client', 'viewer']), highest(['operator', 'client']), highest([])]).toEqual([
    'client',
    'operator',
    null,
  ]);
  // Beside each other: whichever comes first, it is the same.
  expect([highest(['client', 'responder']), highest(['responder', 'client'])]).toEqual(['client', 'client']);
});
