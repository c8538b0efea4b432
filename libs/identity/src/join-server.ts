import { createPublicKey } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Authority, IssuePolicy } from './authority.ts';
import { readPeerCertificateDer, validityProblem } from './certificate.ts';
import { createIdentity, peerIdOf } from './identity.ts';
import { JoinTokens, parseJoinToken } from './join-tokens.ts';
import { NamePolicy, namesOf } from './names.ts';
import { createRequest, readRequest } from './request.ts';

export const joinRefusals = [
  'malformed',
  'unknown',
  'used',
  'expired',
  'request',
  'not-certified',
  'too-many',
  'failed',
] as const;
/** Why a certificate is not given. `request`: the authority refuses what is asked for. `not-certified`: a renewal without the peer's certificate. */
export type JoinRefusal = (typeof joinRefusals)[number];

export type JoinEvent =
  | {
      readonly kind: 'issued';
      readonly how: 'join' | 'renew';
      readonly peerId: string;
      readonly expiresAt: number;
      readonly from: string;
    }
  | { readonly kind: 'refused'; readonly reason: JoinRefusal; readonly detail: string; readonly from: string };

export interface JoinServerOptions {
  /** Read at each request, so that an authority can be replaced. */
  readonly authority: () => Authority;
  /** The authority's directory, where its tokens lie. */
  readonly dir: string;
  readonly policy: IssuePolicy;
  /** Names and addresses of this server in its own certificate. Joiners look at the authority's key, others may look at names. */
  readonly names: readonly string[];
  readonly on: (event: JoinEvent) => void;
}

/** A request and a token are far smaller. */
const bodyBytesMax = 16 * 1024;
/** From one address in a minute. 20: a guess, a rack of machines behind one address; secrets cannot be guessed at any rate. */
const requestsPerMinute = 20;
const addressesMax = 1_024;
/** How often the authority is looked at. 1 s: as an issuer looks at directories; a token of a new key is refused until then. */
const lookMs = 1_000;
const connectionsMax = 64;
const statusOf: Readonly<Record<JoinRefusal, number>> = {
  malformed: 400,
  unknown: 401,
  used: 401,
  expired: 401,
  request: 403,
  'not-certified': 403,
  'too-many': 429,
  failed: 500,
};

/**
 * Gives certificates to peers that share no directory with their authority: the first for a token that is good once, later ones
 * for the certificate that is to be renewed. Over TLS, under the authority's own certificate.
 */
export class JoinServer {
  readonly counts: { issued: number; renewed: number; readonly refused: { [reason in JoinRefusal]: number } } = {
    issued: 0,
    renewed: 0,
    refused: {
      malformed: 0,
      unknown: 0,
      used: 0,
      expired: 0,
      request: 0,
      'not-certified': 0,
      'too-many': 0,
      failed: 0,
    },
  };
  readonly #options: JoinServerOptions;
  readonly #tokens: JoinTokens;
  readonly #seen = new Map<string, { since: number; count: number }>();
  /** What the authority was when this server's own certificate was made, and when that is renewed at the latest. */
  #shown = '';
  #renewAt = 0;
  /** Its renewal is under way, or has failed and the log says so. */
  #isRenewing = false;
  #hasFailed = false;
  #server: Server | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JoinServerOptions) {
    this.#options = options;
    this.#tokens = new JoinTokens(options.dir);
  }

  /** Resolves with the port. */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer(
      {
        ...(await this.#keys()),
        minVersion: 'TLSv1.3',
        requestCert: true,
        // Who joins has none yet; a renewal is judged by what was shown.
        rejectUnauthorized: false,
        handshakeTimeout: 5_000,
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        maxHeaderSize: 8 * 1024,
      },
      (request, response) => void this.#serve(request, response),
    );
    server.maxConnections = connectionsMax;
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    this.#server = server;
    this.#timer = setInterval(() => void this.#renew(server), lookMs).unref();
    return (server.address() as { port: number }).port;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  /** Another certificate of its own, when half of its time is over or the authority is another one. */
  async #renew(server: Server): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      if (this.#options.authority().bundle !== this.#shown || Date.now() >= this.#renewAt) {
        server.setSecureContext({ ...(await this.#keys()), minVersion: 'TLSv1.3' });
      }
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#refused('failed', (error as Error).message, 'itself');
      this.#hasFailed = true;
    } finally {
      this.#isRenewing = false;
    }
  }

  /** A certificate of this server's own, and the authority's, by which joiners know it. */
  async #keys(): Promise<{ key: string; cert: string; ca: string }> {
    const { names, policy } = this.#options;
    const authority = this.#options.authority();
    const identity = createIdentity();
    const request = await createRequest(identity, namesOf(names));
    const issued = await authority.issue(request, { names: new NamePolicy(names), lifetimeMs: policy.lifetimeMs });
    if (!issued.ok) throw new Error(`no certificate for the join server: ${issued.problem}`);
    this.#shown = authority.bundle;
    this.#renewAt = Date.now() + Math.min(policy.lifetimeMs / 2, 12 * 3_600_000);
    return {
      key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert: authority.chain === '' ? `${issued.certificate}${authority.certificate}` : issued.certificate,
      ca: authority.bundle,
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = request.socket as TLSSocket;
    const from = socket.remoteAddress ?? '';
    let outcome: Outcome;
    try {
      outcome = this.#isTooMany(from, Date.now())
        ? refusal('too-many', `at most ${requestsPerMinute} requests a minute`)
        : await this.#answer(request, socket);
    } catch (error) {
      outcome = refusal('failed', (error as Error).message);
    }
    this.#tell(outcome, from);
    response.writeHead('reason' in outcome ? statusOf[outcome.reason] : 200, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      connection: 'close',
    });
    // What failed here is this server's business.
    const isDefect = 'reason' in outcome && outcome.reason === 'failed';
    response.end(
      `${JSON.stringify(isDefect ? refusal('failed', 'the authority failed; its log says why') : outcome)}\n`,
    );
  }

  #tell(outcome: Outcome, from: string): void {
    if ('reason' in outcome) {
      this.#refused(outcome.reason, outcome.detail, from);
      return;
    }
    const { how, peerId, expiresAt } = outcome;
    if (how === 'join') this.counts.issued++;
    else this.counts.renewed++;
    this.#options.on({ kind: 'issued', how, peerId, expiresAt, from });
  }

  async #answer(message: IncomingMessage, socket: TLSSocket): Promise<Outcome> {
    const how = message.url === '/v1/join' ? 'join' : message.url === '/v1/renew' ? 'renew' : null;
    if (message.method !== 'POST' || how === null) return refusal('malformed', 'POST to /v1/join or /v1/renew');
    const body = await readBody(message);
    if (body === null) return refusal('malformed', 'the body must be JSON with a request, and a token to join');
    const authority = this.#options.authority();
    let secret: string | null = null;
    if (how === 'join') {
      const token = parseJoinToken(body.token);
      if (token === null) return refusal('malformed', 'the token is no join token');
      const found = this.#tokens.look(token.secret);
      if (found !== 'redeemed') return refusal(found, tokenProblems[found]);
      secret = token.secret;
    } else {
      const problem = await renewalProblem(socket, body.request, authority.mesh);
      if (problem !== null) return refusal('not-certified', problem);
    }
    const issued = await authority.issue(body.request, this.#options.policy);
    if (!issued.ok) return refusal('request', issued.problem);
    // Only now: a request that is refused costs no token. And before the certificate leaves: of two at once one is refused.
    const used = secret === null ? 'redeemed' : this.#tokens.redeem(secret);
    if (used !== 'redeemed') return refusal(used, tokenProblems[used]);
    const { certificate, peerId, expiresAt } = issued;
    return { how, certificate, authorities: authority.bundle, mesh: authority.mesh, peerId, expiresAt };
  }

  #refused(reason: JoinRefusal, detail: string, from: string): void {
    this.counts.refused[reason]++;
    this.#options.on({ kind: 'refused', reason, detail, from });
  }

  #isTooMany(from: string, now: number): boolean {
    const seen = this.#seen.get(from);
    if (seen === undefined || now - seen.since >= 60_000) {
      // At the bound all are forgotten, which lets a few more through.
      if (this.#seen.size >= addressesMax) this.#seen.clear();
      this.#seen.set(from, { since: now, count: 1 });
      return false;
    }
    return ++seen.count > requestsPerMinute;
  }
}

type Outcome =
  | {
      readonly how: 'join' | 'renew';
      readonly certificate: string;
      readonly authorities: string;
      readonly mesh: string;
      readonly peerId: string;
      readonly expiresAt: number;
    }
  | { readonly reason: JoinRefusal; readonly detail: string };

const tokenProblems = {
  unknown: 'the token is none of this authority, or expired long ago',
  used: 'the token was used already: each is good for one certificate',
  expired: 'the token has expired',
} as const;

function refusal(reason: JoinRefusal, detail: string): Outcome {
  return { reason, detail };
}

/** Why a renewal is not given; null when the caller shows a good certificate of the very key that asks. */
async function renewalProblem(socket: TLSSocket, request: string, mesh: string): Promise<string | null> {
  const certificate = socket.getPeerCertificate();
  if (certificate.raw === undefined || !socket.authorized) return 'no certificate of this authority was shown';
  const reading = readPeerCertificateDer(certificate.raw);
  if (!reading.ok || reading.peer.mesh !== mesh) return 'the certificate is no peer’s of this mesh';
  const late = validityProblem(reading.peer, Date.now());
  if (late !== null) return `the certificate ${late}`;
  const wanted = await readRequest(request);
  if (!wanted.ok) return wanted.problem;
  const id = peerIdOf(createPublicKey({ key: Buffer.from(wanted.spki), type: 'spki', format: 'der' }));
  return id === reading.peer.peerId ? null : 'the request is for another key than the certificate';
}

async function readBody(
  message: IncomingMessage,
): Promise<{ readonly token: string; readonly request: string } | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  try {
    const { token = '', request } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    return typeof request === 'string' && typeof token === 'string' ? { token, request } : null;
  } catch {
    return null;
  }
}
