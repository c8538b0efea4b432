import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  IdentityError,
  isDnsName,
  type Joined,
  type JoinWish,
  joinMesh,
  loadIdentity,
  namesOf,
  readTlsKey,
  renewMembership,
} from '@starling/identity';
import { CliError, exitCode } from '../exit-codes.ts';
import { type Format, json } from '../output.ts';
import { milliseconds } from '../session.ts';

export interface JoinOptions {
  /** A file, `-`: standard input. Without it a membership is renewed. */
  readonly token?: string;
  /** The peer's data directory, where its key lies. */
  readonly data: string;
  /** The peer's TLS directory. */
  readonly tls: string;
  readonly mesh: string;
  readonly name: readonly string[];
  readonly watch: boolean;
  readonly timeout: string;
  readonly output: Format;
}

/** Between two tries of a renewal that failed, and the longest that is waited for the next one. */
const retryMs = 60_000;
const waitMaxMs = 24 * 3_600_000;

/** `join`: gets a certificate for a peer that shares no directory with the authority, and with --watch keeps it new. */
export async function join(address: string, options: JoinOptions): Promise<number> {
  if (!/^(?:\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d{1,5}$/.test(address)) {
    throw new CliError(`${address}: use host:port of a server that runs starling ca serve --join-port`, exitCode.usage);
  }
  const bad = options.name.find((name) => !isDnsName(name) && isIP(name) === 0);
  if (bad !== undefined)
    throw new CliError(`--name ${bad}: use DNS names in lower case, or IP addresses`, exitCode.usage);
  try {
    if (readTlsKey(options.tls) !== null) {
      throw new CliError(`${options.tls} has a tls.key: who made it must bring its certificate`, exitCode.environment);
    }
    const wish = {
      address,
      identity: loadIdentity(options.data),
      names: namesOf(options.name),
      dir: options.tls,
      timeoutMs: milliseconds('--timeout', options.timeout),
    };
    const isNew = options.token !== undefined;
    let joined = isNew ? await joinMesh(wish, tokenOf(options.token ?? '')) : await renewMembership(wish, options.mesh);
    tell(joined, isNew ? 'joined' : 'renewed', options);
    while (options.watch) joined = await renewed(wish, joined, options);
    return exitCode.ok;
  } catch (error) {
    if (error instanceof IdentityError) throw new CliError(error.message, exitCode.incomplete);
    throw error;
  }
}

/** Waits until two thirds of a certificate's time are over, and tries until it is renewed. */
async function renewed(wish: JoinWish, { mesh, expiresAt }: Joined, options: JoinOptions): Promise<Joined> {
  await pause(Math.min(waitMaxMs, Math.max(0, ((expiresAt - Date.now()) * 2) / 3)));
  for (;;) {
    try {
      const joined = await renewMembership(wish, mesh);
      tell(joined, 'renewed', options);
      return joined;
    } catch (error) {
      if (!(error instanceof IdentityError) || Date.now() >= expiresAt) throw error;
      console.error(`starling: ${error.message}; trying again`);
      await pause(Math.min(retryMs, Math.max(1_000, (expiresAt - Date.now()) / 10)));
    }
  }
}

function tell(joined: Joined, what: string, { output, tls }: JoinOptions): void {
  const expires = new Date(joined.expiresAt).toISOString();
  if (output === 'json') console.log(json({ what, ...joined, expires, tls }));
  else console.log(`${what} ${joined.mesh} as ${joined.peerId}; the certificate in ${tls} is good until ${expires}`);
}

function tokenOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  } catch (error) {
    throw new CliError(`--token ${file}: ${(error as Error).message}`, exitCode.usage);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
