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
  readonly #waiting: DeadlineQueue<PeerId>;
  /** Checks that were not made because too many were under way. */
  dropped = 0;
  made = 0;

  constructor(config: DirectoryConfig) {
    this.#config = config;
    this.#waiting = new DeadlineQueue(config.secondOpinionMs);
  }

  /** A check in a while, if the doubt is still there by then. */
  later(now: Millis, id: PeerId): void {
    if (this.#waiting.has(id)) return;
    if (this.#waiting.size < this.#config.accusationsMax) this.#waiting.arm(now, id);
    else this.dropped++;
  }

  cancel(id: PeerId): void {
    this.#waiting.cancel(id);
  }

  next(): Millis {
    return this.#waiting.next();
  }

  /** Removes and returns one whose check is due. */
  due(now: Millis): PeerId | undefined {
    return this.#waiting.expire(now);
  }

  /** Dials the member, unless a link says already that it is there. */
  dial(member: PeerInfo, out: Out): void {
    if (this.#linked.has(member.id) || this.#dialled.has(member.id)) return;
    if (this.#dialled.size >= this.#config.checksMax) {
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
