import {
  Observe,
  type ObserveCommand,
  type ObserveConfig,
  type ObserveEvent,
  type PeerReport,
} from '@starling/core-observe';
import { type PeerId, type PeerInfo, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import type { Body, MeshMessage } from '../messages.ts';
import { type Fact, type Hub, Part } from './part.ts';

type Measured = Omit<PeerReport, 'number'>;

/** Reports of peers travel by broadcast only, and only while somebody watches. */
export class ObservePart<B> extends Part<B, never, ObserveCommand, ObserveEvent> {
  declare readonly core: Observe;
  readonly #completed: (report: Measured) => Measured;

  /** `completed`: adds to a report what only the mesh knows. */
  constructor(hub: Hub<B>, config: ObserveConfig, self: PeerInfo, rng: Rng, completed: (report: Measured) => Measured) {
    super(hub, new Observe(config, self, rng), 0, (message): MeshMessage<B> => message);
    this.#completed = completed;
  }

  protected override told(fact: Fact): ObserveCommand | undefined {
    switch (fact.kind) {
      case 'neighborUp':
      case 'neighborDown':
        return { kind: 'neighborsChanged' };
      case 'memberDown':
        return { kind: 'memberDown', id: fact.info.id };
      case 'meshSize':
        return fact;
      default:
        return undefined;
    }
  }

  protected override heard(from: PeerId, body: Body): ObserveCommand | undefined {
    return body.kind === 'observe' ? { kind: 'broadcast', from, message: body.message } : undefined;
  }

  protected override ordered(command: MeshCommand): ObserveCommand | undefined {
    switch (command.kind) {
      case 'watchTopology':
        return { kind: 'watching', active: command.active };
      case 'measured':
        return { kind: 'measured', report: this.#completed(command.report) };
      default:
        return undefined;
    }
  }

  protected said(event: ObserveEvent): void {
    switch (event.kind) {
      case 'broadcast':
        this.hub.broadcast({ kind: 'observe', message: event.message });
        break;
      case 'measure':
        this.hub.emit(event);
        break;
      case 'changed':
        this.hub.emit({ ...event, kind: 'reportChanged' });
        break;
      default:
        unreachable(event);
    }
  }
}
