import { type Input, type Millis, type Outbox, type ProtocolCore, type Rng, unreachable } from '@starling/kernel';
import { assertKeywordsConfig, type KeywordsConfig } from './config.ts';
import { Finder } from './finder.ts';
import type { Fingerprint, KeywordsCommand, KeywordsEvent } from './messages.ts';
import { Publisher } from './publisher.ts';

type Out = Outbox<never, KeywordsEvent>;

export interface KeywordsOptions {
  readonly config: KeywordsConfig;
  readonly rng: Rng;
  /** How many of how many peers nearby have a word, and how many of those the digests are expected to say falsely. */
  sight(word: Fingerprint): { readonly peers: number; readonly seen: number };
}

/**
 * Keyword records: in a mesh too large for summaries of everybody, each peer says in the key space of lookups which of its rare
 * words it has, so that a question for one goes straight to its holders. Common words have no records: a walk finds them, and
 * their records would be most of all.
 *
 * It sends nothing itself: what it wants stored and looked up, the lookup core does.
 */
export class Keywords implements ProtocolCore<never, KeywordsCommand, KeywordsEvent> {
  readonly #config: KeywordsConfig;
  readonly #publisher: Publisher;
  readonly #finder: Finder;
  #isOn = false;

  constructor({ config, rng, sight }: KeywordsOptions) {
    assertKeywordsConfig(config);
    this.#config = config;
    const isRare = (word: Fingerprint): boolean => {
      const { peers, seen } = sight(word);
      return peers >= config.sightPeersMin && seen === 0;
    };
    this.#publisher = new Publisher(config, rng, isRare);
    this.#finder = new Finder(config, isRare);
  }

  /** Whether a mesh of this size has keyword records. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Words of this peer whose records stand. */
  get standing(): number {
    return this.#publisher.standing;
  }

  /** Questions that wait for records. */
  get activeCount(): number {
    return this.#finder.size;
  }

  isFinding(queryId: string): boolean {
    return this.#finder.has(queryId);
  }

  get publishStats(): Publisher['stats'] {
    return this.#publisher.stats;
  }

  get findStats(): Finder['stats'] {
    return this.#finder.stats;
  }

  handle(now: Millis, input: Input<never, KeywordsCommand>, out: Out): void {
    switch (input.kind) {
      case 'message':
      case 'linkUp':
      case 'linkDown':
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        this.#publisher.onTime(now, out);
        break;
      default:
        unreachable(input);
    }
  }

  nextDeadline(): Millis {
    return this.#publisher.nextDeadline();
  }

  #onCommand(now: Millis, command: KeywordsCommand, out: Out): void {
    switch (command.kind) {
      case 'terms':
        this.#publisher.words(now, command.fingerprints ?? new Uint32Array(0));
        break;
      case 'meshSize':
        this.#isOn = command.peers >= this.#config.peersMin;
        this.#publisher.turn(now, this.#isOn);
        break;
      case 'putDone':
        this.#publisher.putDone(now, command.word, command.isStored);
        break;
      case 'find':
        this.#finder.find(command.queryId, command.alternatives, command.timeoutMs, out);
        break;
      case 'cancelFind':
        this.#finder.cancel(command.queryId, out);
        break;
      case 'gotten':
        this.#finder.gotten(command.getId, command.holders, command.messages, out);
        break;
      default:
        unreachable(command);
    }
  }
}
