import {
  addCounts,
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type ProtocolCore,
  SeenWaves,
  unreachable,
  WorkLimit,
} from '@starling/kernel';
import { parsePeersQuery, soundRow } from '@starling/query';
import type { AggregateConfig } from './config.ts';
import { type Errand, Gathering } from './gathering.ts';
import type {
  AggregateCommand,
  AggregateEvent,
  AggregateMessage,
  AggregateReason,
  AggregateResult,
  AggregateTally,
  LostReason,
} from './messages.ts';
import { type Plan, planOf } from './plan.ts';
import { estimatedBytes } from './size.ts';
import { partialFault, tallyFault } from './sound.ts';

type Out = Outbox<AggregateMessage, AggregateEvent>;
type QueryMessage = Extract<AggregateMessage, { kind: 'aggregateQuery' }>;
type AnswerMessage = Extract<AggregateMessage, { kind: 'aggregateAnswer' }>;
type StartCommand = Extract<AggregateCommand, { kind: 'start' }>;

/** The wave that goes over every link. */
const secondWave = 1;
/** After this long some of the questions that are worked on have ended. A guess. */
const busyRetryMs = 1_000;
const nothing: AggregateTally = { answered: 0, missing: 0, messages: 0, bytes: 0, lost: [] };

/** What happened so far; `shed` and `late` count bounds that were reached. */
export interface AggregateStats {
  started: number;
  secondWaves: number;
  /** Questions of neighbours that were answered, for this peer and whom it asked. */
  answered: number;
  declined: number;
  shed: number;
  /** Answers that came when nobody waited for them any more. */
  late: number;
  lost: number;
  violations: number;
}

export interface AggregateOptions {
  readonly config: AggregateConfig;
  readonly selfId: PeerId;
  /** Bytes of a message on a link, for what a question says that it cost. Default: an estimate. */
  readonly sizeOf?: (message: AggregateMessage) => number;
}

/** What the origin remembers of its own question over its waves. */
interface Own {
  /** As the layer above calls it. */
  readonly name: string;
  readonly deadline: Millis;
  readonly messagesMax: number;
  messages: number;
  bytes: number;
  /** The wave that most answered. */
  best: Pick<AggregateResult, 'partial' | 'tally'>;
}

/**
 * Asks all peers about themselves. The question spreads along the broadcast tree; each peer merges the partial aggregates of those
 * whom it asked with its own row and sends one back (TAG: Madden, Franklin, Hellerstein, Hong, OSDI 2002 §3, over a tree that is
 * there anyway). Every peer answers each wave once, to the one who asked first, and a branch that breaks, is shed or is late is
 * counted as missing: so a peer counts once or not at all, and then that is said. If anybody is missing the origin asks once more
 * over all links, from the beginning: two waves are never added up.
 */
export class Aggregation implements ProtocolCore<AggregateMessage, AggregateCommand, AggregateEvent> {
  readonly #config: AggregateConfig;
  readonly #selfId: PeerId;
  readonly #active = new Map<string, Gathering>();
  readonly #own = new Map<string, Own>();
  readonly #seen: SeenWaves;
  readonly #neighborWork: WorkLimit;
  readonly #ownWork: WorkLimit;
  readonly #sizeOf: (message: AggregateMessage) => number;
  #tree = 0;
  #eager: readonly PeerId[] = [];
  #lazy: readonly PeerId[] = [];
  #meshSize = 1;
  readonly stats: AggregateStats = {
    started: 0,
    secondWaves: 0,
    answered: 0,
    declined: 0,
    shed: 0,
    late: 0,
    lost: 0,
    violations: 0,
  };

  constructor({ config, selfId, sizeOf = estimatedBytes }: AggregateOptions) {
    this.#config = config;
    this.#selfId = selfId;
    this.#sizeOf = sizeOf;
    this.#seen = new SeenWaves(config.seenMax, config.seenMs);
    this.#neighborWork = new WorkLimit(config.neighborPerSecondMax, config.countedNeighborsMax);
    this.#ownWork = new WorkLimit(config.ownPerSecondMax, 1);
  }

  /** Questions being worked on, own ones included. */
  get activeCount(): number {
    return this.#active.size;
  }

  /** Questions remembered after they ended. */
  get seenCount(): number {
    return this.#seen.size;
  }

  handle(now: Millis, input: Input<AggregateMessage, AggregateCommand>, out: Out): void {
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkDown':
        this.#onLinkDown(now, input.peer, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'linkUp':
      case 'tick':
        break;
      default:
        unreachable(input);
    }
    this.#onTime(now, out);
  }

  nextDeadline(): Millis {
    let next = this.#seen.next();
    for (const { deadline } of this.#active.values()) next = Math.min(next, deadline);
    return next;
  }

  #onMessage(now: Millis, from: PeerId, message: AggregateMessage, out: Out): void {
    switch (message.kind) {
      case 'aggregateQuery':
        this.#onQuery(now, from, message, out);
        return;
      case 'aggregateAnswer':
        this.#onAnswer(now, from, message, out);
        return;
      case 'aggregateDecline': {
        const gathering = this.#waiting(from, message);
        if (gathering === undefined) return;
        gathering.received(this.#sizeOf(message));
        gathering.declined(from);
        this.#finishIfDone(now, gathering, out);
        return;
      }
      case 'aggregateCancel': {
        const gathering = this.#active.get(message.queryId);
        if (gathering?.parent === from) this.#abandon(now, gathering, out);
        return;
      }
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: AggregateCommand, out: Out): void {
    switch (command.kind) {
      case 'start':
        this.#onStart(now, command, out);
        return;
      case 'cancel': {
        const gathering = this.#active.get(this.#wireId(command.queryId));
        if (gathering === undefined || gathering.parent !== null) return;
        this.#cancelBranches(gathering, out);
        this.#conclude(now, gathering, 'cancelled', out);
        return;
      }
      case 'row': {
        const gathering = this.#active.get(command.queryId);
        if (gathering === undefined) return;
        gathering.row(soundRow(command.row));
        this.#finishIfDone(now, gathering, out);
        return;
      }
      case 'links':
        this.#tree = command.tree;
        this.#eager = command.eager;
        this.#lazy = command.lazy;
        return;
      case 'meshSize':
        this.#meshSize = command.peers;
        return;
      default:
        unreachable(command);
    }
  }

  #onStart(now: Millis, { queryId: name, text, timeoutMs, messagesMax }: StartCommand, out: Out): void {
    this.stats.started++;
    const deadline = now + Math.min(timeoutMs, this.#config.timeoutMaxMs);
    const own: Own = {
      name,
      deadline,
      messagesMax,
      messages: 0,
      bytes: 0,
      best: { partial: null, tally: nothing },
    };
    const plan = planFor(text);
    const queryId = this.#wireId(name);
    // With an empty tree there is but one kind of link to ask over.
    const wave = this.#eager.length === 0 ? secondWave : 0;
    const messagesNeeded = this.#expectedCost(wave);
    if (messagesMax > 0 && messagesNeeded > messagesMax) {
      this.#tell(own, 'budget', out, { messagesNeeded });
      return;
    }
    const retryAfterMs = this.#ownWork.take(now, this.#selfId);
    if (retryAfterMs > 0 || this.#isBusy || plan === null || this.#own.has(queryId)) {
      this.stats.shed++;
      this.#tell(own, 'overloaded', out, { retryAfterMs: Math.max(retryAfterMs, busyRetryMs) });
      return;
    }
    this.#own.set(queryId, own);
    const share = wave === secondWave ? 1 : this.#config.firstWaveShare;
    const errand = { queryId, text, tree: this.#tree };
    this.#open(now, errand, plan, wave, null, now + (deadline - now) * share, 0, out);
  }

  #onQuery(now: Millis, from: PeerId, message: QueryMessage, out: Out): void {
    const { queryId, wave, text, timeoutMs, hops, tree } = message;
    const rule = this.#brokenRule(message);
    if (rule !== null) {
      this.#violation(from, rule, out);
      return;
    }
    const active = this.#active.get(queryId);
    const lastWave = active?.wave ?? this.#seen.waveOf(queryId);
    // Our own question from before a restart has nobody left to answer to.
    if (lastWave >= wave || queryId.startsWith(`${this.#selfId}/`)) {
      this.stats.declined++;
      out.send(from, { kind: 'aggregateDecline', queryId, wave });
      return;
    }
    if (active === undefined && (this.#neighborWork.take(now, from) > 0 || this.#isBusy)) {
      this.stats.shed++;
      this.#refuse(now, from, message, 'shed', out);
      return;
    }
    const plan = active?.plan ?? planFor(text);
    if (plan === null) {
      this.#refuse(now, from, message, 'unread', out);
      return;
    }
    const deadline = now + Math.min(timeoutMs, this.#config.timeoutMaxMs);
    this.#open(now, { queryId, text, tree }, plan, wave, from, deadline, hops, out);
  }

  /** Says that nothing is known of this peer and whom it would have asked, which also answers the wave. */
  #refuse(now: Millis, to: PeerId, { queryId, wave }: QueryMessage, reason: LostReason, out: Out): void {
    // Room for one more is not needed to be remembered: another asker is told the same.
    if (!this.#seen.isFull(this.#active.size)) this.#seen.add(now, queryId, wave);
    const tally = { ...nothing, missing: 1, lost: [{ peer: this.#selfId, reason }] };
    out.send(to, { kind: 'aggregateAnswer', queryId, wave, partial: null, tally });
  }

  #onAnswer(now: Millis, from: PeerId, message: AnswerMessage, out: Out): void {
    const gathering = this.#waiting(from, message);
    if (gathering === undefined) {
      this.stats.late++;
      return;
    }
    gathering.received(this.#sizeOf(message));
    const rule = this.#faultOf(gathering.plan, message);
    if (rule === null) gathering.answered(from, message.partial, message.tally);
    else {
      this.#violation(from, rule, out);
      this.#lose(gathering, from, 'unsound');
    }
    this.#finishIfDone(now, gathering, out);
  }

  #faultOf(plan: Plan, { partial, tally }: AnswerMessage): string | null {
    const peersMax = this.#config.claimFactor * this.#meshSize + this.#config.claimSlack;
    const fault = tallyFault(tally, peersMax, this.#config);
    if (fault !== null) return fault;
    if (partial === null) return tally.answered === 0 ? null : 'aggregate without its figures';
    return partialFault(plan, partial, tally.answered, this.#config);
  }

  #onLinkDown(now: Millis, peer: PeerId, out: Out): void {
    this.#eager = this.#eager.filter((id) => id !== peer);
    this.#lazy = this.#lazy.filter((id) => id !== peer);
    this.#neighborWork.forget(peer);
    for (const gathering of [...this.#active.values()]) {
      // Nobody is left to answer to; what is below us will be asked again by the next wave.
      if (gathering.parent === peer) this.#abandon(now, gathering, out);
      else if (gathering.pending.has(peer)) {
        this.#lose(gathering, peer, 'broken');
        this.#finishIfDone(now, gathering, out);
      }
    }
  }

  #onTime(now: Millis, out: Out): void {
    this.#seen.expire(now);
    for (const gathering of [...this.#active.values()]) {
      if (now < gathering.deadline) continue;
      this.stats.lost += gathering.pending.size;
      // They need not go on; what they say now is too late.
      this.#cancelBranches(gathering, out);
      gathering.giveUp(this.#selfId);
      this.#conclude(now, gathering, 'deadline', out);
    }
  }

  /** Begins a wave: from now on this peer answers for itself and for whom it asks. */
  #open(
    now: Millis,
    errand: Errand,
    plan: Plan,
    wave: number,
    parent: PeerId | null,
    deadline: Millis,
    hops: number,
    out: Out,
  ): void {
    const gathering = new Gathering(errand, plan, wave, parent, deadline, this.#config);
    this.#active.set(errand.queryId, gathering);
    const timeoutMs = this.#share(deadline - now);
    for (const peer of wave === 0 ? this.#eager : [...this.#eager, ...this.#lazy]) {
      if (peer === parent) continue;
      if (timeoutMs <= 0 || hops >= this.#config.hopsMax) {
        this.#lose(gathering, peer, 'late');
        continue;
      }
      const message = { kind: 'aggregateQuery', wave, ...errand, timeoutMs, hops: hops + 1 } as const;
      gathering.asked(peer, this.#sizeOf(message));
      out.send(peer, message);
    }
    out.emit({ kind: 'measure', queryId: errand.queryId });
  }

  /** How long those who are asked by this peer may take: what is left, less what it needs to answer. */
  #share(left: Millis): Millis {
    return left - Math.max(this.#config.hopMarginMs, left * this.#config.hopShare);
  }

  #waiting(from: PeerId, { queryId, wave }: { readonly queryId: string; readonly wave: number }) {
    const gathering = this.#active.get(queryId);
    return gathering?.wave === wave && gathering.pending.has(from) ? gathering : undefined;
  }

  #lose(gathering: Gathering, peer: PeerId, reason: LostReason): void {
    this.stats.lost++;
    gathering.lost(peer, reason);
  }

  #finishIfDone(now: Millis, gathering: Gathering, out: Out): void {
    if (!gathering.isFinished || this.#active.get(gathering.errand.queryId) !== gathering) return;
    this.#conclude(now, gathering, 'done', out);
  }

  /** Ends a wave: answers whoever asked, or judges whether to ask again. */
  #conclude(now: Millis, gathering: Gathering, reason: AggregateReason, out: Out): void {
    const { errand, plan, wave, parent, partial, tally } = gathering;
    const { queryId } = errand;
    this.#forget(now, gathering);
    if (parent !== null) {
      this.stats.answered++;
      out.send(parent, { kind: 'aggregateAnswer', queryId, wave, partial, tally });
      return;
    }
    const own = this.#own.get(queryId);
    if (own === undefined) return;
    own.messages = addCounts(own.messages, tally.messages);
    own.bytes = addCounts(own.bytes, tally.bytes, Number.MAX_SAFE_INTEGER);
    if (wave === 0 || tally.answered >= own.best.tally.answered) own.best = { partial, tally };
    if (reason !== 'cancelled' && wave < secondWave && this.#isWorthAnother(now, own, tally)) {
      this.stats.secondWaves++;
      this.#open(now, errand, plan, secondWave, null, own.deadline, 0, out);
      return;
    }
    this.#own.delete(queryId);
    this.#tell(own, reason, out, { waves: wave + 1 });
  }

  #isWorthAnother(now: Millis, own: Own, tally: AggregateTally): boolean {
    if (this.#isComplete(tally) || own.deadline - now < this.#config.secondWaveMinMs) return false;
    return own.messagesMax === 0 || own.messages + this.#expectedCost(secondWave) <= own.messagesMax;
  }

  /** A question and an answer for each peer but this; and, over all links, a question and an answer or decline for each end of each. */
  #expectedCost(wave: number): number {
    const others = Math.max(0, this.#meshSize - 1);
    if (wave === 0) return 2 * others;
    return 2 * this.#meshSize * Math.min(others, this.#eager.length + this.#lazy.length);
  }

  #isComplete({ answered, missing }: AggregateTally): boolean {
    return missing === 0 && answered >= this.#meshSize;
  }

  #tell({ name, messages, bytes, best }: Own, reason: AggregateReason, out: Out, more: Partial<AggregateResult>): void {
    const result: AggregateResult = {
      partial: best.partial,
      tally: { ...best.tally, messages, bytes },
      known: this.#meshSize,
      complete: best.partial !== null && this.#isComplete(best.tally),
      reason,
      waves: 0,
      messagesNeeded: 0,
      retryAfterMs: 0,
      ...more,
    };
    out.emit({ kind: 'finished', queryId: name, result });
  }

  /** Stops without an answer, and stops the branches. */
  #abandon(now: Millis, gathering: Gathering, out: Out): void {
    this.#cancelBranches(gathering, out);
    this.#forget(now, gathering);
  }

  #cancelBranches({ pending, errand: { queryId } }: Gathering, out: Out): void {
    for (const peer of pending) out.send(peer, { kind: 'aggregateCancel', queryId });
  }

  #forget(now: Millis, { errand: { queryId }, wave }: Gathering): void {
    this.#active.delete(queryId);
    this.#seen.add(now, queryId, wave);
  }

  get #isBusy(): boolean {
    return this.#active.size >= this.#config.activeMax || this.#seen.isFull(this.#active.size);
  }

  #violation(peer: PeerId, rule: string, out: Out): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }

  #brokenRule({ queryId, wave, timeoutMs, hops, tree }: QueryMessage): string | null {
    if (queryId === '' || queryId.length > this.#config.queryIdCharsMax) return 'aggregate query id';
    if (wave !== 0 && wave !== secondWave) return 'aggregate wave';
    if (!(timeoutMs > 0)) return 'aggregate timeout';
    if (!Number.isInteger(hops) || hops < 1 || hops > this.#config.hopsMax) return 'aggregate hops';
    if (!Number.isSafeInteger(tree) || tree < 0) return 'aggregate tree';
    return null;
  }

  /** The layer above numbers its own questions; on the wire they are unique in the whole mesh. */
  #wireId(name: string): string {
    return `${this.#selfId}/${name}`;
  }
}

/** Null: this version cannot read it. */
function planFor(text: string): Plan | null {
  const parsed = parsePeersQuery(text);
  return parsed.ok ? planOf(parsed.query) : null;
}
