import { type ConnectOptions, connect, type StarlingClient } from '@starling/client';
import { type AuthorityOptions, tlsOf } from './authority-file.ts';
import { CliError, exitCode } from './exit-codes.ts';
import type { Format } from './output.ts';
import { findToken, type TokenOptions } from './tokens/find-token.ts';
import type { Role } from './tokens/token.ts';

/** Options that every command which talks to a mesh has. */
export interface SessionOptions extends TokenOptions, AuthorityOptions {
  readonly address: string;
  readonly timeout: string;
  readonly output: Format;
}

export const defaultAddress = '127.0.0.1:7401';

/** Connects with a token that has at least this role, runs, and closes whatever happened. */
export async function withClient(
  options: SessionOptions,
  role: Role,
  run: (client: StarlingClient, access: Pick<ConnectOptions, 'tls' | 'token'>) => Promise<number>,
): Promise<number> {
  const addresses = addressesOf(options.address);
  const timeoutMs = milliseconds('--timeout', options.timeout);
  const found = findToken(options, { role, addresses, env: process.env });
  const access = { tls: tlsOf(options), ...(found !== undefined && { token: found }) };
  const client = await connect({ addresses, timeoutMs, ...access });
  try {
    return await run(client, access);
  } finally {
    client.close();
  }
}

/** The addresses of `--address`. Throws a CliError. */
export function addressesOf(text: string): string[] {
  const addresses = text
    .split(',')
    .map((address) => address.trim())
    .filter(Boolean);
  for (const address of addresses) {
    const port = /^(?:\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(address)?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw new CliError(`--address ${address}: use host:port, as in ${defaultAddress}`, exitCode.usage);
    }
  }
  return addresses;
}

/** A hundred years: nobody means more, and dates end. */
const daysMax = 36_500;

/** The ms of `500ms`, `5s`, `2m`, `24h`, `30d` or plain seconds, above 0; or a usage error that names the flag. */
export function milliseconds(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const factor = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? 's'] ?? Number.NaN;
  const ms = Number(match?.[1] ?? Number.NaN) * factor;
  if (!(ms > 0 && ms <= daysMax * 86_400_000)) {
    throw new CliError(
      `${flag} ${text}: use a time such as 500ms, 5s, 2m, 24h or 30d, up to ${daysMax}d`,
      exitCode.usage,
    );
  }
  return ms;
}

/** A whole number in a range, or a usage error that names the flag. */
export function wholeNumber(flag: string, text: string, low: number, high: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) {
    throw new CliError(`${flag} ${text}: use a whole number from ${low} to ${high}`, exitCode.usage);
  }
  return value;
}
