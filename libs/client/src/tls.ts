import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls';
import { ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { StarlingError } from './errors.ts';

/** How the peers prove that they belong to the mesh. */
export interface TlsOptions {
  /**
   * PEM of the mesh's authorities (`ca.pem` of a local mesh, `ca.crt` elsewhere). A peer of theirs is accepted under whatever
   * address it is reached: any peer answers for the whole mesh. Default: the system's authorities, and host names are checked.
   */
  readonly ca?: string;
  /** Take peers of this mesh only, where the authority serves several. */
  readonly mesh?: string;
}

/** What a dial of one address uses. */
export interface Dialling {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  /** Why the last connection came to nothing; null when it did not, or when that is not known. */
  problem(): string | null;
}

export type DiallingOf = (address: string) => Dialling;

/** Without encryption: whoever is on the way reads and changes everything. */
export const plainDialling: DiallingOf = () => {
  // What listens there is heard of only when it answers: one that encrypts does not.
  const silent = 'what listens there says nothing without encryption';
  const watched = new WatchedCredentials(credentials.createInsecure(), silent);
  return { credentials: watched, options: {}, problem: () => watched.problem };
};

/** Throws a StarlingError when `ca` holds no certificate. */
export function tlsDialling({ ca, mesh }: TlsOptions): DiallingOf {
  let context: ReturnType<typeof createSecureContext>;
  try {
    if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate');
    context = createSecureContext(ca === undefined ? {} : { ca });
  } catch (error) {
    throw new StarlingError(`the mesh's authority cannot be used: ${(error as Error).message}`, {
      reason: 'INVALID_REQUEST',
      cause: error,
    });
  }
  return (address) => {
    const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
    const check = (_name: string, certificate: PeerCertificate): Error | undefined => {
      const named = peerIn(certificate);
      if (mesh !== undefined && named !== mesh) return new Error(`it is no peer of the mesh ${mesh}`);
      return ca !== undefined && named !== null ? undefined : checkServerIdentity(host, certificate);
    };
    const inner = ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: check });
    const watched = new WatchedCredentials(inner);
    return {
      credentials: watched,
      // An IP address is no server name (RFC 6066 §3).
      options: isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'peer.starling.invalid' },
      problem: () => watched.problem,
    };
  };
}

/** The mesh whose peer a certificate names; null when it names none. */
function peerIn({ subjectaltname }: PeerCertificate): string | null {
  const uris = [
    ...(subjectaltname ?? '').matchAll(/(?:^|, )URI:spiffe:\/\/([a-z0-9._-]+)\/peer(?:\/[a-z2-7]{52})?(?=,|$)/g),
  ];
  return uris.length === 1 ? (uris[0]?.[1] ?? null) : null;
}

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** Credentials that keep why a connection failed: of a channel that waits to be ready, grpc-js tells only that it did not. */
class WatchedCredentials extends ChannelCredentials {
  problem: string | null = null;
  readonly #inner: ChannelCredentials;
  readonly #unready: string | null;

  /** `unready`: what a connection means that is made, of a channel that is not ready all the same. */
  constructor(inner: ChannelCredentials, unready: string | null = null) {
    super();
    this.#inner = inner;
    this.#unready = unready;
  }

  _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  _createSecureConnector(...args: Parameters<ChannelCredentials['_createSecureConnector']>): Connector {
    const inner = this.#inner._createSecureConnector(...args);
    return {
      connect: async (socket) => {
        try {
          const connected = await inner.connect(socket);
          this.problem = this.#unready;
          return connected;
        } catch (error) {
          this.problem = describe(error);
          throw error;
        }
      },
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: () => inner.getCallCredentials(),
      destroy: () => inner.destroy(),
    };
  }
}

function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return 'it does not encrypt';
  // What follows the semicolon is Node's advice to whoever started it.
  const text = error instanceof Error ? (error.message.split(/\n|; /, 1)[0] ?? '') : String(error);
  return /certificate|CERT|ISSUER|SIGNED/i.test(`${text} ${code}`) ? `its certificate is refused: ${text}` : text;
}
