import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { Trouble } from '../feed/feed-event.ts';

/** Why a peer could not be reached, or does not go on. `message` is for people. */
export class PeerTrouble extends Error {
  readonly trouble: Trouble;
  /** What a gRPC call would say of it. */
  readonly code: grpc.status = grpc.status.UNAVAILABLE;

  constructor(trouble: Trouble, message: string) {
    super(message);
    this.trouble = trouble;
  }
}

/** Why a text is no address of a peer, for people; null when it is `host:port`. */
export function addressProblem(address: string): string | null {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d+)$/.exec(address);
  if (parts === null) return 'is not host:port';
  const port = Number(parts[2]);
  return port >= 1 && port <= 65_535 ? null : `has no such port: ${parts[2]}`;
}

/** How long a name may be looked up for the sake of a better word. Guess: a resolver that answers does so at once. */
const lookupMs = 500;

/** How long a peer is given to show that it encrypts. Guess: a handshake on a LAN takes some milliseconds. */
const handshakeMs = 500;

/** Looks closer at an address that took no connection. `problem`: what is known of the dial; `isEncrypted`: how it was dialled. */
export async function diagnose(
  address: string,
  dialled: { readonly problem: string | null; readonly isEncrypted: boolean },
): Promise<PeerTrouble> {
  const host = address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (dialled.isEncrypted) {
    if (dialled.problem !== null && tlsProblem.test(dialled.problem)) return new PeerTrouble('tls', dialled.problem);
  } else if (await encrypts(host, Number(address.slice(address.lastIndexOf(':') + 1)))) {
    return new PeerTrouble('tls', 'it encrypts, and the dashboard was told not to (STARLING_CA_FILE)');
  }
  if (isIP(host) === 0 && (await isUnknownHost(host))) {
    return new PeerTrouble('bad-address', 'no such host name');
  }
  return new PeerTrouble('unreachable', 'does not answer');
}

/** What the client says of a dial that got as far as TLS. */
const tlsProblem = /encrypt|certificate|handshake|SSL|TLS|no peer of the mesh/i;

/** Whether somebody who speaks TLS listens there. Says nothing to them but hello, and trusts nothing that they say. */
function encrypts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(handshakeMs, () => finish(false));
    socket.once('secureConnect', () => finish(true)).once('error', () => finish(false));
  });
}

async function isUnknownHost(host: string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), lookupMs);
  });
  const answer = lookup(host).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOTFOUND',
  );
  try {
    return await Promise.race([answer, patience]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the end of a stream says about the peer. */
export function troubleOf({ code, details }: Partial<grpc.ServiceError>): PeerTrouble {
  const said = details || 'gave no reason';
  switch (code) {
    case grpc.status.UNAUTHENTICATED:
    case grpc.status.PERMISSION_DENIED:
      return new PeerTrouble('refused', said);
    // Something else than a peer answers there: another server, or an HTTP page.
    case grpc.status.UNIMPLEMENTED:
      return new PeerTrouble('not-a-peer', said);
    default:
      return new PeerTrouble('broken', said);
  }
}
