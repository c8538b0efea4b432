import type { PeersAnswer } from '@starling/client';
import type { GetPeerResponse } from '@starling/wire';
import type { PeerSelf, PeerServes } from '../features/peers/peer-self.ts';
import { millisOf } from './facts-from-wire.ts';

/** What a peer says of itself, as a plain object. `askedAt`, `heardAt`: by this server's clock, around the call. */
export function peerSelf(answer: GetPeerResponse, askedAt: number, heardAt: number): Omit<PeerSelf, 'serves'> {
  const { meshSize, deliveryRatio, certificateStartTime, certificateExpireTime, authorityExpireTime, time } = answer;
  const until = millisOf(certificateExpireTime);
  return {
    meshSize,
    deliveryRatio: deliveryRatio ?? null,
    // An older peer does not say since when.
    certificate: until === 0 ? null : { from: millisOf(certificateStartTime) || until, until },
    authorityUntil: millisOf(authorityExpireTime) || null,
    aheadMs: time === undefined ? 0 : Math.round(millisOf(time) - (askedAt + heardAt) / 2),
    tookMs: heardAt - askedAt,
  };
}

const columns = ['responders', 'subscribers', 'records', 'queries'] as const satisfies readonly (keyof PeerServes)[];

/** The question that `peerServes` reads the answer of. An id is of letters and digits; quotes keep it one word. */
export function servesQuestion(peer: string): string {
  return `${columns.join(', ')} where id = '${peer}'`;
}

/** What the peer that was asked about does for others; null when it did not answer. */
export function peerServes({ rows }: Pick<PeersAnswer, 'rows'>): PeerServes | null {
  const [row] = rows;
  if (row === undefined) return null;
  const value = (at: number): number | null => {
    const said = row.values[at];
    return typeof said === 'number' ? said : null;
  };
  return { responders: value(0), subscribers: value(1), records: value(2), queries: value(3) };
}
