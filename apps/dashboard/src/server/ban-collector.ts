import { type Ban, BanScope, BanSource, type ListBansResponse } from '@starling/wire';
import type { BanRow } from '../features/bans/ban-list.ts';
import { millisOf } from './facts-from-wire.ts';

/** Bans told apart. Guess: more than a person reads; a peer holds at most 512 records and as many verdicts. */
const rowsMax = 500;
/** Peers that are named for one ban; the others are counted. Guess: what fits on a screen. */
const namedMax = 64;

interface Row {
  readonly first: Ban;
  readonly at: { readonly peer: string; readonly until: number | null }[];
  since: number;
  count: number;
  untilFirst: number;
  untilLast: number;
}

/** Brings together what many peers say of bans: what is one decision is one row, however many peers tell of it. */
export class BanCollector {
  readonly #rows = new Map<string, Row>();
  readonly #beyond = new Set<string>();
  /** Peers that know no operator's key. */
  keyless = 0;

  add(peer: string, { bans, operatorKeys }: ListBansResponse): void {
    if (operatorKeys.length === 0) this.keyless++;
    for (const ban of bans) if (!ban.lifted) this.#add(peer, ban);
  }

  #add(peer: string, ban: Ban): void {
    // Whom an operator bans at every peer is banned once; a verdict of the same words is one opinion, held by several.
    const isAutomatic = ban.source === BanSource.AUTOMATIC;
    const key = JSON.stringify([ban.peerId, ban.scope, isAutomatic || ban.by, ban.reason]);
    const until = ban.until === undefined ? null : Math.round(millisOf(ban.until));
    const since = Math.round(millisOf(ban.issueTime));
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rows.size >= rowsMax) {
        if (this.#beyond.size < rowsMax) this.#beyond.add(key);
        return;
      }
      row = { first: ban, at: [], since, count: 0, untilFirst: Number.POSITIVE_INFINITY, untilLast: 0 };
      this.#rows.set(key, row);
    }
    row.count++;
    if (since > 0 && (row.since === 0 || since < row.since)) row.since = since;
    row.untilFirst = Math.min(row.untilFirst, until ?? Number.POSITIVE_INFINITY);
    row.untilLast = Math.max(row.untilLast, until ?? Number.POSITIVE_INFINITY);
    if (row.at.length < namedMax) row.at.push({ peer, until });
  }

  /** Of the mesh first, then by how many peers, then the newest; and how many are left out (a bound of its own counts them). */
  result(): { readonly bans: BanRow[]; readonly more: number } {
    const bans = [...this.#rows.values()].map(({ first, at, since, count, untilFirst, untilLast }): BanRow => {
      const { peerId: peer, reason } = first;
      const isAutomatic = first.source === BanSource.AUTOMATIC;
      return {
        ...{ peer, isAutomatic, reason, since, count, at },
        scope: first.scope === BanScope.MESH ? 'mesh' : 'peer',
        // A verdict's is the peer that has it.
        by: isAutomatic ? '' : first.by,
        untilFirst: Number.isFinite(untilFirst) ? untilFirst : null,
        untilLast: Number.isFinite(untilLast) ? untilLast : null,
      };
    });
    const weight = ({ scope }: BanRow): number => (scope === 'mesh' ? 1 : 0);
    bans.sort((one, other) => weight(other) - weight(one) || other.count - one.count || other.since - one.since);
    return { bans, more: this.#beyond.size };
  }
}
