/** What a script can rely on; the numbers above 2 are those of sysexits.h. */
export const exitCode = {
  ok: 0,
  /** The mesh answered, but not with what was asked: a query that is not complete, a publish that is not held. */
  incomplete: 1,
  /** Wrong use of the command. */
  usage: 64,
  /** No peer could be reached. */
  unavailable: 69,
  /** A port is in use, or something else of this machine is in the way. */
  environment: 71,
  /** Standard output takes no more: a full disk. */
  output: 74,
  /** The mesh asks for a token, or for one with more rights. */
  noPermission: 77,
} as const;

/** A failure with one line for a person. */
export class CliError extends Error {
  readonly exitCode: number;
  /** Lines that show where it is; empty: none. */
  readonly picture: string;

  constructor(message: string, code: number, picture = '') {
    super(message);
    this.picture = picture;
    this.name = 'CliError';
    this.exitCode = code;
  }
}
