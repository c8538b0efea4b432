import type { AddressInfo, Server } from 'node:net';

export type ListenFailure =
  /** Another program has the port. */
  | 'port-in-use'
  /** A port below 1024, or a policy. */
  | 'not-permitted'
  /** The host is no address of this machine. */
  | 'bad-address'
  | 'other';

/** A port could not be taken. No state changed. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly reason: ListenFailure;
  readonly port: number;

  constructor(host: string, port: number, cause: Error) {
    const reason = classify(cause.message);
    super(`cannot listen on ${host}:${port}: ${reason === 'other' ? cause.message : reason.replaceAll('-', ' ')}`, {
      cause,
    });
    this.reason = reason;
    this.port = port;
  }
}

/** Listens, and resolves with the port, which is a free one when 0 was asked for. Rejects with a `ListenError`. */
export function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new ListenError(host, port, error));
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** The texts of Node's errors begin with the system's code. */
function classify(message: string): ListenFailure {
  if (message.includes('EADDRINUSE')) return 'port-in-use';
  if (message.includes('EACCES')) return 'not-permitted';
  if (message.includes('EADDRNOTAVAIL') || message.includes('ENOTFOUND') || message.includes('resolution')) {
    return 'bad-address';
  }
  return 'other';
}
