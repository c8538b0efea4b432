import type { Millis } from '@starling/kernel';
import type { Neighbor } from './neighbor.ts';

/** What makes a neighbour a better parent. */
export interface SteadyLead {
  /** Less than zero: announcements wait for company, so that they come later than a push would have. */
  readonly ms: Millis;
  readonly links: number;
  /** At most `messagesMax`. */
  readonly messages: number;
}

/** Over so many messages a lead is averaged. 8: measured (plumtree/latency, 3,000 peers whose places move): by the last message alone, last deliveries take an eighth longer. */
export const messagesMax = 8;

/** Numbers per lead: links, by how much sooner its announcements came than the message itself in ms, and messages that both are the average of. */
const width = 3;
const unknown = Number.NEGATIVE_INFINITY;

/**
 * By how many links messages of one tree would have come shorter from a neighbour than they did come, and how much sooner it announced them, on average of
 * the last ones. An average, for in a tree that many senders share what is nearer to one of them is farther from another. Bounded by the neighbours:
 * a column by their slots, since every announcement reads and writes one.
 */
export class Leads {
  readonly #leads: number[] = [];

  note(neighbor: Neighbor, links: number, ms: number): void {
    const leads = this.#leads;
    const at = neighbor.slot * width;
    while (leads.length <= at) leads.push(unknown, 0, 0);
    if (leads[at] === unknown) leads[at] = 0;
    const messages = Math.min((leads[at + 2] as number) + 1, messagesMax);
    leads[at] = (leads[at] as number) + (links - (leads[at] as number)) / messages;
    leads[at + 1] = (leads[at + 1] as number) + (ms - (leads[at + 1] as number)) / messages;
    leads[at + 2] = messages;
  }

  /** −Infinity when it announced nothing of this tree. */
  of({ slot }: Neighbor): number {
    return this.#leads[slot * width] ?? unknown;
  }

  /** On average of so many messages at least: by so many links, or with announcements that come so much sooner than the message. */
  isSteadily({ slot }: Neighbor, { links, ms, messages }: SteadyLead): boolean {
    const leads = this.#leads;
    const at = slot * width;
    if (at >= leads.length || (leads[at + 2] as number) < messages) return false;
    return (leads[at] as number) >= links || (leads[at + 1] as number) >= ms;
  }

  /** This peer comes to another place: what was measured from here is a hint, and is replaced by what is next. */
  moved(): void {
    for (let at = 2; at < this.#leads.length; at += width) this.#leads[at] = 0;
  }

  delete({ slot }: Neighbor): void {
    const at = slot * width;
    if (at >= this.#leads.length) return;
    this.#leads.fill(0, at, at + width);
    this.#leads[at] = unknown;
  }
}
