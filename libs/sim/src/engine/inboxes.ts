/**
 * What arrived at a busy process and waits, per link. A process reads its sockets in turn, so a neighbour that sends without
 * end fills its own socket and delays others by its turn only; what waits on a socket that is closed is never read.
 */
export class Inboxes<L, M> {
  /** Links with something to read, in the order of their turns. */
  readonly #waiting = new Map<L, { readonly messages: M[]; read: number }>();

  add(link: L, message: M): void {
    const inbox = this.#waiting.get(link);
    if (inbox === undefined) this.#waiting.set(link, { messages: [message], read: 0 });
    else inbox.messages.push(message);
  }

  /** The next message in turn, of a link that is open; undefined when nothing waits. */
  next(isOpen: (link: L) => boolean): { readonly link: L; readonly message: M } | undefined {
    for (const [link, inbox] of this.#waiting) {
      this.#waiting.delete(link);
      if (!isOpen(link)) continue;
      const message = inbox.messages[inbox.read++] as M;
      // Behind all others.
      if (inbox.read < inbox.messages.length) this.#waiting.set(link, inbox);
      return { link, message };
    }
    return undefined;
  }
}
