import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkToken, newToken, type Role, roles, tokenLine } from './token.ts';

/** Where a local mesh keeps the token of a role, in the clear, for its owner alone. */
export function tokenPath(data: string, role: Role): string {
  return join(data, `${role}.token`);
}

/** What the peers of a local mesh read: hashes. */
export function tokensPath(data: string): string {
  return join(data, 'tokens');
}

/**
 * Makes the tokens of a local mesh where they are missing, and writes the file of their hashes. Returns its path. What is
 * in the files counts: a token that was put there by hand is kept.
 */
export function ensureMeshTokens(data: string): string {
  const lines = roles.map((role) => tokenLine(role, `local-${role}`, ensureToken(tokenPath(data, role), role)));
  const path = tokensPath(data);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `# Tokens of the local mesh, hashed. Written at each start.\n${lines.join('\n')}\n`, {
    mode: 0o600,
  });
  renameSync(temporary, path);
  return path;
}

function ensureToken(path: string, role: Role): string {
  try {
    // Fails when it is there: two starts at once must not each hand out another token.
    writeFileSync(path, `${newToken(role)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return checkToken(readFileSync(path, 'utf8'), path);
}
