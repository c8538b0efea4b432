import { connect as connectTcp } from 'node:net';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type ConnectOptions, connect, StarlingError } from '@starling/client';
import { type Ban, BanScope, type Peer, type PeerCondition } from '@starling/wire';

/** What one peer said, and how long that took. Times in ms since 1970. */
export interface Examined {
  readonly address: string;
  readonly peer: Peer;
  readonly mesh: string;
  readonly neighbors: readonly string[];
  /** Everybody that it knows to be there, itself included. */
  readonly members: readonly Peer[];
  readonly bans: readonly Ban[];
  readonly operatorKeys: readonly string[];
  /** The peer's clock less ours, known to within `clockErrorMs`; null: an older peer does not say. */
  readonly clockAheadMs: number | null;
  readonly clockErrorMs: number;
  readonly caller: string;
  readonly callerRole: string;
  readonly deliveryRatio: number | null;
  readonly certificateExpiresAt: number | null;
  readonly certificateValidFrom: number | null;
  readonly authorityExpiresAt: number | null;
  /** What the peer says is wrong with it. */
  readonly conditions: readonly PeerCondition[];
}

export interface Unreached {
  readonly address: string;
  readonly reason: string;
  /** The gRPC code, as UNAVAILABLE. */
  readonly code: string;
  readonly message: string;
}

export type Probed = ({ readonly ok: true } & Examined) | ({ readonly ok: false } & Unreached);

export type Access = Pick<ConnectOptions, 'tls' | 'token'>;

/** Peers that are asked at once. 8: a guess, a moment's load for nobody. */
const atOnce = 8;
/** Peers that are asked at all; a random part of a larger mesh tells as much. */
export const probedMax = 256;

/** Asks one peer, and no other, for everything. Never rejects. */
export async function probe(address: string, access: Access, timeoutMs: number): Promise<Probed> {
  let client: Awaited<ReturnType<typeof connect>> | undefined;
  try {
    client = await connect({
      addresses: [address],
      learnAddresses: false,
      timeoutMs,
      connectTimeoutMs: timeoutMs,
      ...access,
    });
    // The first call pays for the connection; the second tells the time.
    await client.getPeer();
    const sentAt = Date.now();
    const answer = await client.getPeer();
    const backAt = Date.now();
    const members = await Array.fromAsync(client.listPeers());
    const { bans, operatorKeys } = await client.listBans().catch(orNone);
    const peer = answer.report?.peer;
    if (peer === undefined) throw new StarlingError('it does not say who it is', { reason: 'OTHER' });
    return {
      ok: true,
      address,
      peer,
      mesh: answer.mesh,
      neighbors: (answer.report?.links ?? []).map(({ peerId }) => peerId),
      members,
      bans: bans.filter(({ scope }) => scope === BanScope.MESH),
      operatorKeys,
      clockAheadMs: answer.time === undefined ? null : timestampMs(answer.time) - (sentAt + backAt) / 2,
      clockErrorMs: (backAt - sentAt) / 2 + 1,
      caller: answer.caller,
      callerRole: answer.callerRole,
      deliveryRatio: answer.deliveryRatio ?? null,
      certificateValidFrom: msOrNull(answer.certificateStartTime),
      certificateExpiresAt: msOrNull(answer.certificateExpireTime),
      authorityExpiresAt: msOrNull(answer.authorityExpireTime),
      conditions: answer.report?.conditions ?? [],
    };
  } catch (error) {
    const known = error instanceof StarlingError ? error : null;
    const message = (known?.message ?? String(error)).replace(`no peer answers at ${address}: `, '');
    return { ok: false, address, reason: known?.reason ?? 'OTHER', code: known?.code ?? 'UNKNOWN', message };
  } finally {
    client?.close();
  }
}

/** Asks these, and everybody that they know of, each once. */
export async function probeAll(seeds: readonly string[], access: Access, timeoutMs: number): Promise<Probed[]> {
  const results = await inTurn(seeds, (address) => probe(address, access, timeoutMs));
  const known = new Set(seeds);
  const asked = new Set(results.flatMap((result) => (result.ok ? [result.peer.id] : [])));
  const more: string[] = [];
  for (const result of results) {
    if (!result.ok) continue;
    for (const { id, apiAddress } of result.members) {
      if (apiAddress === '' || asked.has(id) || known.has(apiAddress)) continue;
      known.add(apiAddress);
      asked.add(id);
      more.push(apiAddress);
    }
  }
  const rest = await inTurn(more.slice(0, probedMax), (address) => probe(address, access, timeoutMs));
  return [...results, ...rest];
}

/** Whether something takes connections there. */
export function isOpen(address: string, timeoutMs: number): Promise<boolean> {
  const at = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const socket = connectTcp({
      host: address.slice(0, at).replace(/^\[|\]$/g, ''),
      port: Number(address.slice(at + 1)),
    });
    const finish = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once('connect', () => finish(true)).once('error', () => finish(false));
  });
}

export async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await run(items[at] as T);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

/** A peer of a version without bans. */
function orNone(error: unknown): { bans: Ban[]; operatorKeys: string[] } {
  if (error instanceof StarlingError && error.code === 'UNIMPLEMENTED') return { bans: [], operatorKeys: [] };
  throw error;
}

function msOrNull(time: Parameters<typeof timestampMs>[0] | undefined): number | null {
  return time === undefined ? null : timestampMs(time);
}
