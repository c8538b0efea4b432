import type { Millis, Outbox, PeerId, PeerInfo } from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import { type AggregateConfig, defaultAggregateConfig } from '../src/config.ts';
import { type AggregateEvent, type AggregateMessage, type AggregateResult, Aggregation } from '../src/index.ts';

export type Edge = readonly [PeerId, PeerId];
type Waiting = { readonly at: Millis; readonly run: () => void };

export const idsOf = (count: number): PeerId[] => Array.from({ length: count }, (_, at) => `p${at}`);

/** A graph of cores, a delay per link, and rows. A link that breaks is seen by both ends. */
export class AggregateNetwork {
  readonly cores = new Map<PeerId, Aggregation>();
  readonly rows = new Map<PeerId, PeerRow>();
  readonly results: AggregateResult[] = [];
  readonly violations: string[] = [];
  /** Peers whose layer above does not answer. */
  readonly mute = new Set<PeerId>();
  /** Peers that hang: nothing gets in or out, and their links stay. */
  readonly hung = new Set<PeerId>();
  readonly sent: { readonly from: PeerId; readonly to: PeerId; readonly message: AggregateMessage }[] = [];
  /** Changes what a peer sends. */
  tamper: (from: PeerId, message: AggregateMessage) => AggregateMessage = (_, message) => message;
  /** Of one message on one link. */
  delay: (from: PeerId, to: PeerId) => Millis = () => 1;
  now: Millis = 0;
  readonly #eager: Edge[];
  readonly #lazy: Edge[];
  #queue: Waiting[] = [];

  constructor(
    ids: readonly PeerId[],
    eager: readonly Edge[],
    lazy: readonly Edge[] = [],
    config?: Partial<AggregateConfig>,
  ) {
    this.#eager = [...eager];
    this.#lazy = [...lazy];
    for (const selfId of ids) {
      const core = new Aggregation({ config: { ...defaultAggregateConfig, ...config }, selfId });
      this.cores.set(selfId, core);
      this.rows.set(selfId, { id: selfId });
      core.handle(0, { kind: 'command', command: { kind: 'meshSize', peers: ids.length } }, this.#out(selfId));
    }
  }

  core(id: PeerId): Aggregation {
    return this.cores.get(id) as Aggregation;
  }

  ask(origin: PeerId, text: string, more: { readonly messagesMax?: number; readonly timeoutMs?: number } = {}): void {
    this.#tellLinks(origin);
    const queryId = `${this.results.length}`;
    const command = { kind: 'start', queryId, text, timeoutMs: 5_000, messagesMax: 0, ...more } as const;
    this.core(origin).handle(this.now, { kind: 'command', command }, this.#out(origin));
  }

  cancel(origin: PeerId, queryId: string): void {
    this.core(origin).handle(this.now, { kind: 'command', command: { kind: 'cancel', queryId } }, this.#out(origin));
  }

  /** What the layer above of `peer` says of it, asked or not. */
  giveRow(peer: PeerId, queryId: string, row: PeerRow): void {
    this.core(peer).handle(this.now, { kind: 'command', command: { kind: 'row', queryId, row } }, this.#out(peer));
  }

  at(at: Millis, run: () => void): void {
    this.#queue.push({ at, run });
  }

  kill(peer: PeerId): void {
    const bereaved = [...this.#eager, ...this.#lazy].filter((edge) => edge.includes(peer));
    this.cores.delete(peer);
    for (const edge of bereaved) this.sever(edge);
  }

  sever([a, b]: Edge): void {
    for (const edges of [this.#eager, this.#lazy]) {
      const at = edges.findIndex((edge) => edge.includes(a) && edge.includes(b));
      if (at >= 0) edges.splice(at, 1);
    }
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.cores.get(end)?.handle(this.now, { kind: 'linkDown', peer: other, reason: 'lost' }, this.#out(end));
    }
  }

  /** Lets everything happen, timers too, up to a time. */
  run(until = Number.POSITIVE_INFINITY): void {
    for (;;) {
      const next = this.#queue.reduce<Waiting | null>((a, b) => (a === null || b.at < a.at ? b : a), null);
      const [tickAt, ticking] = this.#nextTick();
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, tickAt);
      if (at === Number.POSITIVE_INFINITY || at > until) return;
      this.now = Math.max(this.now, at);
      if (next !== null && next.at <= tickAt) {
        this.#queue = this.#queue.filter((one) => one !== next);
        next.run();
      } else if (ticking !== null) this.core(ticking).handle(this.now, { kind: 'tick' }, this.#out(ticking));
    }
  }

  #nextTick(): [Millis, PeerId | null] {
    let next: [Millis, PeerId | null] = [Number.POSITIVE_INFINITY, null];
    for (const [id, core] of this.cores) {
      if (!this.hung.has(id) && core.nextDeadline() < next[0]) next = [core.nextDeadline(), id];
    }
    return next;
  }

  #deliver(from: PeerId, to: PeerId, message: AggregateMessage): void {
    const isLinked = [...this.#eager, ...this.#lazy].some((edge) => edge.includes(from) && edge.includes(to));
    if (!isLinked || !this.cores.has(to) || this.hung.has(to)) return;
    this.#tellLinks(to);
    this.core(to).handle(this.now, { kind: 'message', from, message }, this.#out(to));
  }

  #tellLinks(id: PeerId): void {
    const linked = (edges: readonly Edge[]): PeerId[] =>
      edges.filter((edge) => edge.includes(id)).map(([a, b]) => (a === id ? b : a));
    const command = { kind: 'links', tree: 0, eager: linked(this.#eager), lazy: linked(this.#lazy) } as const;
    this.core(id).handle(this.now, { kind: 'command', command }, this.#out(id));
  }

  #out(id: PeerId): Outbox<AggregateMessage, AggregateEvent> {
    return {
      open: (_peer: PeerInfo) => {},
      close: (_peer: PeerId) => {},
      send: (to, message) => {
        const said = this.tamper(id, message);
        this.sent.push({ from: id, to, message: said });
        if (!this.hung.has(id)) this.at(this.now + this.delay(id, to), () => this.#deliver(id, to, said));
      },
      emit: (event) => {
        if (event.kind === 'finished') this.results.push(event.result);
        else if (event.kind === 'protocolViolation') this.violations.push(`${event.peer}: ${event.rule}`);
        else if (!this.mute.has(id)) {
          const row = this.rows.get(id) ?? {};
          const command = { kind: 'row', queryId: event.queryId, row } as const;
          this.at(this.now, () => {
            this.cores.get(id)?.handle(this.now, { kind: 'command', command }, this.#out(id));
          });
        }
      },
    };
  }
}
