import { StarlingError } from '@starling/client';
import type { Ban, SignedBan } from '@starling/core-bans';
import type { Misdeed } from '@starling/core-reputation';
import type { Millis, PeerId } from '@starling/kernel';
import type { MeshCommand, MeshEvent } from '@starling/mesh';
import type { BanFile, KeptBans, LocalBan } from './ban-file.ts';

/** Why a peer is banned here, and by whom. Times in ms since 1970; `until` Infinity: until it is lifted. */
export interface BanEntry {
  readonly peer: PeerId;
  readonly scope: 'peer' | 'mesh';
  readonly source: 'automatic' | 'operator';
  readonly reason: string;
  readonly by: string;
  readonly until: Millis;
  readonly issuedAt: Millis | null;
  /** Of the record, for the scope of the mesh. */
  readonly record: Pick<Ban, 'number' | 'expiresAt'> | null;
  readonly isLifted: boolean;
}

/** The part of the overlay that this needs. */
export interface BanMesh {
  readonly self: { readonly id: PeerId };
  readonly mesh: {
    readonly reputation: { bans(now: Millis): readonly { readonly peer: PeerId; readonly until: Millis }[] };
    readonly bans: {
      about(peer: PeerId): Ban | undefined;
      isBanned(now: Millis, peer: PeerId): boolean;
      records(): readonly { readonly ban: Ban; readonly record: SignedBan }[];
    };
  };
  now(): Millis;
  command(command: MeshCommand): void;
  on(listener: (event: MeshEvent) => void): () => void;
}

const refusals: Readonly<Record<string, string>> = {
  malformed: 'the record cannot be read, or is for another mesh',
  forged: 'the record is not signed by the key that it names',
  unknownKey: 'this peer does not know the operator’s key that signed the record (STARLING_OPERATOR_KEYS_FILE)',
  expired: 'the record has expired',
  stale: 'a newer record about that peer is held: sign one with a higher number',
  full: 'so many records are held that last longer',
};

/**
 * Bans as people see them: what this peer decided, what an operator told it alone, and what an operator told the mesh. The mesh
 * obeys; here is why and by whom, and what is kept over a restart.
 */
export class BanDesk {
  readonly #overlay: BanMesh;
  readonly #file: BanFile | null;
  /** Of operators, and what this peer decided itself. Both hold no more than are banned: the reputation's table is bounded. */
  readonly #here = new Map<PeerId, LocalBan>();
  readonly #automatic = new Map<PeerId, { readonly reason: Misdeed; readonly at: Millis }>();
  #requests = 0;
  #answer: Extract<MeshEvent, { readonly kind: 'banSubmitted' }> | null = null;

  constructor(overlay: BanMesh, file: BanFile | null) {
    this.#overlay = overlay;
    this.#file = file;
    overlay.on((event) => {
      if (event.kind === 'banSubmitted') this.#answer = event;
      else if (event.kind === 'bansChanged') this.#save();
      else if (event.kind === 'judged') this.#onVerdict(event.verdict);
    });
  }

  /** What was kept counts again. Call it once the mesh runs. */
  restore(): void {
    const kept = this.#file?.load();
    if (kept === undefined) return;
    const now = this.#overlay.now();
    for (const ban of kept.here) {
      if (ban.until <= now) continue;
      this.#here.set(ban.peer, ban);
      this.#overlay.command({ kind: 'ban', peer: ban.peer, forMs: ban.until - now });
    }
    if (kept.records.length > 0) this.#overlay.command({ kind: 'restoreBans', records: kept.records });
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    await this.#file?.save(() => this.#kept());
  }

  /** At this peer alone. `forMs` Infinity: until it is lifted. */
  banHere(peer: PeerId, forMs: Millis, reason: string, by: string): BanEntry {
    const at = this.#overlay.now();
    const ban = { peer, until: at + forMs, reason, by, at };
    // Of two bans the longer counts, and this one may be meant to be shorter.
    this.#overlay.command({ kind: 'pardon', peer });
    this.#here.set(peer, ban);
    this.#overlay.command({ kind: 'ban', peer, forMs });
    this.#save();
    return entryHere(ban);
  }

  /** In the whole mesh, by a record that an operator signed. Throws BAN_REFUSED. */
  submit(record: SignedBan): BanEntry {
    const requestId = ++this.#requests;
    this.#answer = null;
    this.#overlay.command({ kind: 'submitBan', requestId, record });
    const answer = this.#answer as Extract<MeshEvent, { readonly kind: 'banSubmitted' }> | null;
    if (answer?.requestId !== requestId) {
      throw new StarlingError('the peer leaves the mesh: go to another', { reason: 'DRAINING' });
    }
    const { outcome, ban } = answer;
    if ((outcome === 'taken' || outcome === 'known') && ban !== null) return this.#entryOf(ban);
    throw new StarlingError(refusals[outcome] ?? `the record is refused: ${outcome}`, {
      reason: 'BAN_REFUSED',
      metadata: {
        refusal: outcome,
        ...(ban !== null && { number: String(ban.number) }),
        ...(ban !== null && Number.isFinite(ban.expiresAt) && { expires_ms: String(ban.expiresAt) }),
      },
    });
  }

  /** Lifts what this peer or an operator decided for it alone. False when there was nothing. */
  unbanHere(peer: PeerId): boolean {
    const wasBanned = this.#overlay.mesh.reputation.bans(this.#overlay.now()).some((ban) => ban.peer === peer);
    this.#here.delete(peer);
    this.#overlay.command({ kind: 'pardon', peer });
    this.#save();
    return wasBanned;
  }

  /** The ban of a peer that lasts longest; null when there is none. */
  about(peer: PeerId): BanEntry | null {
    const { mesh } = this.#overlay;
    const now = this.#overlay.now();
    const record = mesh.bans.isBanned(now, peer) ? mesh.bans.about(peer) : undefined;
    const here = mesh.reputation.bans(now).find((ban) => ban.peer === peer);
    if (record !== undefined && record.bannedUntil >= (here?.until ?? 0)) return this.#entryOf(record);
    return here === undefined ? null : this.#entryHere(here.peer, here.until);
  }

  /** Every ban in force, and with `showLifted` what operators' records say of bans that are over. */
  list(showLifted: boolean): BanEntry[] {
    const { mesh } = this.#overlay;
    const here = mesh.reputation.bans(this.#overlay.now()).map(({ peer, until }) => this.#entryHere(peer, until));
    const records = mesh.bans.records().map(({ ban }) => this.#entryOf(ban));
    return [...records.filter(({ isLifted }) => showLifted || !isLifted), ...here].sort((a, b) =>
      a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0,
    );
  }

  #entryHere(peer: PeerId, until: Millis): BanEntry {
    const ban = this.#here.get(peer);
    if (ban !== undefined) return entryHere({ ...ban, until });
    const automatic = this.#automatic.get(peer);
    return {
      peer,
      scope: 'peer',
      source: 'automatic',
      reason: automatic?.reason ?? 'violation',
      by: this.#overlay.self.id,
      until,
      issuedAt: automatic?.at ?? null,
      record: null,
      isLifted: false,
    };
  }

  #entryOf(ban: Ban): BanEntry {
    return {
      peer: ban.subject,
      scope: 'mesh',
      source: 'operator',
      reason: ban.reason,
      by: ban.by,
      until: ban.bannedUntil,
      issuedAt: ban.issuedAt,
      record: { number: ban.number, expiresAt: ban.expiresAt },
      isLifted: ban.bannedUntil <= this.#overlay.now(),
    };
  }

  #onVerdict(verdict: Extract<MeshEvent, { readonly kind: 'judged' }>['verdict']): void {
    if (verdict.kind === 'banned' && verdict.reason !== 'operator') {
      this.#forgetOthers();
      this.#automatic.set(verdict.peer, { reason: verdict.reason, at: this.#overlay.now() });
    } else if (verdict.kind === 'pardoned') {
      this.#automatic.delete(verdict.peer);
      if (this.#here.delete(verdict.peer)) this.#save();
    }
  }

  /** Bans that had to go for want of room were told to nobody. */
  #forgetOthers(): void {
    const banned = new Set(this.#overlay.mesh.reputation.bans(this.#overlay.now()).map(({ peer }) => peer));
    for (const map of [this.#here, this.#automatic]) {
      for (const peer of map.keys()) if (!banned.has(peer)) map.delete(peer);
    }
  }

  #save(): void {
    void this.#file?.save(() => this.#kept());
  }

  #kept(): KeptBans {
    this.#forgetOthers();
    return { records: this.#overlay.mesh.bans.records().map(({ record }) => record), here: [...this.#here.values()] };
  }
}

function entryHere(ban: LocalBan): BanEntry {
  return {
    peer: ban.peer,
    scope: 'peer',
    source: 'operator',
    reason: ban.reason,
    by: ban.by,
    until: ban.until,
    issuedAt: ban.at,
    record: null,
    isLifted: false,
  };
}
