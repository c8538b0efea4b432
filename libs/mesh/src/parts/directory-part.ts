import {
  Directory,
  type DirectoryCommand,
  type DirectoryConfig,
  type DirectoryEvent,
  type DirectoryMessage,
} from '@starling/core-directory';
import { type PeerId, type PeerInfo, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { need } from '../links.ts';
import type { Body } from '../messages.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** The directory hears of neighbours first-hand and of all others by broadcast; everybody else learns from it who is there. */
export class DirectoryPart<B> extends Part<B, DirectoryMessage, DirectoryCommand, DirectoryEvent> {
  declare readonly core: Directory;

  constructor(hub: Hub<B>, config: DirectoryConfig, self: PeerInfo, rng: Rng) {
    super(hub, new Directory(config, self, rng), need.directory, (message) => ({ area: 'directory', message }));
  }

  protected override told(fact: Fact): DirectoryCommand | undefined {
    switch (fact.kind) {
      case 'neighborUp':
        return fact;
      // Of a peer that leaves as well: its own farewell is sooner, unless whoever was to pass it on left at the same moment.
      case 'neighborDown':
        return { kind: 'neighborDown', peer: fact.peer, failed: fact.isGone };
      case 'leaving':
        return { kind: 'leave' };
      default:
        return undefined;
    }
  }

  protected override ordered(command: MeshCommand): DirectoryCommand | undefined {
    return command.kind === 'selfLate' ? { kind: 'selfLate' } : undefined;
  }

  protected override heard(from: PeerId, body: Body): DirectoryCommand | undefined {
    return body.kind === 'directory' ? { kind: 'broadcast', from, message: body.message } : undefined;
  }

  protected said(event: DirectoryEvent): void {
    switch (event.kind) {
      case 'broadcast':
        this.hub.broadcast({ kind: 'directory', message: event.message });
        break;
      case 'refresh':
        if (!this.hub.canaryInstead()) this.hub.broadcast({ kind: 'directory', message: event.message }, true);
        break;
      case 'memberUp':
        this.hub.membership({ kind: 'heard', peers: [event.info] });
        this.#tellSize();
        this.hub.tell({ kind: 'memberUp', info: event.info });
        this.hub.emit(event);
        break;
      case 'memberChanged':
        this.hub.emit(event);
        break;
      case 'memberDown':
        this.#tellSize();
        this.hub.tell({ kind: 'memberDown', info: event.info });
        this.hub.emit(event);
        break;
      case 'incarnation':
        this.hub.renew(event.incarnation);
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }

  #tellSize(): void {
    this.hub.tell({ kind: 'meshSize', peers: this.core.size });
  }
}
