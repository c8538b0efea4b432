import { DeadlineQueue, type Millis, type PeerId } from '@starling/kernel';
import type { Call, Out, Reply, Waiter } from './caller.ts';
import { copiesOf } from './config.ts';
import { type Contact, sortByDistance } from './contact.ts';
import { compareDistance, type Position } from './position.ts';
import { isHolding } from './put-task.ts';
import type { Held } from './record-store.ts';
import type { Shared } from './task.ts';

interface Copy {
  readonly held: Held;
  readonly to: Contact;
  tries: number;
}

const never = Number.POSITIVE_INFINITY;

/**
 * Keeps k copies of what this peer holds: when the membership changed, the nearest holders hand a record to whoever is now
 * among the k nearest; and every holder does so to all of them once in a while, unless another did. At a bounded rate: after
 * the loss of half a mesh, traffic of its own must not be what breaks the other half.
 *
 * Deviation from Kademlia §2.5: a holder asks nobody who the nearest are; near itself, where its records are, its table knows.
 */
export class Replication implements Waiter {
  readonly #shared: Shared;
  readonly #up = new Map<PeerId, Position>();
  readonly #down = new Map<PeerId, Position>();
  #sweepAt = never;
  /** What the sweep under way has not looked at. */
  #sweeping: Held[] = [];
  #changed: { readonly up: ReadonlySet<PeerId>; readonly down: readonly Position[] } | null = null;
  #queue: Copy[] = [];
  #head = 0;
  #nextCopyAt = 0;
  readonly #pending = new Map<Call, Copy>();
  /** Copies that nobody confirmed. */
  readonly #again: DeadlineQueue<Copy>;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#again = new DeadlineQueue(shared.config.repairMs);
  }

  /** Copies that wait: for their turn, or to be made once more. */
  get queued(): number {
    return this.#inLine + this.#again.size;
  }

  get #inLine(): number {
    return this.#queue.length - this.#head;
  }

  memberUp(now: Millis, id: PeerId, position: Position): void {
    this.#down.delete(id);
    this.#up.set(id, position);
    this.#changedAt(now);
  }

  memberDown(now: Millis, id: PeerId, position: Position): void {
    this.#up.delete(id);
    this.#down.set(id, position);
    this.#changedAt(now);
  }

  /** Hands a record to all that should hold it. */
  republish(now: Millis, held: Held): void {
    for (const to of this.#nearest(now, held))
      if (to !== this.#shared.table.self) this.#enqueue({ held, to, tries: 0 });
  }

  onTime(now: Millis, out: Out): void {
    if (now >= this.#sweepAt) this.#sweep(now);
    for (let copy = this.#again.expire(now); copy !== undefined; copy = this.#again.expire(now)) {
      const { held, to } = copy;
      if (this.#nearest(now, held).some(({ info }) => info.id === to.info.id)) this.#enqueue(copy);
    }
    this.#copy(now, out);
  }

  nextDeadline(): Millis {
    const isBusy = this.#pending.size >= this.#shared.config.copiesAtOnce;
    return Math.min(this.#sweepAt, this.#again.next(), this.#inLine > 0 && !isBusy ? this.#nextCopyAt : never);
  }

  answered(now: Millis, call: Call, reply: Reply, out: Out): void {
    const copy = this.#pending.get(call);
    this.#pending.delete(call);
    const outcome = reply.kind === 'storeReply' ? reply.outcome : null;
    if (outcome === null || !isHolding(outcome)) this.#shared.stats.copiesFailed++;
    if (outcome === 'busy' && copy !== undefined) this.#later(now, copy);
    this.#copy(now, out);
  }

  /** It died, and the directory will say so; or it was late, and nobody else may be about to bring it the record. */
  failed(now: Millis, call: Call, _why: 'timeout' | 'linkDown', out: Out): void {
    const copy = this.#pending.get(call);
    this.#pending.delete(call);
    this.#shared.stats.copiesFailed++;
    if (copy !== undefined) this.#later(now, copy);
    this.#copy(now, out);
  }

  /** Tried again, but a few times only. */
  #later(now: Millis, copy: Copy): void {
    const { config, stats } = this.#shared;
    if (++copy.tries >= config.copyTriesMax) return;
    if (this.queued >= config.copiesMax) stats.copiesDropped++;
    else this.#again.arm(now, copy);
  }

  #changedAt(now: Millis): void {
    const { config, store } = this.#shared;
    if (store.count === 0) {
      this.#up.clear();
      this.#down.clear();
    } else if (this.#sweepAt === never) this.#sweepAt = now + config.sweepDelayMs;
  }

  #sweep(now: Millis): void {
    const { config, store } = this.#shared;
    if (this.#sweeping.length === 0) {
      this.#changed = { up: new Set(this.#up.keys()), down: [...this.#down.values()] };
      this.#up.clear();
      this.#down.clear();
      this.#sweeping = [...store.all()];
    }
    for (let i = 0; i < config.sweepRecords; i++) {
      const held = this.#sweeping.pop();
      if (held === undefined) break;
      if (store.has(held)) this.#inspect(now, held);
    }
    if (this.#sweeping.length > 0) this.#sweepAt = now + config.sweepIntervalMs;
    else {
      this.#changed = null;
      // What changed meanwhile waits for a sweep of its own.
      this.#sweepAt = this.#up.size + this.#down.size > 0 ? now + config.sweepDelayMs : never;
    }
  }

  #inspect(now: Millis, held: Held): void {
    const { config, table } = this.#shared;
    const changed = this.#changed;
    if (changed === null) return;
    const nearest = this.#nearest(now, held);
    const farthest = nearest.at(-1);
    if (farthest === undefined) return;
    let gone = 0;
    for (const position of changed.down) if (compareDistance(held.position, position, farthest.position) < 0) gone++;
    // As many as went from among the nearest have moved up into their places.
    const movedUp = nearest.length - Math.min(gone, nearest.length);
    const isNew = (contact: Contact, at: number): boolean => changed.up.has(contact.info.id) || at >= movedUp;
    let holdersBefore = 0;
    for (let at = 0; at < nearest.length; at++) {
      const contact = nearest[at] as Contact;
      if (contact === table.self) break;
      if (!isNew(contact, at)) holdersBefore++;
    }
    // One of the nearest holders is enough; the copy that arrives second is only a waste. Who is no longer among the nearest leaves it to them.
    if (holdersBefore >= config.copiers) return;
    nearest.forEach((to, at) => {
      if (to !== table.self && isNew(to, at)) this.#enqueue({ held, to, tries: 0 });
    });
  }

  #nearest(now: Millis, { position, record }: Held): Contact[] {
    const { config, table } = this.#shared;
    const copies = copiesOf(config, record.kind);
    return sortByDistance(position, [...table.closest(now, position, copies), table.self]).slice(0, copies);
  }

  #enqueue(copy: Copy): void {
    if (this.queued >= this.#shared.config.copiesMax) this.#shared.stats.copiesDropped++;
    else this.#queue.push(copy);
  }

  #copy(now: Millis, out: Out): void {
    const { caller, config, stats, store } = this.#shared;
    while (this.#inLine > 0 && now >= this.#nextCopyAt && this.#pending.size < config.copiesAtOnce && caller.hasRoom) {
      const copy = this.#queue[this.#head++] as Copy;
      const { held, to } = copy;
      if (this.#head === this.#queue.length) {
        this.#queue = [];
        this.#head = 0;
      } else if (this.#head > 1_024 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      if (!store.has(held) || held.record.expiresAt <= now) continue;
      stats.copies++;
      this.#nextCopyAt = now + 1_000 / config.copiesPerSecond;
      this.#pending.set(caller.call(now, to, { kind: 'store', record: held.record }, this, out), copy);
    }
  }
}
