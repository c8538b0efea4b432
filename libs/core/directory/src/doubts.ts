import type { IndexedMap, LinkDownReason, Millis, Outbox, PeerId, PeerInfo, Rng } from '@starling/kernel';
import { Checks } from './checks.ts';
import type { DirectoryConfig } from './config.ts';
import { flapHoldMs } from './flaps.ts';
import type { MemberTable } from './member-table.ts';
import type { DirectoryEvent, DirectoryMessage } from './messages.ts';
import { type Suspicion, Suspicions } from './suspicions.ts';

type Out = Outbox<DirectoryMessage, DirectoryEvent>;

/** An accusation that waits for its moment. */
interface Accusation {
  readonly incarnation: number;
  readonly at: Millis;
}

/** Whose time is up, and what it is now. */
interface Condemned {
  readonly info: PeerInfo;
  readonly verdict: Suspicion['verdict'];
}

const nobody: readonly Condemned[] = [];

/** What of the directory the doubts have to know. */
export interface DoubtsOptions {
  readonly config: DirectoryConfig;
  readonly self: PeerId;
  readonly table: MemberTable;
  readonly neighbors: Pick<IndexedMap<PeerId, PeerInfo>, 'size' | 'has'>;
  readonly rng: Rng;
  /** Peers that are up. */
  readonly size: () => number;
}

/**
 * Who may be dead: accusations of this peer and of others, second opinions, and the time in which the accused may refute
 * (SWIM, DSN 2002, §4.2, with two accusers in place of one). Whose time is up is for the directory to bury.
 */
export class Doubts {
  readonly #config: DirectoryConfig;
  readonly #self: PeerId;
  readonly #table: MemberTable;
  readonly #neighbors: DoubtsOptions['neighbors'];
  readonly #rng: Rng;
  readonly #size: () => number;
  readonly #accusations = new Map<PeerId, Accusation>();
  readonly #suspicions = new Suspicions();
  readonly #checks: Checks;
  #lateUntil: Millis = Number.NEGATIVE_INFINITY;
  /** Accusations made aloud; those not made, because too many waited for their moment. */
  readonly stats = { made: 0, dropped: 0 };

  constructor({ config, self, table, neighbors, rng, size }: DoubtsOptions) {
    this.#config = config;
    this.#self = self;
    this.#table = table;
    this.#neighbors = neighbors;
    this.#rng = rng;
    this.#size = size;
    this.#checks = new Checks(config);
  }

  get checks(): { readonly made: number; readonly dropped: number } {
    return this.#checks;
  }

  nextDeadline(): Millis {
    let next = Math.min(this.#suspicions.next(), this.#checks.next());
    for (const accusation of this.#accusations.values()) next = Math.min(next, accusation.at);
    return next;
  }

  /** Two peers say that this member is dead, or this one does or is about to. */
  has(id: PeerId): boolean {
    const suspicion = this.#suspicions.get(id);
    return suspicion?.isConfirmed === true || suspicion?.isOwn === true || this.#accusations.has(id);
  }

  /** There is news of the peer: nothing that was said of it before counts. */
  clear(id: PeerId): void {
    this.#suspicions.clear(id);
    this.#accusations.delete(id);
    this.#checks.cancel(id);
  }

  linkUp(now: Millis, id: PeerId, out: Out): void {
    if (!this.#checks.linkUp(id)) return;
    this.#tellSuspect(now, id, out);
    this.#checks.done(id, out);
  }

  linkDown(now: Millis, id: PeerId, reason: LinkDownReason, out: Out): void {
    this.#checks.linkDown(id, out);
    if (reason === 'refused') {
      this.#checks.forgetSilence(id);
      this.#refused(now, id);
    } else if (reason === 'unanswered') this.#unanswered(now, id);
  }

  /** Lifeguard's lesson (DSN 2018, §IV): who is not served in time takes nobody's silence for death. */
  selfLate(now: Millis): void {
    this.#lateUntil = now + this.#config.lateDoubtMs;
  }

  /** A neighbour is there: what only this peer holds against it is void, and what others do it should know. */
  neighborUp(now: Millis, id: PeerId, out: Out): void {
    this.#accusations.delete(id);
    const suspicion = this.#suspicions.get(id);
    if (suspicion?.accuser === this.#self && !suspicion.isConfirmed) this.#suspicions.clear(id);
    this.#tellSuspect(now, id, out);
  }

  /**
   * Back from being alone, the fault was likely ours (Lifeguard's lesson): those whom we alone suspect were not asked, or
   * their refutations did not reach us. So no verdict falls on them; ask aloud, unless the neighbour's digest is faster.
   */
  askAgain(now: Millis): void {
    for (const id of this.#suspicions.takeOwn(this.#self)) this.plan(now, id);
  }

  /** True when the accusation will be made, unless the peer is heard of before, or two others are faster. */
  plan(now: Millis, id: PeerId, spreadMs = this.#accuseSpreadMs()): boolean {
    const member = this.#table.up(id);
    if (member === undefined || id === this.#self || this.#accusations.has(id)) return false;
    if (this.#accusations.size >= this.#config.accusationsMax) {
      this.stats.dropped++;
      return false;
    }
    const at = now + this.#rng.float() * spreadMs;
    this.#accusations.set(id, { incarnation: member.info.incarnation, at });
    return true;
  }

  /** Takes note of an accusation, by others or by ourselves. Accusations of strangers and of past incarnations mean nothing. */
  suspect(now: Millis, id: PeerId, incarnation: number, accuser: PeerId, out: Out): void {
    const config = this.#config;
    if (accuser === id || this.#table.up(id)?.info.incarnation !== incarnation) return;
    const accuserRecord = this.#table.get(accuser);
    if (accuserRecord !== undefined && accuserRecord.state !== 'up') return; // a dying peer accuses all it ever knew
    const known = this.#suspicions.get(id);
    const isOwn = accuser === this.#self;
    const holdMs = this.#holdMs(now, id);
    if (known === undefined || known.incarnation !== incarnation) {
      const isSmall = this.#size() <= config.smallMeshPeers;
      const aloneMs = isSmall ? config.smallMeshAccusationMs : config.loneAccusationMs;
      const deadline = now + Math.max(aloneMs, holdMs);
      this.#suspicions.set(id, {
        ...{ incarnation, accuser, isOwn, isAsked: holdMs === 0 },
        ...{ isConfirmed: false, verdict: 'expired', deadline },
      });
      if (!isOwn && this.#rng.float() * this.#size() < config.secondOpinions) this.#checks.later(now, id);
      // What is sent to one who cannot hear now arrives when it can again; a broadcast does not.
      if (holdMs > 0 && this.#neighbors.has(id)) this.#tellSuspect(now, id, out);
    } else if (!known.isConfirmed && known.accuser !== accuser) {
      const deadline = Math.min(known.deadline, now + holdMs + config.confirmMs + this.refuteSpreadMs());
      this.#suspicions.set(id, { ...known, isOwn: known.isOwn || isOwn, isConfirmed: true, verdict: 'dead', deadline });
    }
  }

  /**
   * A neighbour's records say that a peer is dead which we hold to be up: the two halves of a partition say so of each
   * other when they meet. Ask the peer, by accusing it aloud, and believe it only when nothing comes back. When it cannot
   * be asked, nothing changes: a later digest says so again.
   */
  doubt(now: Millis, from: PeerId, info: PeerInfo): void {
    if (this.#suspicions.get(info.id)?.verdict === 'dead') return;
    const { id, incarnation } = info;
    const { accuseSpreadMs, confirmMs } = this.#config;
    if (!this.#accusations.has(id) && !this.plan(now, id, accuseSpreadMs)) return;
    const askedAt = Math.max(now + accuseSpreadMs, this.#accusations.get(id)?.at ?? 0);
    const holdMs = this.#holdMs(now, id);
    const deadline = askedAt + holdMs + confirmMs + this.refuteSpreadMs();
    this.#suspicions.set(id, {
      ...{ incarnation, accuser: from, isOwn: true, isAsked: holdMs === 0 },
      ...{ isConfirmed: false, verdict: 'dead', deadline },
    });
  }

  /** Makes accusations and asks for second opinions that are due, and returns those whose time is up, with their verdicts. */
  due(now: Millis, out: Out): readonly Condemned[] {
    if (now < this.nextDeadline()) return nobody;
    for (const [id, accusation] of this.#accusations) {
      if (accusation.at > now) continue;
      this.#accusations.delete(id);
      this.#accuse(now, id, accusation.incarnation, out);
    }
    const condemned: Condemned[] = [];
    for (const [id, suspicion] of this.#suspicions.take(now)) {
      const member = this.#table.up(id);
      if (member?.info.incarnation !== suspicion.incarnation) continue;
      if (suspicion.isAsked) condemned.push({ info: member.info, verdict: suspicion.verdict });
      else this.#askOnceMore(now, id, suspicion);
    }
    this.#secondOpinions(now, out);
    return condemned;
  }

  /**
   * Who went down together with all its neighbours is missed by nobody; a dial at random finds it before it expires. Who spoke of late need not be asked:
   * after a crash of many that is nearly everybody who is left, since they accuse.
   */
  spotCheck(now: Millis, out: Out): void {
    if (this.#neighbors.size === 0 || this.#rng.float() * this.#size() >= this.#config.spotChecks) return;
    const ids = this.#table.upIds();
    const member = this.#table.up(ids[this.#rng.below(ids.length)] ?? '');
    if (member === undefined || member.info.id === this.#self) return;
    if (now - member.spokeAt > this.#config.spotCheckSilenceMs) this.#checks.dial(member.info, out);
  }

  /** In so long an accused peer refutes. */
  refuteSpreadMs(): Millis {
    return Math.min(this.#config.refuteSpreadMaxMs, this.#size() * this.#config.refutePerPeerMs);
  }

  /**
   * The more accusations wait, the longer each one does. Whoever has many lost them to one blow, as others did: without haste most are made by two of those
   * before, and the mesh has links to mend meanwhile.
   */
  #accuseSpreadMs(): Millis {
    const { accuseSpreadMs, accuseSpreadMaxMs } = this.#config;
    return Math.min(accuseSpreadMaxMs, accuseSpreadMs * (this.#accusations.size + 1));
  }

  /** A dial that came to nothing is a word as good as a lost link: after a mass crash few victims have two neighbours left. */
  #refused(now: Millis, peer: PeerId): void {
    const member = this.#table.up(peer);
    if (member === undefined || this.#neighbors.has(peer)) return;
    if (now - member.refusedAt < this.#config.refusalGapMs) return;
    if (this.plan(now, peer)) member.refusedAt = now;
  }

  /**
   * Silence may be a machine with too much to do: one that starts sixteen peers leaves each of them seconds without an answer,
   * and what is said of them then keeps it busy. So silence is a word only when it lasts.
   */
  #unanswered(now: Millis, peer: PeerId): void {
    const count = this.#checks.unanswered(peer);
    if (count === 0 || now < this.#lateUntil) return;
    const member = this.#table.up(peer);
    if (member === undefined || this.#neighbors.has(peer)) return;
    const { silentDials, refutedMs } = this.#config;
    if (now - member.refutedAt < refutedMs) return;
    const isAccused = this.#suspicions.get(peer) !== undefined;
    if (count >= (isAccused ? silentDials - 1 : silentDials)) this.#refused(now, peer);
    else this.#checks.redial(now, peer, count);
  }

  /** A suspect that comes back to us may not know that it is one: told what is about to be believed, it refutes. */
  #tellSuspect(now: Millis, id: PeerId, out: Out): void {
    const member = this.#table.up(id);
    if (member === undefined || this.#suspicions.get(id)?.incarnation !== member.info.incarnation) return;
    const record = { info: member.info, state: 'dead', ttlMs: Math.max(0, member.expiresAt - now) } as const;
    out.send(id, { kind: 'directoryRecords', bucketCount: 1, buckets: [], records: [record], reply: false });
  }

  /** How much longer than others this peer has to be silent, because it flaps. */
  #holdMs(now: Millis, id: PeerId): Millis {
    const member = this.#table.up(id);
    return member === undefined ? 0 : flapHoldMs(this.#config, member.flaps, now);
  }

  /**
   * A flapping peer has been silent for longer than others may be. Since it was accused it may have come back, unaware of it:
   * those who accused it ask once more, and all others give it the time to answer.
   */
  #askOnceMore(now: Millis, id: PeerId, suspicion: Suspicion): void {
    const { accuseSpreadMs, confirmMs } = this.#config;
    const deadline = now + accuseSpreadMs + confirmMs + this.refuteSpreadMs();
    const isAsking = suspicion.isOwn && this.plan(now, id, accuseSpreadMs);
    // As if nobody had spoken yet, so that a planned accusation is made; but the verdict stands.
    const accuser = isAsking ? '' : suspicion.accuser;
    this.#suspicions.set(id, { ...suspicion, accuser, isConfirmed: false, isAsked: true, deadline });
  }

  #accuse(now: Millis, id: PeerId, incarnation: number, out: Out): void {
    if (this.#table.up(id)?.info.incarnation !== incarnation) return;
    const suspicion = this.#suspicions.get(id);
    if (suspicion?.incarnation === incarnation && (suspicion.isConfirmed || suspicion.accuser === this.#self)) return;
    // Alone, the fault may be ours (Lifeguard's lesson): nobody would hear it now, nor should later.
    if (this.#neighbors.size > 0) {
      this.stats.made++;
      out.emit({ kind: 'broadcast', message: { kind: 'accuse', id, incarnation, accuser: this.#self } });
    }
    this.suspect(now, id, incarnation, this.#self, out);
  }

  /**
   * Whoever lost its last but one neighbour to the same crash is accused by one alone, which would be believed only after
   * `loneAccusationMs`; a few others look for themselves.
   */
  #secondOpinions(now: Millis, out: Out): void {
    for (let id = this.#checks.dueOpinion(now); id !== undefined; id = this.#checks.dueOpinion(now)) {
      if (this.#suspicions.get(id)?.isConfirmed === false) this.#check(id, out);
    }
    for (let id = this.#checks.dueRedial(now); id !== undefined; id = this.#checks.dueRedial(now)) this.#check(id, out);
  }

  #check(id: PeerId, out: Out): void {
    const member = this.#table.up(id);
    if (member !== undefined && this.#neighbors.size > 0) this.#checks.dial(member.info, out);
    else this.#checks.cancel(id);
  }
}
