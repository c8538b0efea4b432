import { RecordingOutbox, Rng } from '@starling/kernel';
import { defaultPlumtreeConfig, type PlumtreeConfig } from './config.ts';
import type { Gossip, PlumtreeCommand, PlumtreeEvent, PlumtreeMessage } from './messages.ts';
import { describe as inShort } from './network.test-support.ts';
import { Plumtree } from './plumtree.ts';

/** A core with neighbours, and what it says in short. */
export class Bench {
  readonly core: Plumtree<string>;
  readonly out = new RecordingOutbox<PlumtreeMessage<string>, PlumtreeEvent<string>>();

  constructor(neighbors: readonly string[], config: Partial<PlumtreeConfig> = {}, zone = '') {
    const self = { id: 'me', stream: 'me~1', zone };
    this.core = new Plumtree({ ...defaultPlumtreeConfig, ...config }, self, new Rng(7), (body) => body.length);
    for (const peer of neighbors) this.up(0, peer);
  }

  command(now: number, command: PlumtreeCommand<string>): string[] {
    this.core.handle(now, { kind: 'command', command }, this.out);
    return this.#said();
  }

  /** A peer of another zone is written `zone/name`. */
  up(now: number, peer: string): string[] {
    return this.command(now, {
      kind: 'neighborUp',
      peer,
      zone: peer.includes('/') ? (peer.split('/')[0] as string) : 'here',
    });
  }

  receive(now: number, from: string, message: PlumtreeMessage<string>): string[] {
    this.core.handle(now, { kind: 'message', from, message }, this.out);
    return this.#said();
  }

  publish(
    now: number,
    body: string,
    options: { wantHeld?: boolean; ephemeral?: boolean; patient?: boolean } = {},
  ): string[] {
    const { wantHeld = false, ephemeral = false, patient = false } = options;
    return this.command(now, { kind: 'broadcast', body, wantHeld, ephemeral, patient });
  }

  piggyback(peer: string): string[] {
    this.core.piggyback(peer, this.out);
    return this.#said();
  }

  tick(now: number): string[] {
    this.core.handle(now, { kind: 'tick' }, this.out);
    return this.#said();
  }

  /** Makes a neighbour lazy, as a duplicate would. */
  lazy(...peers: string[]): void {
    const tree = this.core.zoneTree;
    for (const peer of peers) this.receive(0, peer, { kind: 'prune', tree, yieldTo: null });
  }

  #said(): string[] {
    return this.out.take().map((effect) => {
      if (effect.kind === 'send') return `${effect.to}: ${inShort(effect.message)}`;
      if (effect.kind !== 'emit') return effect.kind;
      if (effect.event.kind === 'delivered') return `delivered ${inShort(effect.event.message)}`;
      return JSON.stringify(effect.event);
    });
  }
}

export function gossip(seq: number, more: Partial<Gossip<string>> = {}): Gossip<string> {
  return {
    kind: 'gossip',
    stream: 'o~1',
    seq,
    round: 1,
    publishedAt: 0,
    wantHeld: false,
    repair: false,
    tree: 0,
    entry: 0,
    signature: null,
    body: `m${seq}`,
    ...more,
  };
}

export function iHave(from: number, to = from, round = 2, tree = 0): PlumtreeMessage<string> {
  return { kind: 'iHave', items: [{ stream: 'o~1', from, to, round, tree, entry: 0 }] };
}
