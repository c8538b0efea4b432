import {
  assert,
  IndexedMap,
  type Input,
  isFailedDial,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  timestampMsMax,
  unreachable,
} from '@starling/kernel';
import type { DirectoryConfig } from './config.ts';
import { Doubts } from './doubts.ts';
import { flapped } from './flaps.ts';
import { idHash, isBetterVersion, memberStates } from './member-hash.ts';
import { type Member, MemberTable } from './member-table.ts';
import type {
  DirectoryBroadcast,
  DirectoryCommand,
  DirectoryEvent,
  DirectoryMessage,
  MemberRecord,
} from './messages.ts';
import { Repair } from './repair.ts';
import { SizeEstimate } from './size-estimate.ts';

type Out = Outbox<DirectoryMessage, DirectoryEvent>;
type Accuse = Extract<DirectoryBroadcast, { kind: 'accuse' }>;
type Heard = Extract<DirectoryCommand, { kind: 'heard' }>;

const never = Number.POSITIVE_INFINITY;

/**
 * Incarnations are times, and end with the year 9999 as those of protobuf. Leaves room for refutations above what anybody may claim: a
 * number that cannot be raised could never be refuted.
 */
const incarnationMax = timestampMsMax - 2 ** 32;

/** What happened so far; `…Refused` and `…Dropped` count bounds that were reached. */
export interface DirectoryStats {
  announced: number;
  refuted: number;
  accusationsHeard: number;
  died: number;
  left: number;
  expired: number;
  newcomersRefused: number;
  violations: number;
}

/**
 * Who is in the mesh: every peer's own, eventually equal copy. Arrivals, departures and accusations travel by broadcast;
 * digests between neighbours repair what broadcast missed. A record is a join-semilattice: of two, the higher incarnation
 * wins, then left over dead over up, then the longer life; so the order in which news arrives does not matter.
 *
 * A peer is removed when it says that it leaves, when two peers that lost it say so, or by expiry; and it is back as soon
 * as it speaks with a higher incarnation, which a live peer does when it hears of its own death.
 *
 * Neighbours are bounded by the membership core; all else by `DirectoryConfig`.
 */
export class Directory implements ProtocolCore<DirectoryMessage, DirectoryCommand, DirectoryEvent> {
  readonly #config: DirectoryConfig;
  readonly #rng: Rng;
  readonly #table: MemberTable;
  readonly #repair: Repair;
  readonly #doubts: Doubts;
  readonly #neighbors = new IndexedMap<PeerId, PeerInfo>();
  #estimate: SizeEstimate | null = null;
  #self: PeerInfo;
  #announceAt: Millis = never;
  /** The next announcement is more than a refresh. */
  #hasNews = false;
  #announcedAt: Millis = Number.NEGATIVE_INFINITY;
  #roundAt: Millis = never;
  #hasLeft = false;
  readonly stats: DirectoryStats = {
    announced: 0,
    refuted: 0,
    accusationsHeard: 0,
    died: 0,
    left: 0,
    expired: 0,
    newcomersRefused: 0,
    violations: 0,
  };

  constructor(config: DirectoryConfig, self: PeerInfo, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
    this.#self = self;
    this.#table = new MemberTable(config.membersMax, config.tombstonesMax);
    this.#table.put(self, 'up', never);
    this.#doubts = new Doubts({
      ...{ config, self: self.id, table: this.#table, neighbors: this.#neighbors, rng },
      size: () => this.size,
    });
    this.#repair = new Repair(config, this.#table, rng, (now, from, record, out) =>
      this.#merge(now, from, record, out),
    );
  }

  /** This peer's own info, with the incarnation that its refutations have reached. */
  get self(): PeerInfo {
    return this.#self;
  }

  /** Peers that are up, this one included. Exact while `isExact`, else an estimate with an error of about 7 %. */
  get size(): number {
    return Math.max(this.#table.upCount, this.#estimate?.peers ?? 0);
  }

  /** Whether every known peer is held: false once newcomers had to be refused. */
  get isExact(): boolean {
    return this.#estimate === null;
  }

  /** A peer that is up. */
  get(id: PeerId): PeerInfo | undefined {
    return this.#table.up(id)?.info;
  }

  /** Whether a known peer is not up, or two say so, or this one does or is about to: what one other says would be too cheap a way to be preferred. */
  isDoubted(id: PeerId): boolean {
    const member = this.#table.get(id);
    return member !== undefined && (member.state !== 'up' || this.#doubts.has(id));
  }

  /** Up to `size` peers that are up, this one included, with ids after `afterId` ('' for the first page), ascending. */
  page(afterId: PeerId, size: number): readonly PeerInfo[] {
    return this.#table.page(afterId, size);
  }

  /** Every id that is up, this peer's included, ascending. Valid until the next `handle`. */
  upIds(): readonly PeerId[] {
    return this.#table.upIds();
  }

  /** Within so long this peer says again that it is there. */
  get refreshMs(): Millis {
    const { refreshMinMs, refreshPerPeerMs, refreshMaxMs } = this.#config;
    return Math.min(refreshMaxMs, Math.max(refreshMinMs, this.size * refreshPerPeerMs));
  }

  /** Accusations made aloud, and those not made, because too many waited for their moment. */
  get accusations(): Doubts['stats'] {
    return this.#doubts.stats;
  }

  /** Dials that asked whether a member is there: made, and dropped because too many were under way. */
  get checks(): { readonly made: number; readonly dropped: number } {
    return this.#doubts.checks;
  }

  /** Counters of the digest repair. */
  get repairStats(): Readonly<Repair['stats']> {
    return this.#repair.stats;
  }

  /** Tombstones that had to go before their time, because there were too many. */
  get tombstonesEvicted(): number {
    return this.#table.tombstonesEvicted;
  }

  handle(now: Millis, input: Input<DirectoryMessage, DirectoryCommand>, out: Out): void {
    if (this.#hasLeft) return;
    this.#renewSelf(now);
    if (this.#roundAt === never) this.#armRound(now);
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkUp':
        this.#doubts.linkUp(now, input.peer.id, out);
        this.#repair.linkUp(input.peer);
        break;
      case 'linkDown':
        this.#doubts.linkDown(now, input.peer, input.reason, out);
        if (!isFailedDial(input.reason)) this.#repair.linkDown(now, input.peer, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        break;
      default:
        unreachable(input);
    }
    this.#onTime(now, out);
  }

  nextDeadline(): Millis {
    if (this.#hasLeft) return never;
    return Math.min(this.#announceAt, this.#roundAt, this.#doubts.nextDeadline(), this.#repair.next());
  }

  #onMessage(now: Millis, from: PeerId, message: DirectoryMessage, out: Out): void {
    switch (message.kind) {
      case 'directoryDigest':
        this.#report(from, this.#repair.onDigest(now, from, message, out), out);
        return;
      case 'directoryRecords':
        this.#report(from, this.#repair.onRecords(now, from, message, out), out);
        return;
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: DirectoryCommand, out: Out): void {
    switch (command.kind) {
      case 'neighborUp':
        this.#onNeighborUp(now, command.peer, out);
        return;
      case 'neighborDown':
        this.#onNeighborDown(now, command.peer, command.failed, out);
        return;
      case 'broadcast':
        this.#onBroadcast(now, command.from, command.message, out);
        return;
      case 'spoke':
        // Not instead of news: a first announcement or a refutation says more.
        if (!this.#hasNews && this.#announceAt !== never) this.#announceAt = now + this.refreshMs;
        return;
      case 'heard':
        this.#onHeard(now, command);
        return;
      case 'selfLate':
        this.#doubts.selfLate(now);
        return;
      case 'leave':
        out.emit({
          kind: 'broadcast',
          message: { kind: 'leave', id: this.#self.id, incarnation: this.#self.incarnation },
        });
        this.#hasLeft = true;
        return;
      default:
        unreachable(command);
    }
  }

  #onBroadcast(now: Millis, from: PeerId, message: DirectoryBroadcast, out: Out): void {
    switch (message.kind) {
      case 'announce':
        this.#onAnnounce(now, from, message.info, message.refreshMs, out);
        break;
      case 'leave':
        this.#onLeave(now, from, message.id, message.incarnation, out);
        break;
      case 'accuse':
        this.#onAccuse(now, from, message, out);
        break;
      default:
        unreachable(message);
    }
    const speaker = this.#table.up(from);
    if (speaker !== undefined) speaker.spokeAt = now;
  }

  #onNeighborUp(now: Millis, peer: PeerInfo, out: Out): void {
    if (peer.id === this.#self.id) return;
    if (this.#neighbors.size === 0) {
      const earliest = this.#announcedAt + this.#config.announceGapMs;
      const soon = now + this.#rng.float() * this.#config.announceDelayMs;
      this.#announceAt = Math.min(this.#announceAt, Math.max(soon, earliest));
      this.#hasNews = true;
      this.#doubts.askAgain(now);
    }
    this.#neighbors.set(peer.id, peer);
    this.#doubts.neighborUp(now, peer.id, out);
    const known = this.#table.get(peer.id);
    if (this.#isWellFormed(peer) && (known === undefined || known.info.incarnation < peer.incarnation)) {
      this.#welcome(now, peer, now + this.#lifeMs(this.refreshMs), out);
    }
    // Both ends see the link come up; one digest is enough to compare.
    if (this.#self.id < peer.id) this.#repair.sendDigest(now, peer.id, out);
  }

  #onNeighborDown(now: Millis, peer: PeerInfo, failed: boolean, out: Out): void {
    this.#neighbors.delete(peer.id);
    this.#repair.forget(now, peer.id, out);
    if (failed) this.#doubts.plan(now, peer.id);
    else this.#renew(now, peer.id);
  }

  /**
   * A link that holds is as good as an announcement. Without it, whom a newcomer met while it knew nobody would have the
   * three refreshes of a mesh of one to live, and longer than that to wait until it announces itself again.
   */
  #renew(now: Millis, neighbor: PeerId): void {
    const known = this.#table.up(neighbor);
    if (known !== undefined) this.#prolong(known, now + this.#lifeMs(this.refreshMs));
  }

  #prolong(member: Member, expiresAt: Millis): void {
    member.expiresAt = Math.max(member.expiresAt, expiresAt);
    this.#estimate?.add(member.idBits, member.expiresAt);
  }

  #onAnnounce(now: Millis, from: PeerId, info: PeerInfo, refreshMs: number, out: Out): void {
    if (info.id !== from || !this.#isWellFormed(info) || !(refreshMs >= 0)) {
      this.#report(from, 'announce', out);
      return;
    }
    if (info.id === this.#self.id) {
      // Another life under our id: raise ours above it, so that one truth remains.
      if (info.incarnation > this.#self.incarnation) this.#refute(now, info.incarnation, out);
      return;
    }
    const expiresAt = now + this.#lifeMs(Math.min(refreshMs, this.#config.refreshMaxMs));
    const known = this.#table.get(info.id);
    if (known === undefined || known.info.incarnation < info.incarnation) {
      this.#welcome(now, info, expiresAt, out);
    } else if (known.info.incarnation === info.incarnation && known.state === 'up') {
      this.#prolong(known, expiresAt);
      this.#learnVersion(known, info, out);
    }
  }

  /** Takes over what a member of whom we know otherwise runs: who told us first was too old to repeat it. True when that is news. */
  #learnVersion(known: Member, { version }: PeerInfo, out: Out): boolean {
    if (known.state !== 'up' || version === undefined || !isBetterVersion(version, known.info.version)) return false;
    const info = { ...known.info, version };
    this.#table.put(info, 'up', known.expiresAt);
    out.emit({ kind: 'memberChanged', info });
    return true;
  }

  /** As good as an announcement of who is known; who is not will be, by digest. */
  #onHeard(now: Millis, { id, incarnation, refreshMs }: Heard): void {
    if (id === this.#self.id || !(refreshMs >= 0)) return;
    const expiresAt = now + this.#lifeMs(Math.min(refreshMs, this.#config.refreshMaxMs));
    const known = this.#table.get(id);
    if (known === undefined) this.#estimate?.add(idHash(id), expiresAt);
    else if (known.state === 'up' && known.info.incarnation >= incarnation) {
      known.spokeAt = now;
      this.#prolong(known, expiresAt);
    }
  }

  #onLeave(now: Millis, from: PeerId, id: PeerId, incarnation: number, out: Out): void {
    if (id !== from || !this.#isIdentity(id, incarnation)) {
      this.#report(from, 'leave', out);
      return;
    }
    if (id === this.#self.id) {
      if (incarnation >= this.#self.incarnation) this.#refute(now, incarnation, out);
      return;
    }
    // Also of a peer that is not known: its announcement may still be on its way.
    const info = this.#table.get(id)?.info ?? { id, address: '', apiAddress: '', incarnation, zone: '', name: '' };
    this.#merge(now, from, { info: { ...info, incarnation }, state: 'left', ttlMs: this.#config.tombstoneMs }, out);
  }

  #onAccuse(now: Millis, from: PeerId, message: Accuse, out: Out): void {
    const { id, incarnation, accuser } = message;
    if (accuser !== from) {
      this.#report(from, 'accuse', out);
      return;
    }
    this.stats.accusationsHeard++;
    if (id !== this.#self.id) this.#doubts.suspect(now, id, incarnation, accuser, out);
    else if (incarnation === this.#self.incarnation) this.#refute(now, incarnation, out);
  }

  /** Says that we live, with an incarnation above what was claimed; in a while, for many may have to at once. */
  #refute(now: Millis, incarnation: number, out: Out): void {
    this.stats.refuted++;
    this.#self = { ...this.#self, incarnation: Math.max(incarnation, this.#self.incarnation) + 1 };
    this.#table.put(this.#self, 'up', never);
    this.#announceAt = Math.min(this.#announceAt, now + this.#rng.float() * this.#doubts.refuteSpreadMs());
    this.#hasNews = true;
    out.emit({ kind: 'incarnation', incarnation: this.#self.incarnation });
  }

  #announce(now: Millis, out: Out): void {
    this.#announceAt = never;
    if (this.#neighbors.size === 0) return; // the next first neighbour calls for it again
    const { refreshMs } = this;
    const kind = this.#hasNews ? 'broadcast' : 'refresh';
    this.#hasNews = false;
    this.#announcedAt = now;
    this.#announceAt = now + refreshMs * (0.8 + 0.2 * this.#rng.float()); // always within what is promised
    this.stats.announced++;
    out.emit({ kind, message: { kind: 'announce', info: this.#self, refreshMs } });
  }

  /** Our own record never expires here, but travels with a life like any other's: from now, three of our refreshes. */
  #renewSelf(now: Millis): void {
    const record = this.#table.up(this.#self.id);
    assert(record !== undefined, 'a peer is in its own directory');
    record.expiresAt = now + this.#lifeMs(this.refreshMs);
  }

  /** Takes a record that is not known or is of a higher incarnation into the table. */
  #welcome(now: Millis, info: PeerInfo, expiresAt: Millis, out: Out): boolean {
    const before = this.#table.get(info.id);
    const idBits = before?.idBits ?? idHash(info.id);
    if (!this.#table.put(info, 'up', expiresAt)) {
      this.stats.newcomersRefused++;
      this.#estimate ??= this.#newEstimate();
      this.#estimate.add(idBits, expiresAt);
      return false;
    }
    const member = this.#table.up(info.id);
    if (before?.state === 'up' && member !== undefined) member.refutedAt = now;
    if (before?.state === 'dead' && member !== undefined) {
      member.flaps = flapped(this.#config, before.flaps, now, info.incarnation - before.info.incarnation);
    }
    this.#estimate?.add(idBits, expiresAt);
    this.#doubts.clear(info.id);
    out.emit({ kind: 'memberUp', info });
    return true;
  }

  #merge(now: Millis, from: PeerId, record: MemberRecord, out: Out): boolean {
    const { info, state } = record;
    if (!this.#isWellFormed(info) || !(record.ttlMs >= 0)) {
      this.#report(from, 'record', out);
      return false;
    }
    if (info.id === this.#self.id) {
      const claimed = info.incarnation - this.#self.incarnation;
      const isFalse = state !== 'up' || isBetterVersion(info.version, this.#self.version);
      if (claimed > 0 || (claimed === 0 && isFalse)) this.#refute(now, info.incarnation, out);
      return false;
    }
    const known = this.#table.get(info.id);
    const newer = known === undefined ? 1 : info.incarnation - known.info.incarnation;
    const rank = known === undefined ? 1 : memberStates.indexOf(state) - memberStates.indexOf(known.state);
    if (newer < 0 || (newer === 0 && rank < 0)) return false;
    const ttlMax = this.#lifeMs(this.#config.refreshMaxMs);
    const expiresAt = now + Math.min(record.ttlMs, ttlMax);
    if (known !== undefined && newer === 0 && rank === 0) {
      known.expiresAt = Math.max(known.expiresAt, expiresAt);
      return this.#learnVersion(known, info, out);
    }
    if (known?.state === 'up' && state === 'dead') {
      // The life it is said to have lost is news, but a report of death is no promise: the record ends when it would have.
      const isNews = newer > 0 && this.#welcome(now, info, known.expiresAt, out);
      this.#doubts.doubt(now, from, info);
      return isNews;
    }
    // What is about to expire elsewhere must not begin again here.
    if (known === undefined && record.ttlMs < this.#config.recordTtlMinMs) return false;
    if (state === 'up') return this.#welcome(now, info, expiresAt, out);
    this.#bury(info, state, expiresAt, state, out);
    return true;
  }

  /** Puts a tombstone where a peer was. It lives at least as long as the record that it must not let back in. */
  #bury(info: PeerInfo, state: 'left' | 'dead', expiresAt: Millis, why: 'left' | 'dead' | 'expired', out: Out): void {
    const known = this.#table.up(info.id);
    this.#table.put(info, state, Math.max(expiresAt, known?.expiresAt ?? 0));
    this.#doubts.clear(info.id);
    this.#estimate?.delete(idHash(info.id));
    if (known !== undefined) this.#tellDown(known.info, why, out);
  }

  #tellDown(info: PeerInfo, why: 'left' | 'dead' | 'expired', out: Out): void {
    this.stats[why === 'dead' ? 'died' : why]++;
    out.emit({ kind: 'memberDown', info, state: why });
  }

  #onTime(now: Millis, out: Out): void {
    if (this.#hasLeft) return;
    if (now >= this.#announceAt) this.#announce(now, out);
    for (const { info, verdict } of this.#doubts.due(now, out)) this.#condemn(now, info, verdict, out);
    this.#repair.expire(now, out);
    this.#repair.spread(now, this.#neighbors.keys(), out);
    if (now >= this.#roundAt) this.#round(now, out);
  }

  /** Nobody refuted. */
  #condemn(now: Millis, info: PeerInfo, verdict: 'dead' | 'expired', out: Out): void {
    if (this.#neighbors.size > 0) {
      this.#bury(info, 'dead', now + this.#config.tombstoneMs, verdict, out);
      this.#doubts.spotCheck(now, out);
      return;
    }
    // Alone, the fault may be ours: forget it, but bring no tombstone of it along when we are back.
    this.#table.delete(info.id);
    this.#tellDown(info, verdict, out);
  }

  #round(now: Millis, out: Out): void {
    this.#armRound(now);
    for (const id of this.#neighbors.keys()) this.#renew(now, id);
    for (const info of this.#table.expire(now, this.#self.id)) {
      this.#doubts.clear(info.id);
      this.#tellDown(info, 'expired', out);
    }
    this.#estimate?.expire(now);
    // Only well below the bound: at it, every departure would make the count look exact again.
    if (this.#estimate !== null && this.size < this.#config.membersMax * 0.9) this.#estimate = null;
    const neighbor = this.#neighbors.pick(this.#rng);
    if (neighbor !== undefined) this.#repair.sendDigest(now, neighbor.id, out);
  }

  #armRound(now: Millis): void {
    this.#roundAt = now + this.#config.digestIntervalMs * (0.9 + 0.2 * this.#rng.float());
  }

  #newEstimate(): SizeEstimate {
    const estimate = new SizeEstimate(this.#config.estimateSampleMax);
    for (const member of this.#table.upMembers()) estimate.add(member.idBits, member.expiresAt);
    return estimate;
  }

  #lifeMs(refreshMs: Millis): Millis {
    return refreshMs * this.#config.missedRefreshes;
  }

  #isWellFormed(info: PeerInfo): boolean {
    const max = this.#config.textLengthMax;
    const texts = [info.address, info.apiAddress, info.zone, info.name, info.version ?? ''];
    return texts.every((text) => text.length <= max) && this.#isIdentity(info.id, info.incarnation);
  }

  #isIdentity(id: PeerId, incarnation: number): boolean {
    if (id === '' || id.length > this.#config.textLengthMax) return false;
    return Number.isSafeInteger(incarnation) && incarnation >= 0 && incarnation <= incarnationMax;
  }

  #report(peer: PeerId, rule: string | null, out: Out): void {
    if (rule === null) return;
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }
}
