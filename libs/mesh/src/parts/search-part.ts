import {
  type QuestionTerms,
  Search,
  type SearchCommand,
  type SearchConfig,
  type SearchEvent,
  type SearchMessage,
} from '@starling/core-search';
import { hashTerm } from '@starling/digest';
import { type PeerId, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import type { SearchQuery } from '../asked-query.ts';
import { need } from '../links.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** Search asks along the broadcast's trees, and judges by the directory whether everybody answered. */
export class SearchPart<B> extends Part<B, SearchMessage, SearchCommand, SearchEvent> {
  declare readonly core: Search;

  constructor(hub: Hub<B>, config: SearchConfig, selfId: PeerId, rng: Rng) {
    super(hub, new Search({ config, selfId, rng }), need.search, (message) => ({ area: 'search', message }));
  }

  /** Asks, along the links as they are now. */
  ask(query: SearchQuery): void {
    this.#tellLinks(this.hub.ownTree());
    this.command({ ...query, kind: 'start', terms: termsOf(query.words) });
  }

  override message(from: PeerId, message: SearchMessage): void {
    if (message.kind === 'query') this.#tellLinks(message.tree);
    // A seek goes over any link: which tree names them is all the same. Its later steps follow answers.
    else if (message.kind === 'seek' || message.kind === 'found') this.#tellLinks(this.hub.ownTree());
    super.message(from, message);
  }

  protected override told(fact: Fact): SearchCommand | undefined {
    switch (fact.kind) {
      case 'meshSize':
        return fact;
      case 'neighborUp':
      case 'neighborDown':
        return { kind: fact.kind, peer: fact.peer.id };
      default:
        return undefined;
    }
  }

  /** The index's terms are for the summaries too: they go on to the next part. */
  override order(command: MeshCommand): boolean {
    if (command.kind !== 'indexTerms') return super.order(command);
    this.command({ kind: 'ownTerms', fingerprints: command.fingerprints });
    return false;
  }

  protected override ordered(command: MeshCommand): SearchCommand | undefined {
    switch (command.kind) {
      case 'cancelQuery':
        return { kind: 'cancel', queryId: command.queryId };
      case 'localHits':
        return command;
      default:
        return undefined;
    }
  }

  protected said(event: SearchEvent): void {
    switch (event.kind) {
      case 'ask':
        this.hub.emit({ ...event, kind: 'queryLocal' });
        break;
      case 'askOver':
        this.hub.emit({ ...event, kind: 'queryLocalOver' });
        break;
      case 'trace':
        this.hub.emit({ ...event, kind: 'queryTrace' });
        break;
      case 'hits':
        this.hub.emit({ ...event, kind: 'queryHits' });
        break;
      case 'finished':
        this.hub.emit({ ...event, kind: 'queryFinished' });
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }

  /** Queries travel along a tree as it is now. */
  #tellLinks(tree: number): void {
    this.command({ kind: 'links', tree, ...this.hub.treeLinks(tree) });
  }
}

/** Words as digests know them. */
function termsOf(words: readonly (readonly string[])[] = []): QuestionTerms {
  return words.map((list) => list.map((word) => hashTerm(word).high));
}
