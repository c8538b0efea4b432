import { CliError, exitCode } from '../exit-codes.ts';
import { type Format, json } from '../output.ts';
import { newToken, type Role, tokenLine } from '../tokens/token.ts';

export interface TokenNewOptions {
  readonly role: Role;
  readonly name: string;
  /** `30d`, `12h`, or undefined: it does not end. */
  readonly expires?: string;
  readonly output: Format;
}

/** Makes a token: prints it, this once, and the line by which the peers know it. */
export async function tokenNew(options: TokenNewOptions): Promise<number> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._@/-]{0,63}$/.test(options.name)) {
    throw new CliError(
      '--name: use 1 to 64 letters, digits, ".", "_", "@", "/" or "-", beginning with a letter or digit',
      exitCode.usage,
    );
  }
  const expires = options.expires === undefined ? undefined : endOf(options.expires, Date.now());
  const token = newToken(options.role);
  const line = tokenLine(options.role, options.name, token, expires);
  console.log(options.output === 'json' ? json({ token, line }) : `${token}\n${line}`);
  if (options.output === 'table') {
    console.error(
      'The first line is the token: keep it secret. The second goes into the file of STARLING_TOKENS_FILE.',
    );
  }
  return exitCode.ok;
}

/** In whole seconds: what a line of the file has room for. */
function endOf(text: string, now: number): Date {
  const [, count = '', unit = ''] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  if (count === '') throw new CliError(`--expires ${text}: use days or hours, as in 30d or 12h`, exitCode.usage);
  const ms = Number(count) * (unit === 'd' ? 86_400_000 : 3_600_000);
  return new Date(Math.floor((now + ms) / 1_000) * 1_000);
}
