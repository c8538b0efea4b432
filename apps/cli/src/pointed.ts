import { StarlingError } from '@starling/client';
import { CliError, exitCode } from './exit-codes.ts';
import { printable } from './output.ts';

/** A refusal that says where in the text it is, with a mark below that place; any other error as it is. */
export function pointed(error: unknown, text: string): unknown {
  if (!(error instanceof StarlingError)) return error;
  const at = Number(error.metadata.text_at ?? Number.NaN);
  if (!Number.isInteger(at) || at < 0 || at > text.length || text.trim() === '') return error;
  const end = Math.min(Math.max(Number(error.metadata.text_end) || 0, at + 1), Math.max(text.length, at + 1));
  // As wide as what is above it: each of these takes as many columns as printable() makes of it.
  const mark =
    ' '.repeat(printable(text.slice(0, at)).length) + '^'.repeat(Math.max(1, printable(text.slice(at, end)).length));
  return new CliError(error.message, exitCode.usage, `  ${printable(text)}\n  ${mark}`);
}
