import { type Input, type Millis, type PeerId, RecordingOutbox, Rng } from '@starling/kernel';
import { defaultSearchConfig, estimatedBytes, Search, type SearchConfig } from '../src/index.ts';
import type { Hit, SearchCommand, SearchEvent, SearchMessage } from '../src/messages.ts';

export type How = Partial<
  Pick<Extract<SearchCommand, { kind: 'start' }>, 'strategy' | 'budget' | 'terms' | 'text' | 'trace'>
>;
export type Finished = Extract<SearchEvent, { kind: 'finished' }>;
export type Traced = Extract<SearchEvent, { kind: 'trace' }>;

interface Node {
  readonly core: Search;
  readonly eager: Set<PeerId>;
  readonly lazy: Set<PeerId>;
  readonly documents: { readonly id: string; readonly score: number; readonly version?: number }[];
  isIndexBroken?: boolean;
  isHung: boolean;
  /** What it is asked waits for the test to answer. */
  isTakenOver: boolean;
}

interface Due {
  readonly at: Millis;
  readonly run: () => void;
}

/** Searches joined by links, in virtual time; links are FIFO. Every document matches `anything`; its score is its one term. */
export class SearchNetwork {
  readonly nodes = new Map<PeerId, Node>();
  readonly rng: Rng;
  readonly log: string[] = [];
  readonly sent = { query: 0, answer: 0, decline: 0, cancel: 0, seek: 0, found: 0, linkTerms: 0 };
  bytes = 0;
  readonly hits: Hit[] = [];
  readonly finished: Finished[] = [];
  readonly traces: Traced[] = [];
  /** What peers that were taken over are asked, and need not answer any more. */
  readonly asks: Extract<SearchEvent, { kind: 'ask' }>[] = [];
  readonly over: string[] = [];
  readonly allSent: SearchMessage[] = [];
  readonly #config: SearchConfig;
  readonly #latencyMs: Millis;
  readonly #linkFreeAt = new Map<string, Millis>();
  readonly #outbox = new RecordingOutbox<SearchMessage, SearchEvent>();
  #queue: Due[] = [];
  now: Millis = 0;

  constructor(ids: readonly PeerId[], seed = 1, config: Partial<SearchConfig> = {}, latencyMs = 5) {
    this.rng = new Rng(seed);
    this.#config = { ...defaultSearchConfig, ...config };
    this.#latencyMs = latencyMs;
    for (const [at, id] of ids.entries()) {
      const core = new Search({ config: this.#config, selfId: id, rng: new Rng(seed + at) });
      this.nodes.set(id, { core, eager: new Set(), lazy: new Set(), documents: [], isHung: false, isTakenOver: false });
      this.command(id, { kind: 'meshSize', peers: ids.length });
    }
  }

  node(id: PeerId): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no peer ${id}`);
    return node;
  }

  link(a: PeerId, b: PeerId, role: 'eager' | 'lazy'): void {
    if (a === b || this.isLinked(a, b)) return;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.node(from)[role].add(to);
      this.#tellLinks(from);
    }
  }

  /** A random tree over all peers, and lazy links beside it. */
  plant(lazyPerPeer: number): void {
    const ids = [...this.nodes.keys()];
    for (const [at, id] of ids.entries()) if (at > 0) this.link(id, ids[this.rng.below(at)] as PeerId, 'eager');
    for (const id of ids) {
      for (let n = 0; n < lazyPerPeer; n++) this.link(id, ids[this.rng.below(ids.length)] as PeerId, 'lazy');
    }
  }

  /** A random graph in which every peer has about so many links, all lazy. */
  entangle(linksPerPeer: number): void {
    const ids = [...this.nodes.keys()];
    for (const [at, id] of ids.entries()) if (at > 0) this.link(id, ids[at - 1] as PeerId, 'lazy');
    for (const id of ids) {
      while (this.node(id).lazy.size < linksPerPeer) this.link(id, ids[this.rng.below(ids.length)] as PeerId, 'lazy');
    }
  }

  /** Every peer tells its neighbours the terms of its documents, a term being a document's score. */
  tellTerms(): void {
    for (const id of this.nodes.keys()) {
      const { eager, lazy, documents } = this.node(id);
      for (const peer of [...eager, ...lazy]) this.command(id, { kind: 'neighborUp', peer });
      const fingerprints = Uint32Array.from(documents, ({ score }) => score).sort();
      this.command(id, { kind: 'ownTerms', fingerprints });
    }
    this.run(30_000);
  }

  /** Messages of queries so far. */
  get messages(): number {
    const { linkTerms: _linkTerms, ...queries } = this.sent;
    return Object.values(queries).reduce((sum, count) => sum + count, 0);
  }

  isLinked(a: PeerId, b: PeerId): boolean {
    const node = this.nodes.get(a);
    return node !== undefined && this.nodes.has(b) && (node.eager.has(b) || node.lazy.has(b));
  }

  kill(id: PeerId): void {
    const { eager, lazy } = this.node(id);
    this.nodes.delete(id);
    for (const other of [...eager, ...lazy]) {
      const node = this.nodes.get(other);
      if (node === undefined) continue;
      node.eager.delete(id);
      node.lazy.delete(id);
      this.handle(other, { kind: 'linkDown', peer: id, reason: 'lost' });
    }
  }

  /** Breaks a link; whoever it joined lives on. */
  cut(a: PeerId, b: PeerId): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.node(from).eager.delete(to);
      this.node(from).lazy.delete(to);
      this.handle(from, { kind: 'linkDown', peer: to, reason: 'lost' });
    }
  }

  command(id: PeerId, command: SearchCommand): void {
    this.handle(id, { kind: 'command', command });
  }

  /** The test answers for this peer's index. */
  takeOver(id: PeerId): void {
    this.node(id).isTakenOver = true;
  }

  start(at: PeerId, queryId: string, limit = 1_000, timeoutMs = 5_000, how: How = {}): void {
    this.command(at, { kind: 'start', queryId, text: 'anything', limit, timeoutMs, ...how });
  }

  /** Starts a query and runs until it is finished. */
  query(at: PeerId, queryId: string, limit = 1_000, timeoutMs = 5_000, how: How = {}): Finished {
    this.start(at, queryId, limit, timeoutMs, how);
    this.run(timeoutMs + 1_000);
    const finished = this.finished.at(-1);
    if (finished?.queryId !== queryId) throw new Error(`${queryId} did not finish`);
    return finished;
  }

  run(forMs: Millis): void {
    const end = this.now + forMs;
    for (;;) {
      const first = this.#queue[0];
      let tick = { id: '', at: Number.POSITIVE_INFINITY };
      for (const [id, node] of this.nodes) {
        const at = node.isHung ? Number.POSITIVE_INFINITY : node.core.nextDeadline();
        if (at < tick.at) tick = { id, at };
      }
      if (Math.min(first?.at ?? Number.POSITIVE_INFINITY, tick.at) > end) break;
      if (first !== undefined && first.at <= tick.at) {
        this.#queue.shift();
        this.now = Math.max(this.now, first.at);
        first.run();
      } else {
        this.now = Math.max(this.now, tick.at);
        this.handle(tick.id, { kind: 'tick' });
      }
    }
    this.now = end;
  }

  handle(id: PeerId, input: Input<SearchMessage, SearchCommand>): void {
    const node = this.nodes.get(id);
    if (node === undefined || node.isHung) return;
    node.core.handle(this.now, input, this.#outbox);
    for (const effect of this.#outbox.take()) {
      if (effect.kind === 'send') this.#send(id, effect.to, effect.message);
      else if (effect.kind === 'emit') this.#onEvent(id, effect.event);
    }
  }

  #onEvent(at: PeerId, event: SearchEvent): void {
    if (event.kind === 'ask' && this.node(at).isTakenOver) {
      this.asks.push(event);
    } else if (event.kind === 'ask') {
      const { documents, isIndexBroken: failed = false } = this.node(at);
      const matching = documents.filter(({ score }) => event.text === 'anything' || event.text === `${score}`);
      const hits = failed
        ? []
        : matching.map(({ id, score, version = 0 }) => ({ peer: at, documentId: id, version, score, document: '{}' }));
      const statistics = {
        documents: documents.length,
        words: 10 * documents.length,
        frequencies: [1, documents.length],
      };
      this.log.push(`${this.#time()} ${at} asks its index`);
      this.#later(this.now + 1, () =>
        this.command(at, { kind: 'localHits', queryId: event.queryId, hits, statistics, failed }),
      );
    } else if (event.kind === 'hits') {
      this.hits.push(...event.hits);
      this.log.push(`${this.#time()} ${at} shows ${event.hits.map(nameOf).join(' ')}`);
    } else if (event.kind === 'finished') {
      this.finished.push(event);
      const { asked, answered, messages, missing } = event.tally;
      const tally = `asked ${asked}, answered ${answered}, messages ${messages}, missing ${missing}`;
      this.log.push(`${this.#time()} ${at} ${event.reason}: ${tally}${event.complete ? ', complete' : ''}`);
    } else if (event.kind === 'protocolViolation') throw new Error(`${at}: ${event.rule}`);
    else if (event.kind === 'trace') this.traces.push(event);
    else this.over.push(event.queryId);
  }

  #send(from: PeerId, to: PeerId, message: SearchMessage): void {
    this.sent[message.kind]++;
    if (message.kind === 'linkTerms') this.bytes -= estimatedBytes(message);
    this.bytes += estimatedBytes(message);
    this.allSent.push(message);
    this.log.push(`${this.#time()} ${from} -> ${to} ${describe(message)}`);
    const line = `${from} ${to}`;
    const at = Math.max(this.now + this.#latencyMs * (1 + this.rng.float()), this.#linkFreeAt.get(line) ?? 0);
    this.#linkFreeAt.set(line, at);
    this.#later(at, () => {
      if (this.isLinked(to, from)) this.handle(to, { kind: 'message', from, message });
    });
  }

  #later(at: Millis, run: () => void): void {
    const before = this.#queue.findLastIndex((due) => due.at <= at);
    this.#queue.splice(before + 1, 0, { at, run });
  }

  #tellLinks(id: PeerId): void {
    const { eager, lazy } = this.node(id);
    this.command(id, { kind: 'links', tree: 0, eager: [...eager], lazy: [...lazy] });
  }

  #time(): string {
    return `${String(Math.round(this.now)).padStart(5)} ms`;
  }
}

function nameOf(hit: Hit): string {
  return `${hit.documentId}@${hit.peer}(${hit.score})`;
}

function describe(message: SearchMessage): string {
  switch (message.kind) {
    case 'query':
      return `query wave ${message.wave}, hop ${message.hops}, ${Math.round(message.timeoutMs)} ms left`;
    case 'answer': {
      const hits = message.hits.length === 0 ? 'no hits' : message.hits.map(nameOf).join(' ');
      const { done } = message;
      return `answer ${hits}${done === null ? '' : `; done, ${done.answered} of ${done.asked}, missing ${done.missing}`}`;
    }
    case 'seek': {
      const { strategy, round, steps, walkers, budget, resume } = message;
      return `${strategy} round ${round}${resume ? ' goes on' : ''}, ${walkers} for ${steps} more steps, may spend ${budget}`;
    }
    case 'found': {
      const hits = message.hits.length === 0 ? 'nothing' : message.hits.map(nameOf).join(' ');
      const { done } = message;
      if (done === null) return `found ${hits}`;
      if (done.declined) return 'declined';
      const lost = done.missing === 0 ? '' : `, missing ${done.missing}`;
      return `found ${hits}; spent ${done.messages}, ${done.walkers} may go on behind ${done.edges}${lost}`;
    }
    case 'decline':
    case 'cancel':
    case 'linkTerms':
      return message.kind;
  }
}

/** `count` ids: p00, p01 … */
export function idsOf(count: number): PeerId[] {
  return Array.from({ length: count }, (_, at) => `p${String(at).padStart(2, '0')}`);
}
