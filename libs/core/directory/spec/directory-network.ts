import { type Input, type Millis, type PeerId, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { Directory } from '../src/directory.ts';
import { type DirectoryConfig, defaultDirectoryConfig } from '../src/index.ts';
import type { DirectoryBroadcast, DirectoryCommand, DirectoryEvent, DirectoryMessage } from '../src/messages.ts';

/** A peer's info for tests; the incarnation tells its lives apart. */
export function infoOf(id: PeerId, incarnation = 1, version?: string): PeerInfo {
  const addresses = { address: `${id}:7400`, apiAddress: `${id}:7401` };
  return { id, ...addresses, incarnation, zone: '', name: id, ...(version !== undefined && { version }) };
}

/** What a peer reads that does not know of versions. */
function unversioned(message: DirectoryMessage): DirectoryMessage {
  if (message.kind === 'directoryDigest') return { ...message, versions: false };
  const records = message.records.map((record) => {
    const { version: _, ...info } = record.info;
    return { ...record, info };
  });
  return { ...message, records };
}

interface Node {
  info: PeerInfo;
  core: Directory;
  readonly neighbors: Set<PeerId>;
  /** Peers that a check of ours has a link with. */
  readonly dialled: Set<PeerId>;
}

interface Due {
  readonly at: Millis;
  readonly run: () => void;
}

/**
 * Directories joined by links, in virtual time. A broadcast reaches everybody that links lead to at that moment, each
 * after a delay of its own (so out of order) or, with `loss`, not at all; repair has to find what is missing.
 */
export class DirectoryNetwork {
  readonly nodes = new Map<PeerId, Node>();
  readonly downs: { readonly at: PeerId; readonly of: PeerId; readonly state: string; readonly time: Millis }[] = [];
  readonly rng: Rng;
  readonly #config: DirectoryConfig;
  readonly #outbox = new RecordingOutbox<DirectoryMessage, DirectoryEvent>();
  readonly #queue: Due[] = [];
  now: Millis = 0;
  /** Share of broadcast copies and of messages that are lost. */
  loss = 0;
  /** Broadcasts do not reach these. */
  readonly deaf = new Set<PeerId>();
  messages = 0;
  broadcasts = 0;
  dials = 0;

  constructor(seed: number, config: Partial<DirectoryConfig> = {}) {
    this.rng = new Rng(seed);
    this.#config = { ...defaultDirectoryConfig, ...config };
  }

  /** Without a version it is of the time before peers said theirs: it neither reads nor repeats those of others. */
  add(id: PeerId, incarnation = 1, version?: string): void {
    const info = infoOf(id, incarnation, version);
    const core = new Directory(this.#config, info, this.rng.child());
    this.nodes.set(id, { info, core, neighbors: new Set(), dialled: new Set() });
  }

  core(id: PeerId): Directory {
    return this.#node(id).core;
  }

  /** A ring with chords: connected, and still so when some links go. */
  weave(ids: readonly PeerId[]): void {
    for (const [at, id] of ids.entries()) {
      this.link(id, ids[(at + 1) % ids.length] as PeerId);
      this.link(id, ids[this.rng.below(ids.length)] as PeerId);
    }
  }

  link(a: PeerId, b: PeerId): void {
    if (a === b || this.#node(a).neighbors.has(b)) return;
    this.#node(a).neighbors.add(b);
    this.#node(b).neighbors.add(a);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#handle(from, { kind: 'linkUp', peer: this.core(to).self });
      this.command(from, { kind: 'neighborUp', peer: this.core(to).self });
    }
  }

  unlink(a: PeerId, b: PeerId, failed: boolean): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const node = this.nodes.get(from);
      if (!node?.neighbors.delete(to)) continue;
      const peer = this.nodes.get(to)?.core.self ?? infoOf(to);
      this.#handle(from, { kind: 'linkDown', peer: to, reason: failed ? 'lost' : 'closed' });
      this.command(from, { kind: 'neighborDown', peer, failed });
    }
  }

  /** Without a word: its neighbours' links break. */
  kill(id: PeerId): void {
    const { neighbors } = this.#node(id);
    this.nodes.delete(id);
    for (const neighbor of neighbors) this.unlink(neighbor, id, true);
  }

  leave(id: PeerId): void {
    this.command(id, { kind: 'leave' });
    const { neighbors } = this.#node(id);
    this.nodes.delete(id);
    for (const neighbor of neighbors) this.unlink(neighbor, id, false);
  }

  command(id: PeerId, command: DirectoryCommand): void {
    this.#handle(id, { kind: 'command', command });
  }

  /** As from a neighbour. */
  message(id: PeerId, from: PeerId, message: DirectoryMessage): void {
    this.#handle(id, { kind: 'message', from, message });
  }

  /** Lets virtual time pass. */
  run(forMs: Millis): void {
    const end = this.now + forMs;
    for (;;) {
      const first = this.#queue[0];
      const ticks = [...this.nodes].map(([id, node]) => ({ id, at: node.core.nextDeadline() }));
      const tick = ticks.reduce((a, b) => (b.at < a.at ? b : a), { id: '', at: Number.POSITIVE_INFINITY });
      if (Math.min(first?.at ?? Number.POSITIVE_INFINITY, tick.at) > end) break;
      if (first !== undefined && first.at <= tick.at) {
        this.#queue.shift();
        this.now = Math.max(this.now, first.at);
        first.run();
      } else {
        this.now = Math.max(this.now, tick.at);
        this.#handle(tick.id, { kind: 'tick' });
      }
    }
    this.now = end;
  }

  /** Do all directories list exactly these peers? */
  agreeOn(ids: readonly PeerId[]): boolean {
    const expected = [...ids].sort().join();
    return [...this.nodes.values()].every((node) => node.core.upIds().join() === expected);
  }

  #handle(id: PeerId, input: Input<DirectoryMessage, DirectoryCommand>): void {
    const node = this.nodes.get(id);
    if (node === undefined) return;
    node.core.handle(this.now, input, this.#outbox);
    for (const effect of this.#outbox.take()) {
      if (effect.kind === 'send') this.#send(id, effect.to, effect.message);
      else if (effect.kind === 'emit') this.#onEvent(id, effect.event);
      else if (effect.kind === 'open') this.#dial(id, effect.peer);
      else this.nodes.get(id)?.dialled.delete(effect.peer);
    }
  }

  /** Who is dead refuses. */
  #dial(from: PeerId, peer: PeerInfo): void {
    this.dials++;
    this.#later(() => {
      const node = this.nodes.get(from);
      if (this.nodes.has(peer.id)) {
        node?.dialled.add(peer.id);
        this.#handle(from, { kind: 'linkUp', peer });
      } else this.#handle(from, { kind: 'linkDown', peer: peer.id, reason: 'refused' });
    });
  }

  #onEvent(at: PeerId, event: DirectoryEvent): void {
    if (event.kind === 'broadcast' || event.kind === 'refresh') this.#broadcast(at, event.message);
    else if (event.kind === 'memberDown') {
      this.downs.push({ at, of: event.info.id, state: event.state, time: this.now });
    } else if (event.kind === 'protocolViolation') throw new Error(`${at}: ${event.rule}`);
  }

  #send(from: PeerId, to: PeerId, message: DirectoryMessage): void {
    const isDialled = this.#node(from).dialled.has(to);
    if (!(isDialled || this.#node(from).neighbors.has(to)) || this.rng.float() < this.loss) return;
    this.messages++;
    this.#later(() => {
      const node = this.nodes.get(to);
      const read = node?.info.version === undefined ? unversioned(message) : message;
      if (isDialled || node?.neighbors.has(from)) this.#handle(to, { kind: 'message', from, message: read });
    });
  }

  #broadcast(from: PeerId, message: DirectoryBroadcast): void {
    this.broadcasts++;
    const reached = new Set([from]);
    for (const id of reached) for (const next of this.#node(id).neighbors) if (this.nodes.has(next)) reached.add(next);
    reached.delete(from);
    for (const to of reached) {
      if (this.deaf.has(to) || this.rng.float() < this.loss) continue;
      this.#later(() => this.#handle(to, { kind: 'command', command: { kind: 'broadcast', from, message } }));
    }
  }

  #later(run: () => void): void {
    const at = this.now + 1 + this.rng.float() * 30;
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#queue[middle] as Due).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, { at, run });
  }

  #node(id: PeerId): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no peer ${id}`);
    return node;
  }
}

/** `count` ids: p00, p01 … */
export function idsOf(count: number, prefix = 'p'): PeerId[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(2, '0')}`);
}
