import { userInfo } from 'node:os';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type StarlingClient, StarlingError } from '@starling/client';
import { type Ban, BanScope, BanSource, banTextLimits, encodeBanStatement, isBanText } from '@starling/wire';
import { findOperatorKey } from '../bans/find-operator-key.ts';
import { findPeer } from '../bans/find-peer.ts';
import { CliError, exitCode } from '../exit-codes.ts';
import { counted, json, shortId, table } from '../output.ts';
import { milliseconds, type SessionOptions, withClient } from '../session.ts';

interface ScopeOptions extends SessionOptions {
  readonly operatorKey?: string;
  readonly by?: string;
  /** At the peer that is asked alone. */
  readonly here: boolean;
}

export interface BanOptions extends ScopeOptions {
  readonly for?: string;
  readonly forever: boolean;
  readonly reason: string;
}

const never = Number.POSITIVE_INFINITY;
/** Signed again with a higher number when somebody else was faster, or has a clock that is ahead. */
const triesMax = 3;

/** `ban`: in the whole mesh, by a record that is signed here; with `--here` at the peer that is asked. */
export function ban(words: string, options: BanOptions): Promise<number> {
  const forMs = lengthOf(options);
  if (options.reason.trim() === '' || !isBanText(options.reason, 'reason')) {
    throw new CliError(`--reason: say why, in at most ${banTextLimits.reason} characters`, exitCode.usage);
  }
  return withClient(options, 'operator', async (client) => {
    const peerId = await findPeer(client, words);
    const given = options.here
      ? await client.banPeer({
          peerId,
          reason: options.reason,
          scope: BanScope.PEER,
          ...(Number.isFinite(forMs) && { duration: { seconds: BigInt(Math.ceil(forMs / 1_000)), nanos: 0 } }),
        })
      : { ban: await submit(client, peerId, options, { forMs, reason: options.reason }) };
    const until = given.ban === undefined ? '' : untilText(given.ban);
    if (options.output === 'json') console.log(json(given.ban === undefined ? {} : rowOf(given.ban), 2));
    else console.log(`banned ${peerId} ${options.here ? 'at this peer' : 'in the mesh'}, ${until}`);
    return exitCode.ok;
  });
}

/** `unban`: lifts a ban of the same scope. */
export function unban(words: string, options: ScopeOptions): Promise<number> {
  return withClient(options, 'operator', async (client) => {
    const { bans } = await client.listBans();
    const peerId = await findPeer(
      client,
      words,
      bans.map((each) => each.peerId),
    );
    if (options.here) await client.unbanPeer({ peerId, scope: BanScope.PEER });
    else {
      if (!bans.some((each) => each.peerId === peerId && each.scope === BanScope.MESH)) {
        throw new CliError(`${peerId} is not banned in the mesh (starling bans lists who is)`, exitCode.incomplete);
      }
      await submit(client, peerId, options, { forMs: 0, reason: 'lifted' });
    }
    if (options.output === 'json') console.log(json({ peerId, lifted: true }, 2));
    else console.log(`${peerId} is not banned any more ${options.here ? 'at this peer' : 'in the mesh'}`);
    return exitCode.ok;
  });
}

/** `bans`: who is banned, as the peer that is asked knows it. */
export function bans(options: SessionOptions & { readonly all: boolean }): Promise<number> {
  return withClient(options, 'viewer', async (client) => {
    const response = await client.listBans({ showLifted: options.all });
    const names = new Map<string, string>();
    for await (const { id, name } of client.listPeers()) names.set(id, name);
    const rows = response.bans.map((each) => ({ name: names.get(each.peerId) ?? '', ...rowOf(each) }));
    if (options.output === 'json') {
      console.log(json(rows, 2));
      return exitCode.ok;
    }
    console.log(
      table(
        ['PEER', 'ID', 'SCOPE', 'BY', 'UNTIL', 'REASON'],
        rows.map((row) => [
          row.name || '–',
          shortId(row.peerId),
          row.scope,
          row.source === 'automatic' ? 'this peer itself' : row.by,
          row.lifted ? 'lifted' : (row.until ?? 'for good'),
          row.reason,
        ]),
      ),
    );
    console.log(counted(rows.length, 'ban'));
    if (response.operatorKeys.length === 0)
      console.error('This peer knows no operator’s key: bans of the mesh do not count at it.');
    return exitCode.ok;
  });
}

/** Makes, signs and brings a record. `forMs` 0: a ban is lifted. Rejects with a StarlingError. */
async function submit(
  client: StarlingClient,
  peerId: string,
  options: ScopeOptions,
  { forMs, reason }: { readonly forMs: number; readonly reason: string },
): Promise<Ban | undefined> {
  const key = findOperatorKey(options);
  const by = options.by ?? nameOf();
  if (by === '' || !isBanText(by, 'by')) {
    throw new CliError(`--by: use a name of at most ${banTextLimits.by} characters`, exitCode.usage);
  }
  const { mesh } = await client.getPeer();
  const before = (await client.listBans({ showLifted: true })).bans.find(
    (each) => each.peerId === peerId && each.scope === BanScope.MESH,
  );
  let numberMin = before === undefined ? 0 : Number(before.number) + 1;
  let expiresMin = before === undefined ? 0 : endOf(before.expireTime);
  for (let tries = 1; ; tries++) {
    const issuedAt = Date.now();
    const bannedUntil = issuedAt + forMs;
    const statement = encodeBanStatement(mesh, {
      subject: peerId,
      number: Math.max(numberMin, issuedAt),
      issuedAt,
      bannedUntil,
      // Not before the end of what it replaces: forgotten sooner, that would count again.
      expiresAt: Math.max(bannedUntil, expiresMin, issuedAt + rememberMs),
      reason,
      by,
    });
    const record = { statement: statement as Uint8Array<ArrayBuffer>, ...signatureOf(key.signBan(statement)) };
    try {
      if (forMs > 0) return (await client.banPeer({ peerId, scope: BanScope.MESH, record })).ban;
      await client.unbanPeer({ peerId, scope: BanScope.MESH, record });
      return undefined;
    } catch (error) {
      const isStale = error instanceof StarlingError && error.metadata.refusal === 'stale';
      if (!isStale || tries === triesMax) throw error;
      numberMin = Number(error.metadata.number ?? 0) + 1;
      expiresMin = error.metadata.expires_ms === undefined ? never : Number(error.metadata.expires_ms);
    }
  }
}

/** A record is remembered for so long at the least: a peer that was away must find that a ban was lifted. A day: a guess. */
const rememberMs = 86_400_000;

function signatureOf({ signature, key }: { readonly signature: Uint8Array; readonly key: string }) {
  return { signature: signature as Uint8Array<ArrayBuffer>, key };
}

function lengthOf(options: BanOptions): number {
  if (options.forever === (options.for !== undefined)) {
    throw new CliError('say how long: --for 1h, or --forever, which revokes the peer’s key', exitCode.usage);
  }
  if (options.for === undefined) return never;
  const forMs = milliseconds('--for', options.for);
  if (!(forMs >= 1_000)) throw new CliError(`--for ${options.for}: a second at the least`, exitCode.usage);
  return forMs;
}

function rowOf(each: Ban) {
  return {
    peerId: each.peerId,
    scope: each.scope === BanScope.MESH ? 'mesh' : 'peer',
    source: each.source === BanSource.OPERATOR ? 'operator' : 'automatic',
    by: each.by,
    reason: each.reason,
    until: each.until === undefined ? null : new Date(timestampMs(each.until)).toISOString(),
    since: each.issueTime === undefined ? null : new Date(timestampMs(each.issueTime)).toISOString(),
    ...(each.scope === BanScope.MESH && { number: each.number }),
    lifted: each.lifted,
  };
}

function untilText(each: Ban): string {
  return each.until === undefined ? 'for good' : `until ${new Date(timestampMs(each.until)).toISOString()}`;
}

function endOf(time: Parameters<typeof timestampMs>[0] | undefined): number {
  return time === undefined ? never : timestampMs(time);
}

function nameOf(): string {
  try {
    return userInfo().username.slice(0, banTextLimits.by);
  } catch {
    // A user without a name, as in many containers.
    return 'operator';
  }
}
