import type { HostTap } from '@starling/host';
import type { Input, Millis, PeerId } from '@starling/kernel';
import type { MeshCommand, MeshEvent, MeshMessage } from '@starling/mesh';
import { messageKinds } from './definitions.ts';
import type { Sample } from './registry.ts';

const known: ReadonlySet<string> = new Set(messageKinds);

/** Counts by a small closed set of words, in plain fields. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(word: string, count = 1): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + count);
  }

  get(word: string): number {
    return this.#counts.get(word) ?? 0;
  }

  samples(label: string, more: Readonly<Record<string, string>> = {}): Sample[] {
    return [...this.#counts].map(([word, value]) => ({ labels: { ...more, [label]: word }, value }));
  }
}

/** What crosses the boundary of a mesh, counted there: no core knows of metrics. */
export class MeshCounters<B> implements HostTap<B> {
  readonly #in = new Tally();
  readonly #out = new Tally();
  readonly #viewChanges = new Tally();
  readonly #directoryChanges = new Tally();
  readonly #suspicions = new Tally();
  readonly #verdicts = new Tally();
  violations = 0;
  published = 0;
  #neighbors = 0;
  #aloneMs = 0;
  #aloneSince: Millis | null = null;

  input(now: Millis, input: Input<MeshMessage<B>, MeshCommand>): void {
    // The first input starts the clock of loneliness.
    if (this.#aloneSince === null && this.#neighbors === 0) this.#aloneSince = now;
    if (input.kind === 'message') this.#in.add(kindOf(input.message));
  }

  sent(_to: PeerId, message: MeshMessage<B>, queued: boolean): void {
    if (queued) this.#out.add(kindOf(message));
  }

  /** `now`: the host's time of the event. */
  heard(now: Millis, event: MeshEvent): void {
    switch (event.kind) {
      case 'neighborUp':
        this.#viewChanges.add('join');
        this.#neighbors++;
        if (this.#aloneSince !== null) this.#aloneMs += now - this.#aloneSince;
        this.#aloneSince = null;
        break;
      case 'neighborDown':
        this.#viewChanges.add(viewReasons.has(event.reason) ? event.reason : 'other');
        this.#neighbors--;
        if (this.#neighbors === 0) this.#aloneSince = now;
        break;
      case 'memberUp':
        this.#directoryChanges.add('up');
        break;
      case 'memberDown':
        this.#directoryChanges.add(event.state);
        break;
      case 'suspicion':
        this.#suspicions.add(event.outcome);
        break;
      case 'judged':
        if (event.verdict.kind !== 'pardoned') this.#verdicts.add(`${event.verdict.kind} ${event.verdict.reason}`);
        break;
      case 'protocolViolation':
        this.violations++;
        break;
      case 'published':
        this.published++;
        break;
      default:
    }
  }

  aloneSeconds(now: Millis): number {
    return (this.#aloneMs + (this.#aloneSince === null ? 0 : now - this.#aloneSince)) / 1_000;
  }

  received(kind: (typeof messageKinds)[number]): number {
    return this.#in.get(kind);
  }

  messages(): Sample[] {
    return [...this.#in.samples('kind', { direction: 'in' }), ...this.#out.samples('kind', { direction: 'out' })];
  }

  viewChanges(): Sample[] {
    return this.#viewChanges.samples('reason', { view: 'active' });
  }

  directoryChanges(): Sample[] {
    return this.#directoryChanges.samples('change');
  }

  verdicts(): Sample[] {
    return this.#verdicts.samples('both').map(({ labels, value }) => {
      const [verdict = '', reason = ''] = (labels?.both ?? '').split(' ');
      return { labels: { verdict, reason }, value };
    });
  }

  suspicions(): Sample[] {
    return this.#suspicions.samples('outcome');
  }
}

const viewReasons: ReadonlySet<string> = new Set(['failed', 'suspected', 'left', 'evicted', 'swapped']);

function kindOf(message: MeshMessage<unknown>): string {
  return known.has(message.message.kind) ? message.message.kind : 'other';
}
