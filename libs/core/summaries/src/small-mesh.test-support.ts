import { fingerprintsOf, hashTerm } from '@starling/digest';
import { type Effect, type Millis, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { defaultSummariesConfig, type SummariesConfig } from './config.ts';
import type { SummariesCommand, SummariesEvent, SummariesMessage, SummaryDelta } from './messages.ts';
import { Summaries } from './summaries.ts';

export function info(id: string, incarnation = 1): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation, zone: '', name: id };
}

/** What a test looks at: all that one call decided. */
export type Decision = Effect<SummariesMessage, SummariesEvent>;

interface Peer {
  readonly core: Summaries;
  readonly neighbors: Set<string>;
  readonly terms: Set<string>;
  documents: number;
}

/** A few cores, links that deliver in order, and a broadcast that may lose or hold back what the test says. */
export class SmallMesh {
  readonly peers = new Map<string, Peer>();
  readonly config: SummariesConfig;
  now: Millis = 0;
  /** Does a delta reach a peer by broadcast, and after how long? Null: never. */
  broadcastDelayMs: (to: string, delta: SummaryDelta) => Millis | null = () => 20;
  violations: string[] = [];
  switched: string[] = [];
  /** Messages between neighbours. */
  messages: SummariesMessage[] = [];
  readonly #rng: Rng;
  readonly #queue: { readonly at: Millis; readonly run: () => void }[] = [];

  constructor(config: Partial<SummariesConfig> = {}, seed = 1) {
    this.config = { ...defaultSummariesConfig, ...config };
    this.#rng = new Rng(seed);
  }

  /** A new peer, known to all and knowing all. */
  add(id: string, terms: readonly string[], neighbors: readonly string[] = [], incarnation = 1): Peer {
    const core = new Summaries(this.config, info(id, incarnation), this.#rng.child());
    const peer: Peer = { core, neighbors: new Set(), terms: new Set(terms), documents: 1 };
    this.peers.set(id, peer);
    for (const [other, { core: theirs }] of this.peers) {
      if (other === id) continue;
      this.command(id, { kind: 'memberUp', info: info(other) });
      if (theirs !== core) this.command(other, { kind: 'memberUp', info: info(id, incarnation) });
    }
    for (const known of this.peers.keys()) this.command(known, { kind: 'meshSize', peers: this.peers.size });
    this.command(id, { kind: 'changed' });
    for (const neighbor of neighbors) this.link(id, neighbor);
    return peer;
  }

  remove(id: string): void {
    for (const neighbor of this.peers.get(id)?.neighbors ?? []) {
      this.peers.get(neighbor)?.neighbors.delete(id);
      this.command(neighbor, { kind: 'neighborDown', peer: id });
    }
    this.peers.delete(id);
    for (const other of this.peers.keys()) this.command(other, { kind: 'memberDown', id });
  }

  link(a: string, b: string): void {
    this.peers.get(a)?.neighbors.add(b);
    this.peers.get(b)?.neighbors.add(a);
    this.command(a, { kind: 'neighborUp', peer: b });
    this.command(b, { kind: 'neighborUp', peer: a });
  }

  put(id: string, ...terms: readonly string[]): void {
    const peer = this.peers.get(id) as Peer;
    for (const term of terms) peer.terms.add(term);
    peer.documents++;
    this.command(id, { kind: 'changed' });
  }

  command(id: string, command: SummariesCommand): void {
    this.#feed(id, (out) => this.peers.get(id)?.core.handle(this.now, { kind: 'command', command }, out));
  }

  /** A message as a neighbour's bytes would make it. */
  say(from: string, to: string, message: SummariesMessage): void {
    this.#feed(to, (out) => this.peers.get(to)?.core.handle(this.now, { kind: 'message', from, message }, out));
  }

  /** Lets time pass. */
  run(forMs: Millis): void {
    const end = this.now + forMs;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at);
      const message = this.#queue[0];
      let at = message?.at ?? Number.POSITIVE_INFINITY;
      let due: string | undefined;
      for (const [id, { core }] of this.peers) {
        const deadline = Math.max(this.now, core.nextDeadline());
        if (deadline < at) {
          at = deadline;
          due = id;
        }
      }
      if (at > end) break;
      this.now = at;
      if (due === undefined) this.#queue.shift()?.run();
      else this.#feed(due, (out) => this.peers.get(due)?.core.handle(this.now, { kind: 'tick' }, out));
    }
    this.now = end;
  }

  /** Who, as `id` sees it, may have a document with all these words. */
  holders(id: string, ...words: readonly string[]): string[] | null {
    const found = this.peers.get(id)?.core.holders([words.map(hashTerm)]);
    return found == null ? null : [...found.holders, ...found.unknown].sort();
  }

  #feed(id: string, act: (out: RecordingOutbox<SummariesMessage, SummariesEvent>) => void): void {
    const out = new RecordingOutbox<SummariesMessage, SummariesEvent>();
    act(out);
    for (const decision of out.take()) this.#carryOut(id, decision);
  }

  #carryOut(id: string, decision: Decision): void {
    if (decision.kind === 'send') {
      this.messages.push(decision.message);
      const to = decision.to;
      if (!this.peers.get(id)?.neighbors.has(to)) return;
      this.#later(5, () => {
        const input = { kind: 'message', from: id, message: decision.message } as const;
        this.#feed(to, (out) => this.peers.get(to)?.core.handle(this.now, input, out));
      });
    }
    if (decision.kind !== 'emit') return;
    const event = decision.event;
    if (event.kind === 'protocolViolation') this.violations.push(`${id}: ${event.peer} ${event.rule}`);
    if (event.kind === 'switched') this.switched.push(`${id}: ${event.off ?? 'on'}`);
    if (event.kind === 'snapshot') {
      const peer = this.peers.get(id) as Peer;
      const fingerprints = fingerprintsOf(peer.terms, hashTerm);
      this.command(id, { kind: 'terms', fingerprints, documents: peer.documents, words: peer.terms.size });
    }
    if (event.kind === 'broadcast') {
      for (const to of this.peers.keys()) {
        const delay = to === id ? null : this.broadcastDelayMs(to, event.delta);
        if (delay === null) continue;
        this.#later(delay, () => this.command(to, { kind: 'delta', from: id, delta: event.delta }));
      }
    }
  }

  #later(ms: Millis, run: () => void): void {
    this.#queue.push({ at: this.now + ms, run });
  }
}
