/** Exit codes of a peer, as in sysexits.h. */
export const exitCodes = {
  failed: 1,
  /** EX_USAGE: the configuration is wrong. */
  usage: 64,
  /** EX_UNAVAILABLE: something that the peer needs cannot be had. */
  unavailable: 69,
} as const;

/** The peer cannot start. The message is one line for people and says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** Why a port cannot be listened on, with the variable that changes it. */
export function listenError(error: unknown, port: number, host: string, variable: string): StartError {
  const text = textOf(error);
  const { unavailable } = exitCodes;
  if (text.includes('EADDRINUSE')) {
    return new StartError(`port ${port} is in use: stop the other program or set ${variable}_PORT`, unavailable, error);
  }
  if (text.includes('EACCES')) {
    return new StartError(
      `port ${port} is not allowed to this user: set ${variable}_PORT above 1023`,
      unavailable,
      error,
    );
  }
  if (text.includes('EADDRNOTAVAIL') || text.includes('ENOTFOUND') || text.includes('EINVAL')) {
    return new StartError(`${host} is no address of this machine: set ${variable}_HOST`, unavailable, error);
  }
  return new StartError(`cannot listen on ${host}:${port}: ${text.trim()}`, unavailable, error);
}

/** What an error and its causes say, in one line. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  const cause = error.cause === undefined ? '' : ` (${textOf(error.cause)})`;
  return `${code}${error.message}${cause}`.replaceAll('\n', ' ');
}
