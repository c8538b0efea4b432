import {
  type AggregateCommand,
  type AggregateConfig,
  type AggregateEvent,
  type AggregateMessage,
  Aggregation,
} from '@starling/core-aggregate';
import { type PeerId, unreachable } from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import type { MeshCommand } from '../api.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** Questions about peers go along the broadcast's trees; the directory judges whether everybody answered. It wants no links. */
export class AggregatePart<B> extends Part<B, AggregateMessage, AggregateCommand, AggregateEvent> {
  declare readonly core: Aggregation;
  readonly #completed: (row: PeerRow) => PeerRow;

  /** `completed`: adds to a row what only the mesh knows. */
  constructor(hub: Hub<B>, config: AggregateConfig, selfId: PeerId, completed: (row: PeerRow) => PeerRow) {
    super(hub, new Aggregation({ config, selfId }), 0, (message) => ({ area: 'aggregate', message }));
    this.#completed = completed;
  }

  override message(from: PeerId, message: AggregateMessage): void {
    if (message.kind === 'aggregateQuery') this.#tellLinks(message.tree);
    super.message(from, message);
  }

  protected override told(fact: Fact): AggregateCommand | undefined {
    return fact.kind === 'meshSize' ? fact : undefined;
  }

  protected override ordered(command: MeshCommand): AggregateCommand | undefined {
    switch (command.kind) {
      case 'queryPeers':
        this.#tellLinks(this.hub.ownTree());
        return { ...command, kind: 'start' };
      case 'cancelQueryPeers':
        return { kind: 'cancel', queryId: command.queryId };
      case 'peerRow':
        return { kind: 'row', queryId: command.queryId, row: this.#completed(command.row) };
      default:
        return undefined;
    }
  }

  protected said(event: AggregateEvent): void {
    switch (event.kind) {
      case 'measure':
        this.hub.emit({ kind: 'rowWanted', queryId: event.queryId });
        break;
      case 'finished':
        this.hub.emit({ ...event, kind: 'peersAnswered' });
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }

  /** Questions travel along a tree as it is now. */
  #tellLinks(tree: number): void {
    this.command({ kind: 'links', tree, ...this.hub.treeLinks(tree) });
  }
}
