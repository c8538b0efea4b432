import { addCounts, isCount, type Millis, type PeerId } from '@starling/kernel';
import type { Span, SpanList, SpanState } from './messages.ts';

/**
 * What one peer notes of one wave, or one round of a seek, while a trace is asked for. Its own span comes first, then those of
 * the branches as they finish, each branch in its own order: so a list that is cut at its end never lacks the parent of a peer
 * that it has.
 */
export class Trace {
  readonly #self: PeerId;
  readonly #parent: PeerId | '';
  readonly #since: Millis;
  readonly #spansMax: number;
  /** When each branch was asked that has not ended. */
  readonly #askedAt = new Map<PeerId, Millis>();
  /** What those said so far that have not ended. */
  readonly #heard = new Map<PeerId, SpanList>();
  readonly #spans: Span[] = [];
  /** Who asked whom, of those: what a list may name once. */
  readonly #edges = new Set<string>();
  #cut = 0;
  #localMs: Millis = -1;
  #hits = 0;
  #declined = 0;

  constructor(self: PeerId, parent: PeerId | null, now: Millis, spansMax: number) {
    this.#self = self;
    this.#parent = parent ?? '';
    this.#since = now;
    this.#spansMax = spansMax;
  }

  asked(now: Millis, peer: PeerId): void {
    this.#askedAt.set(peer, now);
  }

  declined(peer: PeerId): void {
    this.#askedAt.delete(peer);
    this.#declined++;
  }

  local(now: Millis, hits: number, isLast: boolean): void {
    this.#hits += hits;
    if (isLast) this.#localMs = now - this.#since;
  }

  /** The branch is finished and told its way: the times that only this peer can know are added. */
  done(now: Millis, peer: PeerId, { spans, cut }: SpanList): void {
    const [first, ...below] = spans;
    const { askedAfterMs, roundTripMs } = this.#timesOf(now, peer);
    // Of an older peer, or one that does not say: that it answered is known all the same.
    const own = first ?? { ...unknown, peer, state: 'done' as const };
    this.#add({ ...own, peer, parent: this.#self, askedAfterMs, roundTripMs });
    for (const span of below) this.#add(span);
    this.#cut = addCounts(this.#cut, cut);
    this.#askedAt.delete(peer);
    this.#heard.delete(peer);
  }

  /** The branch is at work, and told how far it is. */
  heard(peer: PeerId, soFar: SpanList): void {
    this.#heard.set(peer, soFar);
  }

  /** The branch gave no last answer: what it said before is all that is known. */
  lost(now: Millis, peer: PeerId, state: 'missing' | 'broken' | 'stopped'): void {
    const { spans, cut } = this.#unfinished(now, peer, state);
    for (const span of spans) this.#add(span);
    this.#cut = addCounts(this.#cut, cut);
    this.#askedAt.delete(peer);
    this.#heard.delete(peer);
  }

  /** Nothing was asked of anybody. */
  get isIdle(): boolean {
    return this.#spans.length + this.#cut + this.#declined === 0;
  }

  /** All of it. `messages`: what the subtree cost. */
  list(now: Millis, state: SpanState, messages: number): SpanList {
    const own: Span = {
      peer: this.#self,
      parent: this.#parent,
      state,
      askedAfterMs: 0,
      roundTripMs: 0,
      elapsedMs: now - this.#since,
      localMs: this.#localMs,
      hits: this.#hits,
      messages,
      declined: this.#declined,
    };
    return { spans: [own, ...this.#spans], cut: this.#cut };
  }

  /** As it is while branches are at work: they, and this peer, are `stopped` should nothing more be heard. */
  soFar(now: Millis, messages: number): SpanList {
    const { spans, cut } = this.list(now, 'stopped', messages);
    const open = [...this.#askedAt.keys()].map((peer) => this.#unfinished(now, peer, 'stopped'));
    return cutTo(this.#spansMax, {
      spans: [...spans, ...open.flatMap((branch) => branch.spans)],
      cut: open.reduce((sum, branch) => addCounts(sum, branch.cut), cut),
    });
  }

  #unfinished(now: Millis, peer: PeerId, state: SpanState): SpanList {
    const { spans, cut } = this.#heard.get(peer) ?? { spans: [], cut: 0 };
    const [first, ...below] = spans;
    const own = { ...(first ?? { ...unknown, peer }), parent: this.#self, state, ...this.#timesOf(now, peer) };
    return { spans: [own, ...below], cut };
  }

  #add(span: Span): void {
    const edge = edgeOf(span);
    // One place is the peer's own. What a branch says of this peer, or of another branch, others would hold against us.
    if (this.#spans.length + 1 >= this.#spansMax || span.peer === this.#self || this.#edges.has(edge)) {
      this.#cut = addCounts(this.#cut, 1);
      return;
    }
    this.#edges.add(edge);
    this.#spans.push(span);
  }

  #timesOf(now: Millis, peer: PeerId): Pick<Span, 'askedAfterMs' | 'roundTripMs'> {
    const askedAt = this.#askedAt.get(peer) ?? now;
    return { askedAfterMs: askedAt - this.#since, roundTripMs: now - askedAt };
  }
}

/** No question lasts a day. */
const spanMsMax = 86_400_000;

const unknown = { elapsedMs: -1, localMs: -1, hits: 0, messages: 0, declined: 0 } as const;

/** The first `spansMax` of a list: a tree still. */
export function cutTo(spansMax: number, { spans, cut }: SpanList): SpanList {
  return { spans: spans.slice(0, spansMax), cut: addCounts(cut, Math.max(0, spans.length - spansMax)) };
}

/**
 * Whether a neighbour's list is one: bounded, of finite times and counts, and about a tree whose root is `peer`. Who never
 * answered may be in it several times, once under each who asked.
 */
export function isSpanList({ spans, cut }: SpanList, peer: PeerId, spansMax: number): boolean {
  if (spans.length > spansMax || !isCount(cut)) return false;
  const known = new Set<PeerId>();
  const edges = new Set<string>();
  for (const [at, span] of spans.entries()) {
    const edge = edgeOf(span);
    if (at === 0 ? span.peer !== peer : !known.has(span.parent)) return false;
    if (edges.has(edge) || (at > 0 && span.peer === peer) || !isSpan(span)) return false;
    edges.add(edge);
    known.add(span.peer);
  }
  return true;
}

function edgeOf({ parent, peer }: Span): string {
  return `${parent} ${peer}`;
}

function isSpan({ askedAfterMs, roundTripMs, elapsedMs, localMs, hits, messages, declined }: Span): boolean {
  const areTimes = [askedAfterMs, roundTripMs].every((ms) => ms >= 0 && ms <= spanMsMax);
  return (
    areTimes &&
    [elapsedMs, localMs].every((ms) => ms >= -1 && ms <= spanMsMax) &&
    [hits, messages, declined].every(isCount)
  );
}
