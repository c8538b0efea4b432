import {
  defaultSearchConfig,
  Search,
  type SearchCommand,
  type SearchConfig,
  type SearchEvent,
  type SearchMessage,
  type Strategy,
} from '@starling/core-search';
import type { Input, Millis, Outbox, PeerId, PeerInfo, Rng } from '@starling/kernel';
import { EventQueue, msFromTicks, ticksFromMs } from '../engine/event-queue.ts';
import { hashText, TraceHash } from '../engine/trace-hash.ts';
import type { Graph } from '../measure/graph.ts';

const eventKind = { message: 1, tick: 2, death: 3 } as const;
const notArmed = -1;

/** One look for what is over between two questions; and long walks have time for each of their hops. */
const briefMemory = { seenMs: 12_000, parkedSweepMs: 10_000, seekHopMarginMs: 2, seekHopShare: 0.002 };
/** After a question's time, until nobody remembers it. */
const forgottenAfterMs = 13_000;

interface Envelope {
  readonly from: number;
  readonly message: SearchMessage;
}

/** What digests cost. */
export interface Upkeep {
  readonly messages: number;
  readonly bytes: number;
}

export interface FieldQuestion {
  readonly origin: number;
  readonly strategy: Strategy;
  readonly term: number;
  readonly budget: number;
  readonly timeoutMs: Millis;
  /** Peers that die, and when, in ms from the start of the query. */
  readonly deaths?: readonly { readonly peer: number; readonly afterMs: Millis }[];
}

export interface FieldAnswer {
  readonly isFound: boolean;
  /** Links between the origin and the peer of the first hit, along the query's way. */
  readonly hops: number;
  /** When the first hit was shown, and when the query ended, in hops of one link each. */
  readonly firstAt: Millis;
  readonly endAt: Millis;
  /** What was sent in all, and how often a query went to a peer for the first time: what the papers count. */
  readonly messages: number;
  readonly steps: number;
  readonly missing: number;
  readonly isComplete: boolean;
  readonly violation: string | null;
}

/**
 * The product's search cores on a given overlay and nothing else: a link takes 1 ms, an index answers at once, and a peer has
 * terms rather than documents. Small enough that ten thousand are asked thousands of questions.
 */
export class SearchField implements Outbox<SearchMessage, SearchEvent> {
  readonly cores: Search[];
  events = 0;
  readonly #graph: Graph;
  readonly #terms: readonly Set<number>[];
  readonly #vertex: ReadonlyMap<PeerId, number>;
  readonly #queue = new EventQueue<number, Envelope>();
  readonly #armed: Int32Array;
  readonly #isDead: Uint8Array;
  readonly #depth: Int32Array;
  readonly #hash = new TraceHash();
  #current = 0;
  #asks: { readonly peer: number; readonly queryId: string; readonly text: string }[] = [];
  #messages = 0;
  #steps = 0;
  #digestMessages = 0;
  #first: { readonly hops: number; readonly at: Millis } | null = null;
  #finished: Extract<SearchEvent, { kind: 'finished' }> | null = null;
  #finishedAt: Millis = 0;
  #number = 0;

  constructor(graph: Graph, terms: readonly Set<number>[], rng: Rng, config: Partial<SearchConfig> = {}) {
    this.#graph = graph;
    this.#terms = terms;
    this.#vertex = new Map(graph.ids.map((id, at) => [id, at]));
    this.#armed = new Int32Array(graph.ids.length).fill(notArmed);
    this.#isDead = new Uint8Array(graph.ids.length);
    this.#depth = new Int32Array(graph.ids.length);
    const all = { ...defaultSearchConfig, ...briefMemory, ...config };
    this.cores = graph.ids.map((selfId) => new Search({ config: all, selfId, rng: rng.child() }));
    const tree = spanningTree(graph);
    for (const [peer, core] of this.cores.entries()) {
      const links = this.neighbors(peer).map((at) => graph.ids[at] as PeerId);
      const eager = links.filter((id) => isTreeLink(tree, peer, this.#vertex.get(id) as number));
      const lazy = links.filter((id) => !eager.includes(id));
      core.handle(0, { kind: 'command', command: { kind: 'links', tree: 0, eager, lazy } }, this);
      core.handle(0, { kind: 'command', command: { kind: 'meshSize', peers: graph.ids.length } }, this);
    }
  }

  get now(): Millis {
    return msFromTicks(this.#queue.now);
  }

  get traceHash(): string {
    return this.#hash.digest();
  }

  neighbors(peer: number): number[] {
    const { offsets, targets } = this.#graph;
    return Array.from(targets.subarray(offsets[peer], offsets[peer + 1])).filter((at) => this.#isDead[at] === 0);
  }

  isDead(peer: number): boolean {
    return this.#isDead[peer] === 1;
  }

  /** Lets every peer tell its neighbours what it has, until there is no more to tell. What that took. */
  tellTerms(): Upkeep {
    const before = this.#upkeep();
    for (let peer = 0; peer < this.cores.length; peer++) {
      for (const at of this.neighbors(peer)) {
        this.#command(peer, { kind: 'neighborUp', peer: this.#graph.ids[at] as PeerId });
      }
      this.#tellOwn(peer);
    }
    return this.#upkeepSince(before);
  }

  /** A peer gets more terms; what it takes until everybody who is to know does. */
  learn(peer: number, terms: readonly number[]): Upkeep {
    const before = this.#upkeep();
    for (const term of terms) this.#terms[peer]?.add(term);
    this.#tellOwn(peer);
    return this.#upkeepSince(before);
  }

  /** Peers die and their neighbours see it; nobody has told anybody else yet. */
  kill(peers: readonly number[]): void {
    for (const peer of peers) this.#die(peer);
  }

  query({ origin, strategy, term, budget, timeoutMs, deaths = [] }: FieldQuestion): FieldAnswer {
    const begun = this.now;
    this.#messages = 0;
    this.#steps = 0;
    this.#first = null;
    this.#finished = null;
    this.#depth[origin] = 0;
    const queryId = `q${this.#number++}`;
    for (const { peer, afterMs } of deaths) this.#queue.add(ticksFromMs(begun + afterMs), eventKind.death, peer, null);
    const question = { queryId, text: `${term}`, limit: 1, timeoutMs, strategy, budget, terms: [[term]] } as const;
    this.#command(origin, { kind: 'start', ...question });
    // Beyond the time for which anybody remembers it, so that the next question meets cores that know nothing.
    this.#run(begun + timeoutMs + forgottenAfterMs);
    const finished = this.#finished as Extract<SearchEvent, { kind: 'finished' }> | null;
    const first = this.#first as { readonly hops: number; readonly at: Millis } | null;
    const tally = finished?.tally;
    return {
      isFound: first !== null,
      hops: first?.hops ?? 0,
      firstAt: (first?.at ?? begun) - begun,
      endAt: this.#finishedAt - begun,
      messages: this.#messages,
      steps: this.#steps,
      missing: tally?.missing ?? 0,
      isComplete: finished?.complete === true,
      violation: violationOf(strategy, budget, this.#messages, finished),
    };
  }

  open(_peer: PeerInfo): void {}

  close(_peer: PeerId): void {}

  send(to: PeerId, message: SearchMessage): void {
    const at = this.#vertex.get(to) as number;
    if (message.kind === 'linkTerms') this.#digestMessages++;
    else {
      this.#messages++;
      if (message.kind === 'query' || (message.kind === 'seek' && !message.resume)) {
        this.#steps++;
        if (this.#isDead[at] === 0 && !this.#knows(at)) this.#depth[at] = message.hops;
      }
    }
    const tick = this.#queue.now + ticksFromMs(1);
    this.#queue.add(tick, eventKind.message, at, { from: this.#current, message });
  }

  emit(event: SearchEvent): void {
    switch (event.kind) {
      case 'ask':
        this.#asks.push({ peer: this.#current, queryId: event.queryId, text: event.text });
        break;
      case 'hits': {
        const [hit] = event.hits;
        if (hit === undefined || this.#first !== null) break;
        this.#first = { hops: this.#depth[this.#vertex.get(hit.peer) as number] as number, at: this.now };
        break;
      }
      case 'finished':
        this.#finished = event;
        this.#finishedAt = this.now;
        break;
      case 'protocolViolation':
        throw new Error(`${event.peer}: ${event.rule}`);
    }
  }

  /** Whether a peer works on anything: the first that comes decides how far it is from the origin. */
  #knows(peer: number): boolean {
    const core = this.cores[peer] as Search;
    return core.activeCount + core.parkedCount > 0;
  }

  #tellOwn(peer: number): void {
    const fingerprints = Uint32Array.from(this.#terms[peer] ?? []).sort();
    this.#command(peer, { kind: 'ownTerms', fingerprints });
  }

  #upkeep(): Upkeep {
    const bytes = this.cores.reduce((sum, { digestStats }) => sum + digestStats.bytesSent, 0);
    return { messages: this.#digestMessages, bytes };
  }

  /** Waits until there is no more to tell. */
  #upkeepSince(before: Upkeep): Upkeep {
    this.#run(this.now + 60_000);
    const after = this.#upkeep();
    return { messages: after.messages - before.messages, bytes: after.bytes - before.bytes };
  }

  #run(until: Millis): void {
    const queue = this.#queue;
    const untilTick = ticksFromMs(until);
    while (queue.take(untilTick)) {
      const peer = queue.subject as number;
      this.events++;
      this.#hash.add(queue.now);
      this.#hash.add((peer << 2) | queue.kind);
      if (queue.kind === eventKind.death) this.#die(peer);
      else if (queue.kind === eventKind.tick) this.#onTick(peer);
      else this.#onMessage(peer, queue.payload as Envelope);
    }
  }

  #onMessage(peer: number, { from, message }: Envelope): void {
    if (this.#isDead[peer] === 1 || this.#isDead[from] === 1) return;
    this.#hash.add(hashText(message.kind));
    this.#handle(peer, { kind: 'message', from: this.#graph.ids[from] as PeerId, message });
  }

  #onTick(peer: number): void {
    if (this.#armed[peer] !== this.#queue.now) return;
    this.#armed[peer] = notArmed;
    if (this.#isDead[peer] === 0) this.#handle(peer, { kind: 'tick' });
  }

  #die(peer: number): void {
    if (this.#isDead[peer] === 1) return;
    const id = this.#graph.ids[peer] as PeerId;
    const bereaved = this.neighbors(peer);
    this.#isDead[peer] = 1;
    for (const at of bereaved) this.#handle(at, { kind: 'linkDown', peer: id, reason: 'lost' });
  }

  #command(peer: number, command: SearchCommand): void {
    if (this.#isDead[peer] === 0) this.#handle(peer, { kind: 'command', command });
  }

  #handle(peer: number, input: Input<SearchMessage, SearchCommand>): void {
    this.#current = peer;
    const core = this.cores[peer] as Search;
    core.handle(this.now, input, this);
    while (this.#asks.length > 0) {
      const asks = this.#asks;
      this.#asks = [];
      for (const { queryId, text } of asks) {
        const isHere = this.#terms[peer]?.has(Number(text)) === true;
        const id = this.#graph.ids[peer] as PeerId;
        const hits = isHere ? [{ peer: id, documentId: 'd', score: 1, document: '{}' }] : [];
        core.handle(this.now, { kind: 'command', command: { kind: 'localHits', queryId, hits } }, this);
      }
    }
    this.#arm(peer, core.nextDeadline());
  }

  #arm(peer: number, deadline: Millis): void {
    if (deadline === Number.POSITIVE_INFINITY) return;
    const tick = Math.max(this.#queue.now, ticksFromMs(deadline));
    const armed = this.#armed[peer] as number;
    if (armed !== notArmed && armed <= tick) return;
    this.#armed[peer] = tick;
    this.#queue.add(tick, eventKind.tick, peer, null);
  }
}

function violationOf(
  strategy: Strategy,
  budget: number,
  messages: number,
  finished: Extract<SearchEvent, { kind: 'finished' }> | null,
): string | null {
  if (finished === null) return 'a query did not end';
  if (strategy === 'exhaustive') return null;
  const said = finished.tally.messages;
  if (said > budget || messages > said) return `${messages} messages were sent, ${said} said, ${budget} allowed`;
  return null;
}

/** Parents of a breadth-first tree from vertex 0: what a broadcast tree that formed in order of latency is. */
function spanningTree({ ids, offsets, targets }: Graph): Int32Array {
  const parents = new Int32Array(ids.length).fill(-1);
  const queue = [0];
  parents[0] = 0;
  for (const from of queue) {
    for (let i = offsets[from] as number; i < (offsets[from + 1] as number); i++) {
      const to = targets[i] as number;
      if (parents[to] !== -1) continue;
      parents[to] = from;
      queue.push(to);
    }
  }
  return parents;
}

function isTreeLink(parents: Int32Array, a: number, b: number): boolean {
  return (parents[a] === b && a !== 0) || (parents[b] === a && b !== 0);
}
