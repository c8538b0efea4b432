import type { Hit } from '@starling/core-search';
import {
  type HolderCommand,
  type HolderEvent,
  type HolderMessage,
  HolderSearch,
  type HolderSearchConfig,
  isHolderAsk,
} from '@starling/core-summaries';
import { type PeerId, type PeerInfo, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { need } from '../links.ts';
import { type Hub, Part } from './part.ts';

/** Questions straight to their holders: the one part that opens links to peers that are no neighbours. */
export class HoldersPart<B> extends Part<B, HolderMessage<Hit>, HolderCommand<Hit>, HolderEvent<Hit>> {
  declare readonly core: HolderSearch<Hit>;

  constructor(hub: Hub<B>, config: HolderSearchConfig, selfId: PeerId) {
    super(hub, new HolderSearch<Hit>(config, selfId), need.holders, (message) => ({ area: 'holders', message }));
  }

  /** Asks these. */
  ask(command: Extract<MeshCommand, { kind: 'query' }>, holders: readonly PeerInfo[]): void {
    const { queryId, text, limit, timeoutMs } = command;
    this.command({ kind: 'start', queryId, text, limit, timeoutMs, holders });
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
          tally: cost,
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
}
