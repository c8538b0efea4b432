import { type Input, type Millis, type Outbox, type PeerId, type ProtocolCore, unreachable } from '@starling/kernel';
import { BanTable, type HeldBan, isNewer, statementHash } from './ban-table.ts';
import { assertBansConfig, type BansConfig, listedMax } from './config.ts';
import type {
  Ban,
  BanReader,
  BanRefusal,
  BansCommand,
  BansEvent,
  BansMessage,
  ListedBan,
  SignedBan,
} from './messages.ts';

type Out = Outbox<BansMessage, BansEvent>;
type Taking = 'taken' | 'known' | BanRefusal;

const never = Number.POSITIVE_INFINITY;
const longAgo = Number.NEGATIVE_INFINITY;

/** What happened so far. */
export interface BansStats {
  /** Records that were news. */
  taken: number;
  evicted: number;
  readonly refused: { [reason in BanRefusal]: number };
}

/** What a link is owed. */
interface LinkState {
  /** When a digest was last answered with a list, and a list with records: both are many times what asks for them. */
  listedAt: Millis;
  answeredAt: Millis;
  /** It asked sooner than it may: it is offered to compare again then. */
  owedAt: Millis;
}

/**
 * Whom the mesh's operators ban. A record is signed by an operator's key, so it needs no trust in who brings it; a peer checks
 * each before it keeps it, acts on it and hands it on. So a forged one stops at its first receiver, which knows who made it up,
 * and no relay can hold a true one back as long as there is another way.
 *
 * News goes to all neighbours at once. What that misses (a late joiner, an island that comes back) is found by comparing digests
 * when two peers link and now and then, and what a comparison taught is offered on, hop by hop.
 *
 * State for each link is bounded by the transport; all else by `BansConfig`.
 */
export class Bans implements ProtocolCore<BansMessage, BansCommand, BansEvent> {
  readonly #config: BansConfig;
  readonly #reader: BanReader;
  readonly #table: BanTable;
  readonly #neighbors = new Set<PeerId>();
  readonly #links = new Map<PeerId, LinkState>();
  /** Subjects whose ban was told and is not over. */
  readonly #active = new Set<PeerId>();
  #digestAt: Millis = never;
  #next: Millis = never;
  readonly stats: BansStats = {
    taken: 0,
    evicted: 0,
    refused: { malformed: 0, forged: 0, unknownKey: 0, expired: 0, stale: 0, full: 0 },
  };

  constructor(config: BansConfig, reader: BanReader) {
    assertBansConfig(config);
    this.#config = config;
    this.#reader = reader;
    this.#table = new BanTable(config.recordsMax);
  }

  isBanned(now: Millis, peer: PeerId): boolean {
    return this.#active.size > 0 && (this.#table.get(peer)?.ban.bannedUntil ?? 0) > now;
  }

  /** The record that counts for a peer, also when it says that a ban was lifted. */
  about(peer: PeerId): Ban | undefined {
    return this.#table.get(peer)?.ban;
  }

  /** Every record held, also of bans that are over. */
  records(): { readonly ban: Ban; readonly record: SignedBan }[] {
    return [...this.#table.values()].map(({ ban, record }) => ({ ban, record }));
  }

  /** Bans in force. */
  get size(): number {
    return this.#active.size;
  }

  handle(now: Millis, input: Input<BansMessage, BansCommand>, out: Out): void {
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkUp':
        this.#links.set(input.peer.id, { listedAt: longAgo, answeredAt: longAgo, owedAt: never });
        break;
      case 'linkDown':
        this.#links.delete(input.peer);
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
    this.#next = this.#nextTime();
  }

  nextDeadline(): Millis {
    return this.#next;
  }

  #onMessage(now: Millis, from: PeerId, message: BansMessage, out: Out): void {
    switch (message.kind) {
      case 'bansDigest':
        if (message.hash !== this.#table.digest) this.#sendList(now, from, out);
        return;
      case 'bansList':
        this.#onList(now, from, message.bans, message.reply, out);
        return;
      case 'bansRecords':
        this.#onRecords(now, from, message.records, out);
        return;
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: BansCommand, out: Out): void {
    switch (command.kind) {
      case 'neighborUp':
        this.#neighbors.add(command.peer);
        this.#armDigest(now);
        // Who holds nothing has nothing to compare; if the other side does, it begins.
        if (this.#table.size > 0) out.send(command.peer, this.#digest());
        return;
      case 'neighborDown':
        this.#neighbors.delete(command.peer);
        return;
      case 'submit': {
        const { outcome, ban } = this.#take(now, null, command.record, out);
        if (outcome === 'taken') this.#handOn(null, [command.record], out);
        out.emit({ kind: 'submitted', requestId: command.requestId, outcome, ban });
        return;
      }
      case 'restore':
        for (const record of command.records) this.#take(now, null, record, out);
        return;
      case 'keysChanged':
        this.#forgetUnsigned(out);
        return;
      default:
        unreachable(command);
    }
  }

  #onList(now: Millis, from: PeerId, bans: readonly ListedBan[], isReply: boolean, out: Out): void {
    if (bans.length > listedMax) {
      this.#blame(from, 'list of bans too long', out);
      return;
    }
    const link = this.#links.get(from);
    if (link === undefined) return;
    if (now - link.answeredAt < this.#config.listGapMs) {
      link.owedAt = link.answeredAt + this.#config.listGapMs;
      return;
    }
    link.answeredAt = now;
    const theirs = new Map(bans.map((listed) => [listed.subject, listed]));
    const news: SignedBan[] = [];
    let isBehind = false;
    for (const { ban, hash, record } of this.#table.values()) {
      const listed = theirs.get(ban.subject);
      if (listed === undefined || isNewer({ number: ban.number, hash }, listed)) news.push(record);
    }
    for (const listed of bans) {
      const held = this.#table.get(listed.subject);
      if (held === undefined || isNewer(listed, { number: held.ban.number, hash: held.hash })) isBehind = true;
    }
    for (let at = 0; at < news.length; at += this.#config.pageRecordsMax) {
      out.send(from, { kind: 'bansRecords', records: news.slice(at, at + this.#config.pageRecordsMax) });
    }
    if (isBehind && !isReply) out.send(from, { kind: 'bansList', bans: this.#table.list(), reply: true });
  }

  #onRecords(now: Millis, from: PeerId, records: readonly SignedBan[], out: Out): void {
    if (records.length > this.#config.pageRecordsMax) {
      this.#blame(from, 'too many bans in one message', out);
      return;
    }
    const news: SignedBan[] = [];
    for (const record of records) {
      const { outcome } = this.#take(now, from, record, out);
      if (outcome === 'taken') news.push(record);
      // One is enough to know the neighbour by; checking the rest would be work that it makes us do.
      if (outcome === 'forged' || outcome === 'malformed') break;
    }
    if (news.length > 0) this.#handOn(from, news, out);
  }

  /** Keeps a record if it is news, and says what became of it. */
  #take(
    now: Millis,
    from: PeerId | null,
    record: SignedBan,
    out: Out,
  ): { readonly outcome: Taking; readonly ban: Ban | null } {
    const refuse = (reason: BanRefusal, ban: Ban | null, rule: string | null) => {
      this.stats.refused[reason]++;
      out.emit({ kind: 'refused', from, reason });
      if (from !== null && rule !== null) this.#blame(from, rule, out);
      return { outcome: reason, ban };
    };
    const ban = record.statement.length > this.#config.statementBytesMax ? null : this.#reader.parse(record);
    if (ban === null || !isWellFormed(ban)) return refuse('malformed', null, 'ban that cannot be read');
    const held = this.#table.get(ban.subject);
    const news: HeldBan = { ban, record, hash: statementHash(record.statement), heldSince: now };
    // Looking is cheap and a signature is not: what is no news is not checked.
    if (held !== undefined && held.hash === news.hash && held.ban.number === ban.number) {
      return { outcome: 'known', ban: held.ban };
    }
    if (
      held !== undefined &&
      !isNewer({ number: ban.number, hash: news.hash }, { number: held.ban.number, hash: held.hash })
    ) {
      const isReplay = now - held.heldSince > this.#config.raceMs;
      return refuse('stale', held.ban, isReplay ? 'ban that was replaced long ago' : null);
    }
    if (ban.expiresAt <= now) {
      const isReplay = ban.expiresAt + this.#config.skewMs <= now;
      return refuse('expired', held?.ban ?? null, isReplay ? 'ban that expired long ago' : null);
    }
    const signed = this.#reader.verify(record);
    // A peer that trusts other operators is configured differently, and means no harm.
    if (signed !== 'valid')
      return refuse(signed, held?.ban ?? null, signed === 'forged' ? 'ban that nobody signed' : null);
    const victim = this.#table.victimOf(news);
    if (victim === news) return refuse('full', null, null);
    if (victim !== null) {
      this.stats.evicted++;
      this.#drop(victim.ban.subject, out);
    }
    this.#table.put(news);
    this.stats.taken++;
    this.#armDigest(now);
    this.#apply(now, ban, out);
    out.emit({ kind: 'recordsChanged' });
    return { outcome: 'taken', ban };
  }

  #apply(now: Millis, ban: Ban, out: Out): void {
    if (ban.bannedUntil > now) {
      this.#active.add(ban.subject);
      out.emit({ kind: 'banned', ban });
    } else if (this.#active.delete(ban.subject)) {
      out.emit({ kind: 'lifted', subject: ban.subject });
    }
  }

  #drop(subject: PeerId, out: Out): void {
    this.#table.delete(subject);
    if (this.#active.delete(subject)) out.emit({ kind: 'lifted', subject });
  }

  #forgetUnsigned(out: Out): void {
    let isChanged = false;
    for (const { ban, record } of [...this.#table.values()]) {
      if (this.#reader.verify(record) === 'valid') continue;
      isChanged = true;
      this.#drop(ban.subject, out);
    }
    if (isChanged) out.emit({ kind: 'recordsChanged' });
  }

  /** To all neighbours but the one that it came from. */
  #handOn(from: PeerId | null, records: readonly SignedBan[], out: Out): void {
    const message = { kind: 'bansRecords', records } as const;
    for (const neighbor of this.#neighbors) if (neighbor !== from) out.send(neighbor, message);
  }

  #sendList(now: Millis, to: PeerId, out: Out): void {
    const link = this.#links.get(to);
    if (link === undefined) return;
    if (now - link.listedAt < this.#config.listGapMs) {
      link.owedAt = link.listedAt + this.#config.listGapMs;
      return;
    }
    link.listedAt = now;
    out.send(to, { kind: 'bansList', bans: this.#table.list(), reply: false });
  }

  #digest(): BansMessage {
    return { kind: 'bansDigest', hash: this.#table.digest };
  }

  #blame(peer: PeerId, rule: string, out: Out): void {
    out.emit({ kind: 'protocolViolation', peer, rule });
  }

  #onTime(now: Millis, out: Out): void {
    for (const [peer, link] of this.#links) {
      if (link.owedAt > now) continue;
      link.owedAt = never;
      out.send(peer, this.#digest());
    }
    let isChanged = false;
    for (const { ban } of [...this.#table.values()]) {
      if (this.#active.has(ban.subject) && ban.bannedUntil <= now) {
        this.#active.delete(ban.subject);
        out.emit({ kind: 'lifted', subject: ban.subject });
      }
      if (ban.expiresAt > now) continue;
      isChanged = true;
      this.#drop(ban.subject, out);
    }
    if (isChanged) out.emit({ kind: 'recordsChanged' });
    if (now < this.#digestAt) return;
    this.#digestAt = never;
    this.#armDigest(now);
    // One after the other: the first goes to the end.
    const [next] = this.#neighbors;
    if (next === undefined || this.#table.size === 0) return;
    this.#neighbors.delete(next);
    this.#neighbors.add(next);
    out.send(next, this.#digest());
  }

  #nextTime(): Millis {
    let next = this.#digestAt;
    for (const { ban } of this.#table.values()) {
      next = Math.min(next, ban.expiresAt);
      if (this.#active.has(ban.subject)) next = Math.min(next, ban.bannedUntil);
    }
    for (const { owedAt } of this.#links.values()) next = Math.min(next, owedAt);
    return next;
  }

  #armDigest(now: Millis): void {
    if (this.#table.size === 0 || this.#neighbors.size === 0) return;
    if (this.#digestAt === never) this.#digestAt = now + this.#config.digestIntervalMs;
  }
}

function isWellFormed({ subject, number, issuedAt, bannedUntil, expiresAt }: Ban): boolean {
  return (
    subject !== '' &&
    Number.isSafeInteger(number) &&
    number >= 1 &&
    issuedAt >= 0 &&
    bannedUntil >= 0 &&
    expiresAt >= bannedUntil
  );
}
