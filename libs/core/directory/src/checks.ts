import { DeadlineQueue, type Millis, type Outbox, type PeerId, type PeerInfo } from '@starling/kernel';
import type { DirectoryConfig } from './config.ts';
import type { DirectoryEvent, DirectoryMessage } from './messages.ts';

type Out = Outbox<DirectoryMessage, DirectoryEvent>;

/**
 * Dials whose only question is whether a member is still there: the indirect probe of SWIM (DSN 2002, §3.1) for a mesh in
 * which a probe is a link. One that is answered ends the doubt, one that is refused is a word against the member.
 */
export class Checks {
  readonly #config: DirectoryConfig;
  readonly #linked = new Set<PeerId>();
  readonly #dialled = new Set<PeerId>();
  /** Dials in a row that a member did not answer; each of these waits for its next, or has it under way. */
  readonly #unanswered = new Map<PeerId, number>();
  readonly #redials: DeadlineQueue<PeerId>;
  readonly #waiting: DeadlineQueue<PeerId>;
  /** Checks that were not made because too many were under way. */
  dropped = 0;
  made = 0;

  constructor(config: DirectoryConfig) {
    this.#config = config;
    this.#waiting = new DeadlineQueue(config.secondOpinionMs);
    this.#redials = new DeadlineQueue(config.redialMs);
  }

  /** A check in a while, if the doubt is still there by then. */
  later(now: Millis, id: PeerId): void {
    if (this.#waiting.has(id)) return;
    if (this.#waiting.size < this.#config.accusationsMax) this.#waiting.arm(now, id);
    else this.dropped++;
  }

  /** Nobody answered a dial: returns how many in a row that makes. 0 while the next one is still to come: dials at about the same time are one. */
  unanswered(id: PeerId): number {
    if (this.#redials.has(id)) return 0;
    const count = (this.#unanswered.get(id) ?? 0) + 1;
    this.#unanswered.delete(id);
    return count;
  }

  /** One more dial in a while, after `count` that nobody answered. */
  redial(now: Millis, id: PeerId, count: number): void {
    if (this.#unanswered.size >= this.#config.redialsMax) {
      this.dropped++;
      return;
    }
    this.#unanswered.set(id, count);
    this.#redials.arm(now, id);
  }

  cancel(id: PeerId): void {
    this.#waiting.cancel(id);
    this.forgetSilence(id);
  }

  /** It answered, if only to refuse: dials before that are no longer dials in a row. */
  forgetSilence(id: PeerId): void {
    this.#redials.cancel(id);
    this.#unanswered.delete(id);
  }

  next(): Millis {
    return Math.min(this.#waiting.next(), this.#redials.next());
  }

  /** Removes and returns one of whom a second opinion is due. */
  dueOpinion(now: Millis): PeerId | undefined {
    return this.#waiting.expire(now);
  }

  /** Removes and returns one whose next dial is due. */
  dueRedial(now: Millis): PeerId | undefined {
    return this.#redials.expire(now);
  }

  /** Dials the member, unless a link says already that it is there. */
  dial(member: PeerInfo, out: Out): void {
    if (this.#linked.has(member.id) || this.#dialled.has(member.id)) return;
    if (this.#dialled.size >= this.#config.checksMax) {
      this.cancel(member.id);
      this.dropped++;
      return;
    }
    this.made++;
    this.#dialled.add(member.id);
    out.open(member);
  }

  /** True when that answers a check: say what there is to say, then `done`. */
  linkUp(id: PeerId): boolean {
    this.#linked.add(id);
    this.forgetSilence(id);
    return this.#dialled.has(id);
  }

  linkDown(id: PeerId, out: Out): void {
    this.#linked.delete(id);
    this.done(id, out);
  }

  /** Lets the link go. */
  done(id: PeerId, out: Out): void {
    if (this.#dialled.delete(id)) out.close(id);
  }
}
