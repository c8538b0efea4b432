import type { Hit } from '@starling/core-search';
import {
  type HolderCommand,
  type HolderCost,
  type HolderEvent,
  type HolderMessage,
  HolderSearch,
  type HolderSearchConfig,
  isHolderAsk,
  type Summaries,
} from '@starling/core-summaries';
import { type PeerId, type PeerInfo, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { need } from '../links.ts';
import { type Hub, Part } from './part.ts';

/** Questions straight to their holders: the one part that opens links to peers that are no neighbours. */
export class HoldersPart<B> extends Part<B, HolderMessage<Hit>, HolderCommand<Hit>, HolderEvent<Hit>> {
  declare readonly core: HolderSearch<Hit>;

  readonly #summaries: Summaries;

  constructor(hub: Hub<B>, config: HolderSearchConfig, selfId: PeerId, summaries: Summaries) {
    super(hub, new HolderSearch<Hit>(config, selfId), need.holders, (message) => ({ area: 'holders', message }));
    this.#summaries = summaries;
  }

  /** Asks these. */
  ask(command: Extract<MeshCommand, { kind: 'query' }>, holders: readonly PeerInfo[]): void {
    const { queryId, text, limit, timeoutMs, statistics } = command;
    const known = statistics === undefined ? {} : { statistics };
    this.command({ kind: 'start', queryId, text, limit, timeoutMs, holders, ...known });
  }

  protected override ordered(command: MeshCommand): HolderCommand<Hit> | undefined {
    switch (command.kind) {
      case 'cancelQuery':
        return this.core.isOwn(command.queryId) ? { kind: 'cancel', queryId: command.queryId } : undefined;
      case 'localHits':
        return isHolderAsk(command.queryId) ? command : undefined;
      default:
        return undefined;
    }
  }

  protected said(event: HolderEvent<Hit>): void {
    switch (event.kind) {
      case 'ask':
        this.hub.emit({ ...event, kind: 'queryLocal' });
        break;
      case 'hits':
        this.hub.emit({ ...event, kind: 'queryHits' });
        break;
      case 'finished': {
        const { queryId, cost, complete, reason } = event;
        this.hub.emit({
          kind: 'queryFinished',
          queryId,
          strategy: 'summary',
          tally: this.#ofTheMesh(cost),
          complete,
          reason,
          budget: 0,
          holdersEmpty: cost.empty,
        });
        break;
      }
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }

  /**
   * Who was not asked has none of the words, so the holders' frequencies are the whole mesh's; how many documents there are, and how
   * long, the summaries tell.
   */
  #ofTheMesh(cost: HolderCost): HolderCost {
    if (cost.statistics === undefined) return cost;
    let { documents, words } = { documents: 0, words: 0 };
    for (const size of this.#summaries.sizes()) {
      documents += size.documents;
      words += size.words;
    }
    const { statistics } = cost;
    return {
      ...cost,
      statistics: {
        ...statistics,
        documents: Math.max(documents, statistics.documents),
        words: Math.max(words, statistics.words),
      },
    };
  }
}
