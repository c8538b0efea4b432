import {
  DeadlineQueue,
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  unreachable,
} from '@starling/kernel';
import { addStatistics, noStatistics, type TermStatistics } from '@starling/query';
import type { HolderSearchConfig } from './holder-config.ts';
import type { HolderCommand, HolderCost, HolderEvent, HolderMessage, RankedHit } from './holder-messages.ts';
import { type HolderState, HolderTrace } from './holder-trace.ts';

type Out<H extends RankedHit> = Outbox<HolderMessage<H>, HolderEvent<H>>;
type Start<H extends RankedHit> = Extract<HolderCommand<H>, { kind: 'start' }>;
type Query<H extends RankedHit> = Extract<HolderMessage<H>, { kind: 'holderQuery' }>;
type LocalHits<H extends RankedHit> = Extract<HolderCommand<H>, { kind: 'localHits' }>;
type Answer<H extends RankedHit> = Extract<HolderMessage<H>, { kind: 'holderAnswer' }>;
type Reason<H extends RankedHit> = Extract<HolderEvent<H>, { kind: 'finished' }>['reason'];

const never = Number.POSITIVE_INFINITY;
/** Of a message beside its texts: ids, numbers, the frame's share. (guess) */
const messageBytes = 40;
/** What local questions are called, so that whoever asks the index knows whose answer it is. */
const askPrefix = 'holder:';

/** Is this question to the local index one of a `HolderSearch`? */
export function isHolderAsk(queryId: string): boolean {
  return queryId.startsWith(askPrefix);
}

/** A question of this peer. */
class Own<H extends RankedHit> {
  readonly command: Start<H>;
  readonly flushAt: Millis;
  readonly deadline: Millis;
  /** Not asked yet, the last first. */
  readonly rest: PeerInfo[];
  /** Asked and not through, with what each may take. */
  readonly pending: DeadlineQueue<PeerId>;
  /** Of those pending, who has sent hits. */
  readonly fruitful = new Set<PeerId>();
  hits: H[] = [];
  hitsLeft: number;
  isFlushed = false;
  readonly trace: HolderTrace | null;
  readonly cost: { -readonly [K in keyof HolderCost]: HolderCost[K] } = {
    asked: 0,
    answered: 0,
    messages: 0,
    bytes: 0,
    missing: 0,
    empty: 0,
  };

  constructor(now: Millis, command: Start<H>, config: HolderSearchConfig) {
    this.command = command;
    this.deadline = now + command.timeoutMs;
    this.flushAt = now + config.flushMs;
    this.rest = [...command.holders].reverse();
    this.pending = new DeadlineQueue(command.timeoutMs * config.holderShare);
    this.hitsLeft = command.limit;
    this.trace = command.trace === true ? new HolderTrace(now, config.traceSpansMax) : null;
  }
}

/** A question of another peer, while the index looks. */
interface Served {
  readonly from: PeerId;
  readonly queryId: string;
  readonly limit: number;
  readonly deadline: Millis;
  /** When it came; null: nobody wants to know how long it took. */
  readonly since: Millis | null;
}

/**
 * Asks a known few: a question goes straight to each holder, over a link that is opened for it when there is none, and its
 * answer comes straight back. So many at once are waited for; who does not answer in time is counted as missing, never left
 * out in silence.
 */
export class HolderSearch<H extends RankedHit>
  implements ProtocolCore<HolderMessage<H>, HolderCommand<H>, HolderEvent<H>>
{
  readonly #config: HolderSearchConfig;
  readonly #selfId: PeerId;
  readonly #own = new Map<string, Own<H>>();
  readonly #served = new Map<string, Served>();
  /** How many questions wait for each peer. */
  readonly #linked = new Map<PeerId, number>();
  readonly stats = {
    started: 0,
    asked: 0,
    fruitful: 0,
    empty: 0,
    missing: 0,
    served: 0,
    refused: 0,
    shed: 0,
    late: 0,
    hitsDropped: 0,
    violations: 0,
  };

  constructor(config: HolderSearchConfig, selfId: PeerId) {
    this.#config = config;
    this.#selfId = selfId;
  }

  /** Questions being worked on, of this peer and of others. */
  get activeCount(): number {
    return this.#own.size + this.#served.size;
  }

  /** Is it a question that `start` began? */
  isOwn(queryId: string): boolean {
    return this.#own.has(queryId);
  }

  handle(now: Millis, input: Input<HolderMessage<H>, HolderCommand<H>>, out: Out<H>): void {
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkUp':
        break;
      case 'linkDown':
        this.#onLinkDown(now, input.peer, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        this.#onTick(now, out);
        break;
      default:
        unreachable(input);
    }
  }

  nextDeadline(): Millis {
    let next = never;
    for (const own of this.#own.values()) {
      next = Math.min(next, own.deadline, own.pending.next(), own.isFlushed ? never : own.flushAt);
    }
    for (const { deadline } of this.#served.values()) next = Math.min(next, deadline);
    return next;
  }

  #onMessage(now: Millis, from: PeerId, message: HolderMessage<H>, out: Out<H>): void {
    switch (message.kind) {
      case 'holderQuery':
        this.#onQuery(now, from, message, out);
        return;
      case 'holderAnswer':
        this.#onAnswer(now, from, message, out);
        return;
      case 'holderCancel':
        this.#served.delete(askName(from, message.queryId));
        return;
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: HolderCommand<H>, out: Out<H>): void {
    switch (command.kind) {
      case 'start':
        this.#onStart(now, command, out);
        return;
      case 'cancel':
        this.#finish(now, this.#own.get(command.queryId), 'cancelled', out);
        return;
      case 'localHits':
        this.#onLocalHits(now, command, out);
        return;
      default:
        unreachable(command);
    }
  }

  #onTick(now: Millis, out: Out<H>): void {
    for (const own of [...this.#own.values()]) {
      if (own.deadline <= now) {
        this.#finish(now, own, 'deadline', out);
        continue;
      }
      for (let peer = own.pending.expire(now); peer !== undefined; peer = own.pending.expire(now)) {
        own.cost.missing++;
        this.#cancel(now, own, peer, 'missing', out);
      }
      if (!own.isFlushed && own.flushAt <= now) {
        own.isFlushed = true;
        this.#flush(own, out);
      }
      this.#proceed(now, own, out);
    }
    for (const [name, { deadline }] of this.#served) if (deadline <= now) this.#served.delete(name);
  }

  #onStart(now: Millis, command: Start<H>, out: Out<H>): void {
    const own = new Own<H>(now, command, this.#config);
    if (this.#own.size >= this.#config.ownMax || this.#own.has(command.queryId)) {
      this.stats.shed++;
      out.emit({ kind: 'finished', queryId: command.queryId, cost: own.cost, complete: false, reason: 'overloaded' });
      return;
    }
    this.stats.started++;
    this.#own.set(command.queryId, own);
    this.#proceed(now, own, out);
  }

  /** Asks the next holders, as many as may be waited for; ends when there is none left. */
  #proceed(now: Millis, own: Own<H>, out: Out<H>): void {
    const { queryId, text, limit, statistics } = own.command;
    const known = statistics === undefined ? {} : { statistics };
    const traced = own.trace === null ? {} : { trace: true };
    while (own.pending.size < this.#config.parallelMax) {
      const peer = own.rest.pop();
      if (peer === undefined) break;
      own.cost.asked++;
      own.trace?.asked(now, peer.id, peer.id === this.#selfId ? 0 : 1);
      own.pending.arm(now, peer.id);
      this.stats.asked++;
      if (peer.id === this.#selfId) {
        out.emit({ kind: 'ask', queryId: askName(peer.id, queryId), text, limit, ...known });
        continue;
      }
      const before = this.#linked.get(peer.id) ?? 0;
      this.#linked.set(peer.id, before + 1);
      if (before === 0) out.open(peer);
      own.cost.messages++;
      own.cost.bytes += messageBytes + queryId.length + text.length;
      const timeoutMs = Math.max(1, Math.min(own.deadline - now, own.command.timeoutMs * this.#config.holderShare));
      out.send(peer.id, { kind: 'holderQuery', queryId, text, limit, timeoutMs, ...known, ...traced });
    }
    if (own.pending.size === 0) this.#finish(now, own, 'done', out);
  }

  #onAnswer(now: Millis, from: PeerId, message: Answer<H>, out: Out<H>): void {
    const own = this.#own.get(message.queryId);
    if (own === undefined || !own.pending.has(from)) {
      // Of a question that is over: too late, or never asked.
      this.stats.late++;
      return;
    }
    if (
      message.hits.length > own.command.limit ||
      !this.#areStatistics(message.statistics) ||
      !isTime(message.elapsedMs)
    ) {
      this.#violation(from, 'holder hits', out);
      own.cost.missing++;
      this.#through(now, own, from, 'broken', out);
      this.#proceed(now, own, out);
      return;
    }
    own.cost.messages++;
    own.trace?.heard(from, message.hits.length, 1);
    own.cost.bytes += messageBytes + message.queryId.length + charsOf(message.hits);
    this.#take(own, from, message.hits, out);
    if (!message.done) return;
    if (message.refused) own.cost.missing++;
    else this.#answered(own, from, message.statistics);
    this.#through(now, own, from, message.refused ? 'shed' : 'done', out, message.elapsedMs);
    this.#proceed(now, own, out);
  }

  #answered(own: Own<H>, peer: PeerId, statistics: TermStatistics | undefined): void {
    own.cost.answered++;
    if (statistics !== undefined) {
      own.cost.statistics = addStatistics(own.cost.statistics ?? noStatistics, statistics);
    }
    if (!own.fruitful.has(peer)) own.cost.empty++;
  }

  #take(own: Own<H>, from: PeerId, hits: readonly H[], out: Out<H>): void {
    const sound = hits.filter(({ score, document }) => {
      return Number.isFinite(score) && document.length <= this.#config.hitCharsMax;
    });
    this.stats.hitsDropped += hits.length - sound.length;
    if (sound.length > 0) own.fruitful.add(from);
    own.hits.push(...sound);
    const { limit } = own.command;
    if (own.hits.length > 2 * limit) own.hits = best(own.hits, limit);
    if (own.isFlushed) this.#flush(own, out);
  }

  /** A holder said its last word. */
  #through(now: Millis, own: Own<H>, peer: PeerId, state: HolderState, out: Out<H>, elapsedMs?: Millis): void {
    own.pending.cancel(peer);
    own.trace?.ended(now, peer, state, elapsedMs);
    own.fruitful.delete(peer);
    this.#release(peer, out);
  }

  #onQuery(now: Millis, from: PeerId, message: Query<H>, out: Out<H>): void {
    const { queryId, text, limit, timeoutMs } = message;
    const broken = this.#brokenRule(message);
    if (broken !== null) {
      this.#violation(from, broken, out);
      return;
    }
    const name = askName(from, queryId);
    if (this.#served.has(name)) return;
    if (this.#served.size >= this.#config.activeMax) {
      this.#refuse(from, queryId, out);
      return;
    }
    this.stats.served++;
    const wanted = Math.min(limit, this.#config.limitMax);
    const deadline = now + Math.min(timeoutMs, this.#config.timeoutMaxMs);
    const since = message.trace === true ? now : null;
    this.#served.set(name, { from, queryId, limit: wanted, deadline, since });
    const known = message.statistics === undefined ? {} : { statistics: message.statistics };
    out.emit({ kind: 'ask', queryId: name, text, limit: wanted, ...known });
  }

  #refuse(to: PeerId, queryId: string, out: Out<H>): void {
    this.stats.refused++;
    out.send(to, { kind: 'holderAnswer', queryId, hits: [], done: true, refused: true });
  }

  #onLocalHits(now: Millis, command: LocalHits<H>, out: Out<H>): void {
    const { queryId: name, hits, statistics, failed = false } = command;
    const served = this.#served.get(name);
    if (served !== undefined) {
      this.#served.delete(name);
      if (failed) this.#refuse(served.from, served.queryId, out);
      else this.#answer(now, served, hits, statistics, out);
      return;
    }
    const own = this.#own.get(name.slice(askName(this.#selfId, '').length));
    if (own === undefined || !own.pending.has(this.#selfId)) return;
    this.#take(own, this.#selfId, hits, out);
    own.trace?.heard(this.#selfId, hits.length, 0);
    if (failed) own.cost.missing++;
    else this.#answered(own, this.#selfId, statistics);
    this.#through(now, own, this.#selfId, failed ? 'shed' : 'done', out);
    this.#proceed(now, own, out);
  }

  #answer(
    now: Millis,
    { from, queryId, limit, since }: Served,
    hits: readonly H[],
    statistics: TermStatistics | undefined,
    out: Out<H>,
  ): void {
    const fitting = best(hits, limit).filter(({ document }) => document.length <= this.#config.hitCharsMax);
    this.stats.hitsDropped += Math.min(limit, hits.length) - fitting.length;
    let part: H[] = [];
    let chars = 0;
    for (const hit of fitting) {
      if (part.length > 0 && chars + hit.document.length > this.#config.answerCharsMax) {
        out.send(from, { kind: 'holderAnswer', queryId, hits: part, done: false, refused: false });
        part = [];
        chars = 0;
      }
      part.push(hit);
      chars += hit.document.length;
    }
    const told = { ...(statistics && { statistics }), ...(since !== null && { elapsedMs: now - since }) };
    out.send(from, { kind: 'holderAnswer', queryId, hits: part, done: true, refused: false, ...told });
  }

  #onLinkDown(now: Millis, peer: PeerId, out: Out<H>): void {
    this.#linked.delete(peer);
    for (const [name, served] of this.#served) if (served.from === peer) this.#served.delete(name);
    for (const own of [...this.#own.values()]) {
      if (!own.pending.cancel(peer)) continue;
      own.cost.missing++;
      own.fruitful.delete(peer);
      own.trace?.ended(now, peer, 'broken');
      this.#proceed(now, own, out);
    }
  }

  #finish(now: Millis, own: Own<H> | undefined, reason: Reason<H>, out: Out<H>): void {
    if (own === undefined) return;
    const { queryId } = own.command;
    this.#own.delete(queryId);
    for (const { id } of own.command.holders) {
      if (!own.pending.cancel(id)) continue;
      own.cost.missing++;
      this.#cancel(now, own, id, reason === 'cancelled' ? 'stopped' : 'missing', out);
    }
    own.cost.missing += own.rest.length;
    this.stats.empty += own.cost.empty;
    this.stats.fruitful += own.cost.answered - own.cost.empty;
    this.stats.missing += own.cost.missing;
    if (reason !== 'cancelled') this.#flush(own, out);
    if (own.trace !== null) out.emit({ kind: 'trace', queryId, way: own.trace.list(now) });
    const complete = reason === 'done' && own.cost.missing === 0;
    out.emit({ kind: 'finished', queryId, cost: { ...own.cost }, complete, reason });
  }

  #flush(own: Own<H>, out: Out<H>): void {
    const hits = best(own.hits, own.hitsLeft);
    own.hits = [];
    if (hits.length === 0) return;
    own.hitsLeft -= hits.length;
    out.emit({ kind: 'hits', queryId: own.command.queryId, hits });
  }

  #cancel(now: Millis, own: Own<H>, peer: PeerId, state: HolderState, out: Out<H>): void {
    own.fruitful.delete(peer);
    own.trace?.heard(peer, 0, peer === this.#selfId ? 0 : 1);
    own.trace?.ended(now, peer, state);
    if (peer === this.#selfId) return;
    own.cost.messages++;
    own.cost.bytes += messageBytes;
    out.send(peer, { kind: 'holderCancel', queryId: own.command.queryId });
    this.#release(peer, out);
  }

  #release(peer: PeerId, out: Out<H>): void {
    const count = this.#linked.get(peer);
    if (count === undefined) return;
    if (count > 1) this.#linked.set(peer, count - 1);
    else {
      this.#linked.delete(peer);
      out.close(peer);
    }
  }

  #brokenRule({ queryId, text, limit, timeoutMs, statistics }: Query<H>): string | null {
    if (queryId === '' || queryId.length > this.#config.queryIdCharsMax) return 'holder query id';
    if (text.length > this.#config.textCharsMax) return 'holder query text';
    if (!Number.isSafeInteger(limit) || limit < 1) return 'holder query limit';
    if (!(timeoutMs > 0)) return 'holder query timeout';
    if (!this.#areStatistics(statistics)) return 'holder query statistics';
    return null;
  }

  #areStatistics(statistics: TermStatistics | undefined): boolean {
    if (statistics === undefined) return true;
    const { documents, words, frequencies } = statistics;
    if (frequencies.length > this.#config.termsMax) return false;
    return [documents, words, ...frequencies].every((count) => Number.isSafeInteger(count) && count >= 0);
  }

  #violation(peer: PeerId, rule: string, out: Out<H>): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }
}

function askName(from: PeerId, queryId: string): string {
  return `${askPrefix}${from}:${queryId}`;
}

function best<H extends RankedHit>(hits: readonly H[], count: number): H[] {
  return [...hits].sort((a, b) => b.score - a.score).slice(0, count);
}

function charsOf(hits: readonly RankedHit[]): number {
  return hits.reduce((sum, { document }) => sum + document.length + messageBytes, 0);
}

function isTime(ms: Millis = 0): boolean {
  return Number.isFinite(ms) && ms >= 0;
}
