import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { base32 } from './base32.ts';
import { isIssuedBy, parseCertificates } from './certificate.ts';
import type { Identity } from './identity.ts';
import { parseJoinToken } from './join-tokens.ts';
import { IdentityError } from './key-file.ts';
import type { AlternativeNames } from './names.ts';
import { createRequest } from './request.ts';
import { readSmallFile, replaceFile } from './small-file.ts';
import { readTlsDirectory, tlsFiles } from './tls-directory.ts';

export interface JoinWish {
  /** `host:port` of a join server. */
  readonly address: string;
  readonly identity: Identity;
  readonly names: AlternativeNames;
  /** The peer's TLS directory. */
  readonly dir: string;
  readonly timeoutMs: number;
}

export interface Joined {
  readonly mesh: string;
  readonly peerId: string;
  readonly expiresAt: number;
}

const answerBytesMax = 256 * 1024;

/** The name of an authority's key, as it stands in join tokens. */
export function authorityKeyOf(certificate: string | X509Certificate): string {
  const parsed = typeof certificate === 'string' ? parseCertificates(certificate)[0] : certificate;
  if (parsed === undefined) throw new IdentityError('there is no certificate of an authority');
  return base32(
    createHash('sha256')
      .update(parsed.publicKey.export({ type: 'spki', format: 'der' }))
      .digest(),
  );
}

/** Gets the first certificate for a token that is good once, and leaves it in the TLS directory. Rejects with an IdentityError. */
export async function joinMesh(wish: JoinWish, tokenText: string): Promise<Joined> {
  const token = parseJoinToken(tokenText);
  if (token === null) throw new IdentityError('that is no join token: starling ca token makes one');
  const request = await createRequest(wish.identity, wish.names);
  return keep(wish, request, await post(wish, '/v1/join', { token: tokenText.trim(), request }, token.authority, null));
}

/** Replaces the certificate in the TLS directory, by showing it. Rejects with an IdentityError. */
export async function renewMembership(wish: JoinWish, mesh: string): Promise<Joined> {
  const reading = readTlsDirectory(wish.dir, { privateKey: wish.identity.privateKey, mesh });
  if (!reading.ok) throw new IdentityError(`there is nothing to renew: ${reading.problem}`);
  const request = await createRequest(wish.identity, wish.names);
  return keep(wish, request, await post(wish, '/v1/renew', { request }, null, reading.material));
}

function keep({ dir, identity }: JoinWish, request: string, answer: Answer): Joined {
  const files = tlsFiles(dir);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (readSmallFile(files.authorities) !== answer.authorities) replaceFile(files.authorities, answer.authorities);
    replaceFile(files.certificate, answer.certificate);
    // What it was given for: a peer that finds both asks nobody.
    replaceFile(files.request, request);
  } catch (error) {
    throw new IdentityError(`cannot keep the certificate in ${dir}: ${(error as Error).message}`, { cause: error });
  }
  const reading = readTlsDirectory(dir, { privateKey: identity.privateKey, mesh: answer.mesh });
  if (!reading.ok) throw new IdentityError(`the certificate that came is not to be used: ${reading.problem}`);
  return { mesh: answer.mesh, peerId: reading.material.peer.peerId, expiresAt: reading.material.peer.expiresAt };
}

interface Answer {
  readonly certificate: string;
  readonly authorities: string;
  readonly mesh: string;
}

/** Says nothing before the other side has proved to have a certificate by the authority that is meant. */
function post(
  { address, timeoutMs }: JoinWish,
  path: string,
  body: object,
  authority: string | null,
  own: { readonly key: string; readonly certificate: string; readonly authorities: string } | null,
): Promise<Answer> {
  const at = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const fail = (problem: string): void => reject(new IdentityError(`${address}: ${problem}`));
    const call = httpsRequest({
      host: address.slice(0, at).replace(/^\[|\]$/g, ''),
      port: Number(address.slice(at + 1)),
      path,
      method: 'POST',
      agent: false,
      minVersion: 'TLSv1.3',
      headers: { 'content-type': 'application/json' },
      timeout: timeoutMs,
      // By the authority's key, below: an outsider knows neither its certificate nor its names.
      rejectUnauthorized: false,
      ...(own !== null && { key: own.key, cert: own.certificate }),
    });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', (error) => fail(error.message));
    call.on('socket', (socket) => {
      (socket as TLSSocket).once('secureConnect', () => {
        const problem = strangerProblem(socket as TLSSocket, authority, own?.authorities ?? null);
        if (problem !== null) call.destroy(new Error(problem));
        else call.end(JSON.stringify(body));
      });
    });
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) call.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        try {
          const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Partial<Answer> & {
            reason?: string;
            detail?: string;
          };
          const { certificate, authorities, mesh } = answer;
          if (typeof certificate === 'string' && typeof authorities === 'string' && typeof mesh === 'string') {
            resolve({ certificate, authorities, mesh });
          } else
            fail(`refused: ${String(answer.detail ?? response.statusCode)} (${String(answer.reason ?? 'no reason')})`);
        } catch {
          fail('the answer cannot be read: is it a join server?');
        }
      });
    });
  });
}

/** Why the other side is not whom the token, or the certificate that is to be renewed, trusts; null when it is. */
function strangerProblem(socket: TLSSocket, authority: string | null, trusted: string | null): string | null {
  const shown = socket.getPeerCertificate(true);
  try {
    const leaf = new X509Certificate(shown.raw);
    const above = chainAbove(shown);
    // A token names the authority itself, not whoever else is under the same root. Who renews trusts the root as well: the
    // authority may have another key by now, and shows what stands between.
    const [between, roots] =
      trusted === null
        ? [[], above.filter((each) => authorityKeyOf(each) === authority)]
        : [above.filter(isValidNow), parseCertificates(trusted)];
    return isValidNow(leaf) && isIssuedBy(leaf, between, roots)
      ? null
      : 'it is not of the authority that the token names: nothing was said to it';
  } catch {
    return 'it shows no certificate of an authority: nothing was said to it';
  }
}

/** What was shown beside the leaf, from it upwards. OpenSSL reads no chain longer than a hundred. */
function chainAbove(leaf: DetailedPeerCertificate): X509Certificate[] {
  const above: X509Certificate[] = [];
  const seen = new Set<DetailedPeerCertificate>([leaf]);
  for (let at = leaf.issuerCertificate; at?.raw !== undefined && !seen.has(at); at = at.issuerCertificate) {
    seen.add(at);
    above.push(new X509Certificate(at.raw));
  }
  return above;
}

function isValidNow({ validFromDate, validToDate }: X509Certificate): boolean {
  const now = Date.now();
  return validFromDate.getTime() <= now && now < validToDate.getTime();
}
