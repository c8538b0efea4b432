import {
  Kademlia,
  type KademliaCommand,
  type KademliaConfig,
  type KademliaEvent,
  type KademliaMessage,
  type LookupResult,
  type RecordVerifier,
} from '@starling/core-kademlia';
import { type PeerId, type PeerInfo, type Rng, unreachable } from '@starling/kernel';
import type { MeshCommand } from '../api.ts';
import { need } from '../links.ts';
import { type Fact, type Hub, Part } from './part.ts';

/** Members in one command. 256: a guess, a page. */
const membersToldAtOnce = 256;

export interface LookupPartOptions {
  readonly config: KademliaConfig;
  readonly self: PeerInfo;
  readonly rng: Rng;
  /** Without one no record is believed, or held. */
  readonly verify?: RecordVerifier;
  /** Members with ids above `after`, ascending: the directory's page. */
  members(after: PeerId, size: number): readonly PeerInfo[];
  /** Hears of every lookup that ended; true: it was not for the layer above. */
  ended(lookupId: string, result: LookupResult): boolean;
}

/** Lookup by key: the directory says who is there, links to anybody are made for a call and let go. */
export class LookupPart<B> extends Part<B, KademliaMessage, KademliaCommand, KademliaEvent> {
  declare readonly core: Kademlia;
  readonly #members: LookupPartOptions['members'];
  readonly #ended: LookupPartOptions['ended'];

  constructor(hub: Hub<B>, { config, self, rng, verify = () => false, members, ended }: LookupPartOptions) {
    const core = new Kademlia({ config, self, rng, verify });
    super(hub, core, need.lookup, (message) => ({ area: 'lookup', message }));
    this.#members = members;
    this.#ended = ended;
  }

  protected override told(fact: Fact): KademliaCommand | undefined {
    switch (fact.kind) {
      case 'memberUp':
        return { kind: 'membersUp', peers: [fact.info] };
      case 'memberDown':
        return { kind: 'memberDown', id: fact.info.id };
      default:
        return undefined;
    }
  }

  protected override ordered(command: MeshCommand): KademliaCommand | undefined {
    switch (command.kind) {
      case 'getRecord':
        return { ...command, kind: 'get' };
      case 'putRecord':
        return { ...command, kind: 'put' };
      case 'cancelLookup':
        return { ...command, kind: 'cancel' };
      default:
        return undefined;
    }
  }

  protected said(event: KademliaEvent): void {
    switch (event.kind) {
      case 'finished':
        if (!this.#ended(event.lookupId, event.result)) this.hub.emit({ ...event, kind: 'lookupFinished' });
        break;
      case 'membersNeeded':
        this.#tellMembers();
        break;
      case 'protocolViolation':
        this.hub.violation(event);
        break;
      default:
        unreachable(event);
    }
  }

  #tellMembers(): void {
    for (let after = ''; ; ) {
      const peers = this.#members(after, membersToldAtOnce);
      if (peers.length > 0) this.command({ kind: 'membersUp', peers });
      if (peers.length < membersToldAtOnce) return;
      after = peers.at(-1)?.id ?? '';
    }
  }
}
