import type { Neighbor } from './neighbor.ts';

/** Over so many messages a lead is averaged. 8: measured (plumtree/latency, 3,000 peers whose places move): by the last message alone, last deliveries take an eighth longer. */
const messagesMax = 8;

interface Lead {
  links: number;
  /** By how much sooner its announcements came than the message itself; negative: later. */
  ms: number;
  /** Messages that it is the average of, `messagesMax` at most. */
  messages: number;
}

/**
 * By how many links messages of one tree would have come shorter from a neighbour than they did come, and how much sooner it announced them, on average of
 * the last ones. An average, for in a tree that many senders share what is nearer to one of them is farther from another. Bounded by the neighbours.
 */
export class Leads {
  #leads: Map<Neighbor, Lead> | null = null;

  note(neighbor: Neighbor, links: number, ms: number): void {
    this.#leads ??= new Map();
    let lead = this.#leads.get(neighbor);
    if (lead === undefined) {
      lead = { links: 0, ms: 0, messages: 0 };
      this.#leads.set(neighbor, lead);
    }
    lead.messages = Math.min(lead.messages + 1, messagesMax);
    lead.links += (links - lead.links) / lead.messages;
    lead.ms += (ms - lead.ms) / lead.messages;
  }

  /** −Infinity when it announced nothing of this tree. */
  of(neighbor: Neighbor): number {
    return this.#leads?.get(neighbor)?.links ?? Number.NEGATIVE_INFINITY;
  }

  /** On average of as many messages as count: by so many links, or with announcements that come so much sooner than the message. */
  isSteadily(neighbor: Neighbor, links: number, ms: number): boolean {
    const lead = this.#leads?.get(neighbor);
    return lead !== undefined && lead.messages === messagesMax && (lead.links >= links || lead.ms >= ms);
  }

  /** This peer comes to another place: what was measured from here is a hint, and is replaced by what is next. */
  moved(): void {
    for (const lead of this.#leads?.values() ?? []) lead.messages = 0;
  }

  delete(neighbor: Neighbor): void {
    this.#leads?.delete(neighbor);
  }
}
