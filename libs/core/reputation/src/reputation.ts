import { type Input, type Millis, type Outbox, type PeerId, type ProtocolCore, unreachable } from '@starling/kernel';
import { assertReputationConfig, type ReputationConfig } from './config.ts';
import type { Deed, ReputationCommand, ReputationEvent } from './messages.ts';
import { Record } from './record.ts';

type Out = Outbox<never, ReputationEvent>;

const never = Number.POSITIVE_INFINITY;

/**
 * What this peer thinks of others, from what it saw itself. It says nothing to anybody: a score that travels is a way to
 * slander. Whom to drop, whom to ban for a while and whom not to name are its decisions; the layer above carries them out.
 */
export class Reputation implements ProtocolCore<never, ReputationCommand, ReputationEvent> {
  readonly #config: ReputationConfig;
  /** In the order of the last deed: the first was quiet longest. */
  readonly #records = new Map<PeerId, Record>();
  /** Whose ban ends next is found by looking: bans are few. */
  readonly #banned = new Set<PeerId>();
  readonly stats = { dropped: 0, banned: 0, forgotten: 0 };

  constructor(config: ReputationConfig) {
    assertReputationConfig(config);
    this.#config = config;
  }

  handle(now: Millis, input: Input<never, ReputationCommand>, out: Out): void {
    switch (input.kind) {
      case 'command':
        this.#onCommand(now, input.command, out);
        return;
      case 'tick':
        this.#endBans(now, out);
        return;
      case 'message':
      case 'linkUp':
      case 'linkDown':
        return;
      default:
        unreachable(input);
    }
  }

  /** The end of the next ban. */
  nextDeadline(): Millis {
    let next = never;
    for (const peer of this.#banned) next = Math.min(next, this.#records.get(peer)?.bannedUntil ?? never);
    return next;
  }

  isBanned(now: Millis, peer: PeerId): boolean {
    if (!this.#banned.has(peer)) return false;
    return (this.#records.get(peer)?.bannedUntil ?? 0) > now;
  }

  /** May this peer be named to others? */
  isOffered(now: Millis, peer: PeerId): boolean {
    const record = this.#records.get(peer);
    return record === undefined || (!this.isBanned(now, peer) && record.score(now) >= this.#config.offerBelow);
  }

  /** 0 for a stranger. */
  scoreOf(now: Millis, peer: PeerId): number {
    return this.#records.get(peer)?.score(now) ?? 0;
  }

  /** Everybody who is banned now, and until when. */
  bans(now: Millis): { readonly peer: PeerId; readonly until: Millis }[] {
    const bans = [...this.#banned].map((peer) => ({ peer, until: this.#records.get(peer)?.bannedUntil ?? 0 }));
    return bans.filter(({ until }) => until > now);
  }

  #onCommand(now: Millis, command: ReputationCommand, out: Out): void {
    switch (command.kind) {
      case 'observed':
        if (command.times > 0 && Number.isFinite(command.times))
          this.#onDeed(now, command.peer, command.deed, command.times, out);
        return;
      case 'ban':
        if (!(command.forMs > 0)) return;
        this.#ban(now, command.peer, this.#recordOf(now, command.peer), command.forMs, 'operator', out);
        return;
      case 'pardon':
        this.#pardon(command.peer, out);
        return;
      default:
        unreachable(command);
    }
  }

  #onDeed(now: Millis, peer: PeerId, deed: Deed, times: number, out: Out): void {
    const record = this.#recordOf(now, peer);
    record.add(now, deed, times);
    if (deed === 'firstDelivery' || this.isBanned(now, peer)) return;
    const score = record.score(now);
    if (score < this.#config.banBelow) {
      const { banMinMs, banMaxMs } = this.#config;
      this.#ban(now, peer, record, Math.min(banMaxMs, Math.max(banMinMs, record.lastBanMs * 2)), record.worst(), out);
      return;
    }
    if (score >= this.#config.dropBelow) {
      record.isDropped = false;
      return;
    }
    // Said once on the way down: should it be linked with again, what it did is still known, and the ban is near.
    if (record.isDropped) return;
    record.isDropped = true;
    this.stats.dropped++;
    out.emit({ kind: 'dropped', peer, reason: record.worst() });
  }

  #ban(now: Millis, peer: PeerId, record: Record, forMs: Millis, reason: Deed | 'operator', out: Out): void {
    record.bannedUntil = Math.max(record.bannedUntil, now + forMs);
    record.lastBanMs = Math.min(this.#config.banMaxMs, forMs);
    this.#banned.add(peer);
    this.stats.banned++;
    // What it did is punished; after the ban it begins anew, but the next ban is longer.
    record.forgive();
    if (reason !== 'firstDelivery') out.emit({ kind: 'banned', peer, reason, until: record.bannedUntil });
  }

  #pardon(peer: PeerId, out: Out): void {
    const record = this.#records.get(peer);
    record?.forgive();
    if (!this.#banned.delete(peer)) return;
    if (record !== undefined) record.bannedUntil = 0;
    out.emit({ kind: 'pardoned', peer });
  }

  #endBans(now: Millis, out: Out): void {
    for (const peer of [...this.#banned]) {
      if ((this.#records.get(peer)?.bannedUntil ?? 0) > now) continue;
      this.#banned.delete(peer);
      out.emit({ kind: 'pardoned', peer });
    }
  }

  #recordOf(now: Millis, peer: PeerId): Record {
    const known = this.#records.get(peer);
    if (known !== undefined) {
      // To the end of the order.
      this.#records.delete(peer);
      this.#records.set(peer, known);
      return known;
    }
    if (this.#records.size >= this.#config.recordsMax) this.#makeRoom(now);
    const record = new Record(this.#config, now);
    this.#records.set(peer, record);
    return record;
  }

  /** A blank record goes, else the oldest that is no ban, else the ban that ends first. */
  #makeRoom(now: Millis): void {
    this.stats.forgotten++;
    let victim: PeerId | undefined;
    let soonest: PeerId | undefined;
    for (const [peer, record] of this.#records) {
      if (record.isBlank(now)) {
        this.#records.delete(peer);
        return;
      }
      if (!this.#banned.has(peer)) victim ??= peer;
      else if (soonest === undefined || record.bannedUntil < (this.#records.get(soonest)?.bannedUntil ?? 0))
        soonest = peer;
    }
    const gone = victim ?? soonest;
    if (gone === undefined) return;
    this.#banned.delete(gone);
    this.#records.delete(gone);
  }
}
