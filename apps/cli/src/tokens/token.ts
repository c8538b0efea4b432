import { createHash, randomBytes } from 'node:crypto';
import { CliError, exitCode } from '../exit-codes.ts';

/** Roles of the API, the least first. */
export const roles = ['viewer', 'responder', 'client', 'operator'] as const;
export type Role = (typeof roles)[number];

/** Roles that may what this one may, the least first: who answers questions is beside who asks them. */
export const sufficing: Readonly<Record<Role, readonly Role[]>> = {
  viewer: ['viewer', 'client', 'responder', 'operator'],
  responder: ['responder', 'operator'],
  client: ['client', 'operator'],
  operator: ['operator'],
};

/** 32 random bytes under a prefix by which a person, and a scanner for leaked secrets, knows what it is. */
export function newToken(role: Role): string {
  return `starling_${role}_${randomBytes(32).toString('base64url')}`;
}

/** The line of a peer's file of tokens: it has the token's hash, from which the token cannot be had. */
export function tokenLine(role: Role, name: string, token: string, expires?: Date): string {
  const end = expires === undefined ? '' : ` expires:${expires.toISOString()}`;
  return `${role} ${name} sha256:${createHash('sha256').update(token).digest('hex')}${end}`;
}

/** A token as somebody wrote it into a file or a variable. Throws a usage error that does not repeat it. */
export function checkToken(text: string, from: string): string {
  const token = text.trim();
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw new CliError(`${from} holds no token: one line, as \`starling token new\` prints it`, exitCode.usage);
}
