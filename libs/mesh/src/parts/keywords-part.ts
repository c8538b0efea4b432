import type { KademliaCommand, LookupRecord, LookupResult, UnsignedRecord } from '@starling/core-kademlia';
import {
  type Fingerprint,
  Keywords,
  type KeywordsCommand,
  type KeywordsConfig,
  type KeywordsEvent,
  type KeywordsOptions,
} from '@starling/core-keywords';
import { type PeerId, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** No lookup of the layer above is called so: its names come from a counter or a random number. */
const putPrefix = 'keyword put ';
const getPrefix = 'keyword get ';
const noValue = new Uint8Array(0);

export interface KeywordsPartOptions {
  readonly config: KeywordsConfig;
  readonly rng: Rng;
  readonly sight: KeywordsOptions['sight'];
  /** Signs this peer's records; without it, it publishes none. */
  readonly sign?: (record: UnsignedRecord) => LookupRecord;
  lookup(command: KademliaCommand): void;
  /** Whom records name for a question; null: they do not tell. */
  found(queryId: string, holders: readonly PeerId[] | null, messages: number): void;
}

/** Keyword records live in the key space of lookups; the index above says what words this peer has. */
export class KeywordsPart<B> extends Part<B, never, KeywordsCommand, KeywordsEvent> {
  declare readonly core: Keywords;
  readonly #options: KeywordsPartOptions;

  constructor(hub: Hub<B>, options: KeywordsPartOptions) {
    super(hub, new Keywords(options), 0, unreachable);
    this.#options = options;
  }

  /** Looks up who has a question's rare words. */
  find(
    { queryId, timeoutMs }: Extract<MeshCommand, { kind: 'query' }>,
    alternatives: readonly (readonly number[])[],
  ): void {
    this.command({ kind: 'find', queryId, alternatives, timeoutMs });
  }

  /** A lookup ended; false: it was none of this part's. */
  lookedUp(lookupId: string, { outcome, records, rpcs, failures }: LookupResult): boolean {
    if (lookupId.startsWith(putPrefix)) {
      const word = Number.parseInt(lookupId.slice(putPrefix.length), 16);
      this.command({ kind: 'putDone', word, isStored: outcome === 'stored' });
      return true;
    }
    if (!lookupId.startsWith(getPrefix)) return false;
    const getId = lookupId.slice(getPrefix.length);
    const holders = records.map(({ publisher }) => publisher);
    // Each call is answered by one message, but for those that failed.
    this.command({ kind: 'gotten', getId, holders, messages: 2 * rpcs - failures });
    return true;
  }

  /** The index's terms are for the summaries too: they go on to the next part. */
  override order(command: MeshCommand): boolean {
    if (command.kind !== 'indexTerms') return super.order(command);
    if (this.#options.sign !== undefined) this.command({ kind: 'terms', fingerprints: command.fingerprints });
    return false;
  }

  protected override told(fact: Fact): KeywordsCommand | undefined {
    return fact.kind === 'meshSize' ? fact : undefined;
  }

  protected override ordered(command: MeshCommand): KeywordsCommand | undefined {
    if (command.kind !== 'cancelQuery' || !this.core.isFinding(command.queryId)) return undefined;
    return { kind: 'cancelFind', queryId: command.queryId };
  }

  protected said(event: KeywordsEvent): void {
    switch (event.kind) {
      case 'put':
        this.#put(event);
        break;
      case 'get':
        this.#options.lookup({
          ...{ kind: 'get', lookupId: `${getPrefix}${event.getId}`, recordKind: 'keyword', key: keyOf(event.word) },
          ...{ publisher: '', answers: 1, limit: holdersMax, paths: 1, timeoutMs: event.timeoutMs },
        });
        break;
      case 'cancelGet':
        this.#options.lookup({ kind: 'cancel', lookupId: `${getPrefix}${event.getId}` });
        break;
      case 'found':
        this.#options.found(event.queryId, event.holders, event.messages);
        break;
      default:
        unreachable(event);
    }
  }

  #put({ word, expiresAt, timeoutMs }: Extract<KeywordsEvent, { kind: 'put' }>): void {
    const { lookup, sign } = this.#options;
    if (sign === undefined) return;
    const version = Math.floor(this.hub.now());
    const unsigned = { kind: 'keyword', key: keyOf(word), value: noValue, version } as const;
    const record = sign({ ...unsigned, expiresAt: Math.floor(expiresAt) });
    lookup({ kind: 'put', lookupId: `${putPrefix}${hex(word)}`, record, paths: 1, timeoutMs, keep: false });
  }
}

/** Publishers taken from one answer: as many as there may be of a keyword. */
const holdersMax = 64;

function hex(word: Fingerprint): string {
  return word.toString(16).padStart(8, '0');
}

function keyOf(word: Fingerprint): Uint8Array {
  return Uint8Array.from(`keyword:${hex(word)}`, (letter) => letter.charCodeAt(0));
}
