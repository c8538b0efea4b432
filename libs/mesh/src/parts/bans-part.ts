import {
  type BanReader,
  Bans,
  type BansCommand,
  type BansConfig,
  type BansEvent,
  type BansMessage,
} from '@starling/core-bans';
import { type PeerId, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** Trusts nobody: a mesh without operators' keys has no bans of its own. */
const noOperators: BanReader = { parse: () => null, verify: () => 'unknownKey' };

/** Whom operators ban for the whole mesh. It wants no links; who is banned loses those it has. */
export class BansPart<B> extends Part<B, BansMessage, BansCommand, BansEvent> {
  declare readonly core: Bans;
  readonly #selfId: PeerId;

  constructor(hub: Hub<B>, config: BansConfig, selfId: PeerId, reader: BanReader = noOperators) {
    super(hub, new Bans(config, reader), 0, (message) => ({ area: 'bans', message }));
    this.#selfId = selfId;
  }

  protected override told(fact: Fact): BansCommand | undefined {
    switch (fact.kind) {
      case 'neighborUp':
      case 'neighborDown':
        return { kind: fact.kind, peer: fact.peer.id };
      default:
        return undefined;
    }
  }

  protected override ordered(command: MeshCommand): BansCommand | undefined {
    switch (command.kind) {
      case 'submitBan':
        return { ...command, kind: 'submit' };
      case 'restoreBans':
        return { ...command, kind: 'restore' };
      case 'operatorKeysChanged':
        return { kind: 'keysChanged' };
      default:
        return undefined;
    }
  }

  protected said(event: BansEvent): void {
    switch (event.kind) {
      case 'banned':
        // A peer that hears of its own ban can do no more than say so: the others carry it out.
        if (event.ban.subject !== this.#selfId) this.hub.expel(event.ban.subject);
        this.hub.emit(event);
        break;
      case 'lifted':
        this.hub.emit({ kind: 'banLifted', peer: event.subject });
        break;
      case 'recordsChanged':
        this.hub.emit({ kind: 'bansChanged' });
        break;
      case 'refused':
        this.hub.emit({ ...event, kind: 'banRefused' });
        break;
      case 'submitted':
        this.hub.emit({ ...event, kind: 'banSubmitted' });
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }
}
