import {
  type AggregateCommand,
  type AggregateEvent,
  type AggregateMessage,
  type AggregateResult,
  Aggregation,
  defaultAggregateConfig,
} from '@starling/core-aggregate';
import type { Input, Millis, Outbox, PeerId, PeerInfo } from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import { EventQueue, msFromTicks, ticksFromMs } from '../engine/event-queue.ts';
import { hashText, TraceHash } from '../engine/trace-hash.ts';
import type { Graph } from '../measure/graph.ts';
import { messageBytes } from '../measure/wire-bytes.ts';

const eventKind = { message: 1, tick: 2, death: 3 } as const;
const notArmed = -1;

interface Envelope {
  readonly from: number;
  readonly message: AggregateMessage;
}

export interface FieldDeath {
  readonly peer: number;
  /** From the start of the question. */
  readonly afterMs: Millis;
}

export interface FieldAnswer {
  readonly result: AggregateResult;
  readonly tookMs: Millis;
  readonly messages: number;
  readonly bytes: number;
  /** The largest message. */
  readonly bytesMost: number;
}

/**
 * The product's aggregation cores on a given overlay, along its breadth-first tree, and nothing else: a link takes 1 ms, a peer
 * knows its row at once, and nobody mends the tree. Small enough for ten thousand.
 */
export class AggregateField implements Outbox<AggregateMessage, AggregateEvent> {
  events = 0;
  readonly violations: string[] = [];
  readonly #cores: Aggregation[];
  readonly #graph: Graph;
  readonly #rows: readonly PeerRow[];
  readonly #vertex: ReadonlyMap<PeerId, number>;
  readonly #queue = new EventQueue<number, Envelope>();
  readonly #armed: Int32Array;
  readonly #isDead: Uint8Array;
  readonly #hash = new TraceHash();
  #current = 0;
  #measures: string[] = [];
  #messages = 0;
  #bytes = 0;
  #bytesMost = 0;
  #finished: AggregateResult | null = null;
  #finishedAt: Millis = 0;
  #number = 0;

  constructor(graph: Graph, rows: readonly PeerRow[]) {
    const { ids } = graph;
    this.#graph = graph;
    this.#rows = rows;
    this.#vertex = new Map(ids.map((id, at) => [id, at]));
    this.#armed = new Int32Array(ids.length).fill(notArmed);
    this.#isDead = new Uint8Array(ids.length);
    this.#cores = ids.map((selfId) => new Aggregation({ config: defaultAggregateConfig, selfId }));
    const parents = treeOf(graph);
    for (let peer = 0; peer < ids.length; peer++) {
      const links = this.#neighbors(peer);
      const isTree = (at: number): boolean => parents[at] === peer || parents[peer] === at;
      const idOf = (at: number): PeerId => ids[at] as PeerId;
      const [eager, lazy] = [links.filter(isTree).map(idOf), links.filter((at) => !isTree(at)).map(idOf)];
      this.#handle(peer, { kind: 'command', command: { kind: 'links', tree: 0, eager, lazy } });
      this.#handle(peer, { kind: 'command', command: { kind: 'meshSize', peers: ids.length } });
    }
  }

  get now(): Millis {
    return msFromTicks(this.#queue.now);
  }

  get traceHash(): string {
    return this.#hash.digest();
  }

  isDead(peer: number): boolean {
    return this.#isDead[peer] === 1;
  }

  /** Asks, and lets everybody forget the question, so that the next one meets cores that know nothing. */
  ask(origin: number, text: string, deaths: readonly FieldDeath[] = []): FieldAnswer {
    const begun = this.now;
    this.#messages = 0;
    this.#bytes = 0;
    this.#bytesMost = 0;
    this.#finished = null;
    for (const { peer, afterMs } of deaths) this.#queue.add(ticksFromMs(begun + afterMs), eventKind.death, peer, null);
    const start = { kind: 'start', queryId: `q${this.#number++}`, text, timeoutMs: 5_000, messagesMax: 0 } as const;
    this.#handle(origin, { kind: 'command', command: start });
    this.#run(begun + 60_000);
    const result = this.#finished as AggregateResult | null;
    if (result === null) throw new Error(`${text}: no answer`);
    return {
      result,
      tookMs: this.#finishedAt - begun,
      messages: this.#messages,
      bytes: this.#bytes,
      bytesMost: this.#bytesMost,
    };
  }

  open(_peer: PeerInfo): void {}

  close(_peer: PeerId): void {}

  send(to: PeerId, message: AggregateMessage): void {
    const bytes = messageBytes({ area: 'aggregate', message });
    this.#messages++;
    this.#bytes += bytes;
    this.#bytesMost = Math.max(this.#bytesMost, bytes);
    const at = this.#vertex.get(to) as number;
    this.#queue.add(this.#queue.now + ticksFromMs(1), eventKind.message, at, { from: this.#current, message });
  }

  emit(event: AggregateEvent): void {
    switch (event.kind) {
      case 'measure':
        this.#measures.push(event.queryId);
        break;
      case 'finished':
        this.#finished = event.result;
        this.#finishedAt = this.now;
        break;
      case 'protocolViolation':
        this.violations.push(`${event.peer}: ${event.rule}`);
        break;
    }
  }

  #neighbors(peer: number): number[] {
    const { offsets, targets } = this.#graph;
    return Array.from(targets.subarray(offsets[peer], offsets[peer + 1])).filter((at) => this.#isDead[at] === 0);
  }

  #run(until: Millis): void {
    const queue = this.#queue;
    while (queue.take(ticksFromMs(until))) {
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
    const bereaved = this.#neighbors(peer);
    this.#isDead[peer] = 1;
    const down = { kind: 'linkDown', peer: this.#graph.ids[peer] as PeerId, reason: 'lost' } as const;
    for (const at of bereaved) this.#handle(at, down);
  }

  #handle(peer: number, input: Input<AggregateMessage, AggregateCommand>): void {
    this.#current = peer;
    const core = this.#cores[peer] as Aggregation;
    core.handle(this.now, input, this);
    while (this.#measures.length > 0) {
      const queryId = this.#measures.pop() as string;
      const row = this.#rows[peer] ?? {};
      core.handle(this.now, { kind: 'command', command: { kind: 'row', queryId, row } }, this);
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

/** Parents of the breadth-first tree from vertex 0, −1 for the root: what a broadcast tree that formed in order of latency is. */
function treeOf({ ids, offsets, targets }: Graph): Int32Array {
  const parents = new Int32Array(ids.length).fill(-1);
  const queue = [0];
  for (const from of queue) {
    for (const to of targets.subarray(offsets[from], offsets[from + 1])) {
      if (to === 0 || parents[to] !== -1) continue;
      parents[to] = from;
      queue.push(to);
    }
  }
  return parents;
}
