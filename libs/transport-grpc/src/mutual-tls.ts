import {
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import type { ContactFailure } from '@starling/host';
import type { PeerId } from '@starling/kernel';
import type { RefusalWord } from '@starling/wire';

/** PEM texts of one side. */
export interface LinkKeys {
  readonly key: string;
  /** The leaf, and what is between it and an authority. */
  readonly certificate: string;
  /** Who is trusted to say who is a peer. */
  readonly authorities: string;
}

/** What a certificate says; times in ms since 1970. */
export interface CertifiedPeer {
  readonly mesh: string;
  readonly peerId: PeerId;
  readonly validFrom: number;
  readonly expiresAt: number;
}

export type ReadCertificate = (
  der: Uint8Array,
) => { readonly ok: true; readonly peer: CertifiedPeer } | { readonly ok: false; readonly problem: string };

/** What the other side of a connection has proved. */
export type Proof =
  /** `peer` is null where links are not secured: then a hello is believed. */
  | { readonly ok: true; readonly peer: CertifiedPeer | null }
  | { readonly ok: false; readonly reason: RefusalWord & ('untrusted' | 'wrong-mesh'); readonly detail: string };

export const unsecured: Proof = { ok: true, peer: null };

/** Why a dial did not get through TLS. */
export interface DialProblem {
  readonly reason: ContactFailure;
  readonly detail: string;
}

/**
 * Mutual TLS 1.3 of links. Both sides show a certificate, and both look for the same: a chain to an authority of the mesh,
 * the mesh's name, the time, and the peer. Host names say nothing about a peer and are not looked at.
 */
export class MutualTls {
  readonly #mesh: string;
  readonly #read: ReadCertificate;
  readonly #watchers = new Set<(options: SecureContextOptions) => void>();
  #options: SecureContextOptions;
  #context: SecureContext;

  /** Throws when the keys do not belong together. `read` says who a certificate speaks of. */
  constructor(mesh: string, keys: LinkKeys, read: ReadCertificate) {
    this.#mesh = mesh;
    this.#read = read;
    this.#options = contextOptions(keys);
    this.#context = createSecureContext(this.#options);
  }

  /** What handshakes use from now on. Links that are up stay. Throws when the keys do not belong together; then nothing changes. */
  setKeys(keys: LinkKeys): void {
    const options = contextOptions(keys);
    this.#context = createSecureContext(options);
    this.#options = options;
    for (const watcher of this.#watchers) watcher(options);
  }

  /** The context of a server: now, and after each change. Returns the way to stop. */
  watch(watcher: (options: SecureContextOptions) => void): () => void {
    this.#watchers.add(watcher);
    watcher(this.#options);
    return () => this.#watchers.delete(watcher);
  }

  /** What a dialler has proved by its handshake. */
  proofOf(socket: TLSSocket, now: number): Proof {
    const certificate = socket.getPeerCertificate();
    if (certificate.raw === undefined) return untrusted('no certificate was shown');
    if (!socket.authorized) return untrusted(`the certificate is refused: ${describe(socket.authorizationError)}`);
    return this.#judge(certificate.raw, now);
  }

  /**
   * Credentials of one dial. They let only `expected` answer, or any peer of the mesh when that is null. `proved` is called
   * before a byte of the call is sent; `failed` when the connection came to nothing.
   */
  dialCredentials(
    expected: PeerId | null,
    on: { proved(peer: CertifiedPeer): void; failed(problem: DialProblem): void },
  ): ChannelCredentials {
    let refused: DialProblem | null = null;
    const refuse = (reason: ContactFailure, detail: string): Error => {
      refused = { reason, detail };
      return new Error(detail);
    };
    const check = (_host: string, { raw }: PeerCertificate): Error | undefined => {
      const proof = this.#judge(raw, Date.now());
      if (!proof.ok) return refuse(proof.reason, proof.detail);
      if (proof.peer === null) return undefined;
      const { peerId } = proof.peer;
      if (expected !== null && peerId !== expected) {
        return refuse('wrong-peer', `${peerId} answered instead of ${expected}`);
      }
      on.proved(proof.peer);
      return undefined;
    };
    const inner = ChannelCredentials.createFromSecureContext(this.#context, { checkServerIdentity: check });
    return new WatchedCredentials(inner, (error) => on.failed(refused ?? problemOf(error)));
  }

  #judge(der: Uint8Array, now: number): Proof {
    const reading = this.#read(der);
    if (!reading.ok) return untrusted(`the certificate ${reading.problem}`);
    const { peer } = reading;
    if (peer.mesh !== this.#mesh) {
      return { ok: false, reason: 'wrong-mesh', detail: `the mesh here is "${this.#mesh}", not "${peer.mesh}"` };
    }
    // Also when a session was resumed, where TLS looks at no certificate again.
    if (now >= peer.expiresAt) return untrusted(`the certificate expired at ${new Date(peer.expiresAt).toISOString()}`);
    return { ok: true, peer };
  }
}

function untrusted(detail: string): Proof {
  return { ok: false, reason: 'untrusted', detail };
}

function contextOptions(keys: LinkKeys): SecureContextOptions {
  const { key, certificate, authorities } = keys;
  return { key, cert: certificate, ca: authorities, minVersion: 'TLSv1.3' };
}

/** What OpenSSL says when the other side of a handshake speaks something else. */
const noTls = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']);
/** OpenSSL's words for a certificate that does not stand (X509_V_ERR_…), as Node has them. */
const certificateCode = /CERT|ISSUER|SELF_SIGNED|UNABLE_TO|PATH_LENGTH|INVALID_(?:CA|PURPOSE)/;

/** What the failure of a connection means, by the codes of Node and OpenSSL. */
function problemOf(error: unknown): DialProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const text = describe(error);
  if (noTls.has(code)) return { reason: 'tls-mismatch', detail: 'the other side does not encrypt, and this one must' };
  if (/^ERR_SSL_\w*ALERT/.test(code)) {
    return { reason: 'untrusted', detail: `the other side refused the handshake: ${text}` };
  }
  if (!code.startsWith('ERR_SSL') && certificateCode.test(code)) {
    return { reason: 'untrusted', detail: `the certificate of the other side is refused: ${text}` };
  }
  return { reason: 'unreachable', detail: text };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? ` (${String(error.code)})` : '';
  return `${error.message.split('\n', 1)[0]}${code}`;
}

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** Credentials that tell why a connection failed: grpc-js keeps only a text of it. */
class WatchedCredentials extends ChannelCredentials {
  readonly #inner: ChannelCredentials;
  readonly #failed: (error: unknown) => void;

  constructor(inner: ChannelCredentials, failed: (error: unknown) => void) {
    super();
    this.#inner = inner;
    this.#failed = failed;
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  _createSecureConnector(...args: Parameters<ChannelCredentials['_createSecureConnector']>): Connector {
    const inner = this.#inner._createSecureConnector(...args);
    return {
      connect: async (socket) => {
        try {
          return await inner.connect(socket);
        } catch (error) {
          this.#failed(error);
          throw error;
        }
      },
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: () => inner.getCallCredentials(),
      destroy: () => inner.destroy(),
    };
  }
}
