import type { BanReader, SignedBan } from '@starling/core-bans';
import { beforeEach, describe, expect, it } from 'vitest';
import { Network } from './network.test-support.ts';

/** Everything that the operator `o` says; a record is its own statement. */
const reader: BanReader = {
  parse: ({ statement }) => JSON.parse(String.fromCharCode(...statement)),
  verify: ({ key }) => (key === 'o' ? 'valid' : 'forged'),
};

function record(subject: string, number: number, bannedUntil: number, key = 'o'): SignedBan {
  const text = JSON.stringify({
    subject,
    number,
    issuedAt: 0,
    bannedUntil,
    expiresAt: 1e9,
    reason: 'floods',
    by: 'ann',
  });
  return { statement: Uint8Array.from(text, (c) => c.charCodeAt(0)), signature: new Uint8Array(), key };
}

const names = Array.from({ length: 12 }, (_, i) => `p${i}`);
let network: Network;

function neighborsOf(id: string): string[] {
  return (network.nodes.get(id)?.mesh.root.membership.activeView() ?? []).map((peer) => peer.id);
}

function knowing(ids: readonly string[], subject: string): string[] {
  return ids.filter((id) => network.nodes.get(id)?.mesh.isBanned(subject));
}

function grow(ids: readonly string[], contact?: string): void {
  ids.forEach((id, i) => {
    network.add(id, i === 0 ? contact : ids[0]);
    network.run(50);
  });
  network.run(20_000);
}

describe('a ban of the whole mesh', () => {
  beforeEach(() => {
    network = new Network(3, {}, reader);
    grow(names);
  });

  it('reaches everybody within a second; the banned has no link left, and no view names it', () => {
    network.command('p4', { kind: 'submitBan', requestId: 1, record: record('p7', 1, 1e9) });
    network.run(1_000);
    expect(knowing(names, 'p7')).toEqual(names);
    expect(neighborsOf('p7')).toEqual([]);
    const others = names.filter((id) => id !== 'p7');
    for (const id of others) {
      expect(neighborsOf(id)).not.toContain('p7');
      expect(
        network.nodes
          .get(id)
          ?.mesh.root.membership.passiveView()
          .map((peer) => peer.id),
      ).not.toContain('p7');
    }
    network.run(60_000);
    expect(network.parts()).toEqual([11, 1]);
    expect(network.nodes.get('p7')?.events).toContainEqual(expect.objectContaining({ kind: 'banned' }));
  });

  it('is found out by a late joiner, which the banned cannot use as a way in', () => {
    network.command('p4', { kind: 'submitBan', requestId: 1, record: record('p7', 1, 1e9) });
    network.run(1_000);
    network.add('late', 'p2');
    network.run(5_000);
    expect(knowing(['late'], 'p7')).toEqual(['late']);
    network.command('p7', { kind: 'contacts', peers: [network.nodes.get('late')?.info as never] });
    network.run(5_000);
    expect(neighborsOf('p7')).toEqual([]);
  });

  it('and what was lifted meanwhile are agreed on when two islands merge', () => {
    const island = Array.from({ length: 8 }, (_, i) => `q${i}`);
    grow(island);
    network.command('p1', { kind: 'submitBan', requestId: 1, record: record('x', 1, 1e9) });
    network.command('p1', { kind: 'submitBan', requestId: 2, record: record('y', 1, 1e9) });
    network.command('q1', { kind: 'submitBan', requestId: 1, record: record('x', 2, 0) });
    network.command('q1', { kind: 'submitBan', requestId: 2, record: record('z', 1, 1e9) });
    network.run(2_000);
    network.command('q3', { kind: 'contacts', peers: [network.nodes.get('p3')?.info as never] });
    network.run(10_000);
    const all = [...names, ...island];
    expect(network.parts()).toEqual([20]);
    expect(knowing(all, 'x')).toEqual([]);
    expect(knowing(all, 'y')).toEqual(all);
    expect(knowing(all, 'z')).toEqual(all);
  });

  it('that is lifted lets the peer back in', () => {
    network.command('p4', { kind: 'submitBan', requestId: 1, record: record('p7', 1, 1e9) });
    network.run(5_000);
    network.command('p4', { kind: 'submitBan', requestId: 2, record: record('p7', 2, 0) });
    network.run(1_000);
    // Its discovery goes on looking while it is alone.
    network.command('p7', { kind: 'contacts', peers: [network.nodes.get('p0')?.info as never] });
    network.run(20_000);
    expect(network.parts()).toEqual([12]);
  });

  it('ends by itself', () => {
    network.command('p4', { kind: 'submitBan', requestId: 1, record: record('p7', 1, network.now + 10_000) });
    network.run(5_000);
    expect(knowing(names, 'p7')).toEqual(names);
    network.run(6_000);
    expect(knowing(names, 'p7')).toEqual([]);
    expect(network.nodes.get('p2')?.events).toContainEqual({ kind: 'banLifted', peer: 'p7' });
  });

  it('that nobody signed costs its bringer, and reaches nobody', () => {
    network.say('p3', neighborsOf('p3')[0] as string, {
      area: 'bans',
      message: { kind: 'bansRecords', records: [record('p7', 1, 1e9, 'somebody')] },
    });
    network.run(1_000);
    expect(knowing(names, 'p7')).toEqual([]);
    const victims = [...network.nodes.values()].filter(({ events }) =>
      events.some((event) => event.kind === 'protocolViolation' && event.peer === 'p3'),
    );
    expect(victims).toHaveLength(1);
  });
});

describe('what the banned said before, or by way of somebody who did not hear of it', () => {
  it('reaches no subscriber, and its stream goes on after a gap', () => {
    network = new Network(1, {}, reader);
    network.add('me');
    network.add('relay', 'me');
    network.run(1_000);
    const subscription = network.subscribe('me', '>');
    const gossip = (seq: number) =>
      network.say('relay', 'me', {
        area: 'broadcast',
        swarm: 0,
        message: {
          kind: 'gossip',
          stream: 'bad~1',
          seq,
          round: 1,
          publishedAt: network.now,
          wantHeld: false,
          repair: false,
          tree: 0,
          entry: 0,
          signature: null,
          body: { kind: 'user', topic: 'a', payload: Uint8Array.of(seq), headers: {} },
        },
      });
    gossip(1);
    network.run(10);
    network.command('me', { kind: 'submitBan', requestId: 1, record: record('bad', 1, network.now + 5_000) });
    gossip(2);
    network.run(6_000);
    gossip(3);
    network.run(10);
    const items = network.read('me', subscription) as { kind: string; message?: { seq: number } }[];
    expect(items.slice(0, 3).map(({ kind, message }) => message?.seq ?? kind)).toEqual([1, 'gap', 3]);
  });
});
