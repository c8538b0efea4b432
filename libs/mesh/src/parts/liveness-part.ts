import {
  Liveness,
  type LivenessCommand,
  type LivenessConfig,
  type LivenessEvent,
  type LivenessMessage,
} from '@starling/core-liveness';
import { type PeerId, type PeerInfo, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { need } from '../links.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** The failure detector watches the neighbours, and tells the membership whom to give up. */
export class LivenessPart<B> extends Part<B, LivenessMessage, LivenessCommand, LivenessEvent> {
  declare readonly core: Liveness;

  /** `pinged`: a ping goes to a peer, and something may go along. */
  constructor(hub: Hub<B>, config: LivenessConfig, self: PeerInfo, rng: Rng, pinged: (peer: PeerId) => void) {
    super(hub, new Liveness(config, self, rng), need.liveness, (message) => ({ area: 'liveness', message }), {
      ...hub.side,
      send: (to, message) => {
        hub.side.send(to, message);
        if (message.area === 'liveness' && message.message.kind === 'ping') pinged(to);
      },
    });
  }

  protected override told(fact: Fact): LivenessCommand | undefined {
    if (fact.kind === 'neighborUp') return { kind: 'watch', peer: fact.peer };
    if (fact.kind === 'neighborDown') return { kind: 'unwatch', peer: fact.peer.id };
    return undefined;
  }

  protected override ordered(command: MeshCommand): LivenessCommand | undefined {
    return command.kind === 'selfLate' ? command : undefined;
  }

  protected said(event: LivenessEvent): void {
    switch (event.kind) {
      case 'rtt':
        this.hub.membership(event);
        this.hub.emit(event);
        break;
      case 'dead':
        this.hub.membership({ kind: 'suspect', peer: event.peer });
        this.hub.emit({ kind: 'suspicion', peer: event.peer, outcome: 'dead' });
        break;
      case 'cleared':
        this.hub.emit({ kind: 'suspicion', peer: event.peer, outcome: 'cleared' });
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }
}
