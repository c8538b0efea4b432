import type { Hit, SpanList } from '@starling/core-search';
import {
  type HolderCommand,
  type HolderCost,
  type HolderEvent,
  type HolderMessage,
  HolderSearch,
  type HolderSearchConfig,
  type HolderWay,
  isHolderAsk,
  type Summaries,
} from '@starling/core-summaries';
import { addCounts, type PeerId, type PeerInfo, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { need } from '../links.ts';
import { type Hub, Part } from './part.ts';

/** Questions straight to their holders: the one part that opens links to peers that are no neighbours. */
export class HoldersPart<B> extends Part<B, HolderMessage<Hit>, HolderCommand<Hit>, HolderEvent<Hit>> {
  declare readonly core: HolderSearch<Hit>;

  readonly #summaries: Summaries;
  readonly #selfId: PeerId;

  constructor(hub: Hub<B>, config: HolderSearchConfig, selfId: PeerId, summaries: Summaries) {
    super(hub, new HolderSearch<Hit>(config, selfId), need.holders, (message) => ({ area: 'holders', message }));
    this.#summaries = summaries;
    this.#selfId = selfId;
  }

  /** Asks these. */
  ask(command: Extract<MeshCommand, { kind: 'query' }>, holders: readonly PeerInfo[]): void {
    const { queryId, text, limit, timeoutMs, statistics, trace = false } = command;
    const known = statistics === undefined ? {} : { statistics };
    this.command({ kind: 'start', queryId, text, limit, timeoutMs, holders, ...known, trace });
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
      case 'trace': {
        const { queryId, way } = event;
        this.hub.emit({ kind: 'queryTrace', queryId, strategy: 'summary', wave: 0, trace: this.#spansOf(way) });
        break;
      }
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

  /** This peer, and below it everybody whom it asked. */
  #spansOf({ spans, cut, elapsedMs }: HolderWay): SpanList {
    const here = spans.find(({ peer }) => peer === this.#selfId);
    const others = spans.filter((span) => span !== here);
    const origin = {
      peer: this.#selfId,
      parent: '',
      state: 'done' as const,
      askedAfterMs: 0,
      roundTripMs: 0,
      elapsedMs,
      localMs: here?.state === 'done' ? here.roundTripMs : -1,
      hits: here?.hits ?? 0,
      messages: others.reduce((sum, { messages }) => sum + messages, 0),
      declined: 0,
    };
    // A holder asks nobody: what it took is its index's time.
    const below = others.map((span) => ({ ...span, parent: this.#selfId, localMs: span.elapsedMs, declined: 0 }));
    return { spans: [origin, ...below], cut };
  }

  /**
   * Who was not asked has none of the words, so the holders' frequencies are the whole mesh's; how many documents there are, and how
   * long, the summaries tell.
   */
  #ofTheMesh(cost: HolderCost): HolderCost {
    if (cost.statistics === undefined) return cost;
    let { documents, words } = { documents: 0, words: 0 };
    for (const size of this.#summaries.sizes()) {
      documents = addCounts(documents, size.documents, Number.MAX_SAFE_INTEGER);
      words = addCounts(words, size.words, Number.MAX_SAFE_INTEGER);
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
