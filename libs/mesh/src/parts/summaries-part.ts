import {
  Summaries,
  type SummariesCommand,
  type SummariesConfig,
  type SummariesEvent,
  type SummariesMessage,
} from '@starling/core-summaries';
import { type PeerId, type PeerInfo, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import type { Body } from '../messages.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** Summaries live on the directory's members and on the neighbours; the index above says what this peer has. */
export class SummariesPart<B> extends Part<B, SummariesMessage, SummariesCommand, SummariesEvent> {
  declare readonly core: Summaries;

  constructor(hub: Hub<B>, config: SummariesConfig, self: PeerInfo, rng: Rng) {
    super(hub, new Summaries(config, self, rng), 0, (message) => ({ area: 'summaries', message }));
  }

  protected override told(fact: Fact): SummariesCommand | undefined {
    switch (fact.kind) {
      case 'neighborUp':
      case 'neighborDown':
        return { kind: fact.kind, peer: fact.peer.id };
      case 'memberUp':
      case 'meshSize':
        return fact;
      case 'memberDown':
        return { kind: 'memberDown', id: fact.info.id };
      default:
        return undefined;
    }
  }

  protected override heard(from: PeerId, body: Body): SummariesCommand | undefined {
    return body.kind === 'summary' ? { kind: 'delta', from, delta: body.delta } : undefined;
  }

  protected override ordered(command: MeshCommand): SummariesCommand | undefined {
    switch (command.kind) {
      case 'indexChanged':
        return { kind: 'changed' };
      case 'indexTerms':
        return { ...command, kind: 'terms' };
      default:
        return undefined;
    }
  }

  protected said(event: SummariesEvent): void {
    switch (event.kind) {
      case 'broadcast':
        this.hub.broadcast({ kind: 'summary', delta: event.delta });
        break;
      case 'snapshot':
        this.hub.emit({ kind: 'indexSnapshot' });
        break;
      case 'switched':
        this.hub.emit({ kind: 'summariesSwitched', off: event.off });
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }
}
