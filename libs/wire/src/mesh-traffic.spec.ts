import { describe, expect, it } from 'vitest';
import { WiredNetwork } from './test-support/wired-network.ts';

const messageKinds = [
  ...['join', 'forwardJoin', 'neighbor', 'neighborReply', 'disconnect', 'shuffle', 'shuffleReply'],
  ...['gossip', 'iHave', 'graft', 'prune', 'digest', 'pull', 'held'],
  ...['ping', 'ack', 'probe', 'probeReply', 'watchers'],
  ...['directoryDigest', 'directoryRecords'],
  ...['findNode', 'findNodeReply', 'findValue', 'findValueReply', 'store', 'storeReply'],
  ...['query', 'answer', 'decline', 'cancel', 'seek', 'found', 'linkTerms'],
];
const bodyKinds = ['user', 'canary', 'announce', 'leave', 'accuse', 'watch', 'report'];

/** What a mesh goes through in two minutes, everything over the wire. The network checks each frame as it crosses. */
function life(seed: number): WiredNetwork {
  const network = new WiredNetwork(seed);
  const publish = (id: string, wantHeld: boolean) =>
    network.command(id, {
      kind: 'publish',
      requestId: 1,
      topic: 'news.today',
      payload: Uint8Array.of(0, 127, 128, 255),
      headers: { traceparent: '00-1-2-01', Größe: '' },
      wantHeld,
    });
  const query = (id: string, queryId: string, strategy: 'auto' | 'walk' | 'ring' | 'guided' = 'auto') =>
    network.command(id, { kind: 'query', queryId, text: 'über', limit: 10, timeoutMs: 1_500.5, strategy });

  for (let i = 0; i < 7; i++) network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
  network.run(5_000);
  for (const id of ['p0', 'p1', 'p2']) {
    const fingerprints = Uint32Array.of(1, 2, 3_000_000_000);
    network.command(id, { kind: 'indexTerms', fingerprints, documents: 1, words: 3 });
  }
  publish('p1', true);
  network.putRecord('p1', 'p1/1');
  query('p2', 'p2/1');
  network.command('p3', { kind: 'watchTopology', active: true });
  network.run(3_000);
  for (const id of network.living) network.getRecord(id, `${id}/1`);
  network.run(500);

  // A newcomer gets what it missed. Then a peer stands still: others ask about it, graft past it and search around it.
  network.add('p7', 'p3');
  network.run(3_000);
  network.hang('p4');
  for (const id of ['p0', 'p5', 'p6']) publish(id, false);
  query('p2', 'p2/2');
  query('p3', 'p3/1', 'walk');
  query('p5', 'p5/2', 'ring');
  query('p1', 'p1/1', 'guided');
  query('p5', 'p5/1');
  network.run(400);
  network.command('p5', { kind: 'cancelQuery', queryId: 'p5/1' });
  network.run(1_500);
  network.wake('p4');
  network.run(10_000);

  network.end('p6');
  network.run(5_000);
  network.command('p0', { kind: 'leave' });
  network.run(1_000);
  network.end('p0');
  network.run(90_000);
  return network;
}

describe('the traffic of a mesh', () => {
  it('crosses the wire as it was sent: joins, publishes, queries, a watch, a hang, a crash, a leave', () => {
    const seen = new Set<string>();
    for (const seed of [1, 2, 3]) {
      const network = life(seed);
      for (const kind of network.seen) seen.add(kind);
      const living = ['p1', 'p2', 'p3', 'p4', 'p5', 'p7'];
      expect(network.living.sort()).toEqual(living);
      for (const id of living) {
        expect(network.events(id, 'protocolViolation')).toEqual([]);
        expect(network.mesh(id).directory.size).toBe(living.length);
        expect(network.mesh(id).observe.heard).toBe(living.length);
        expect(network.mesh(id).root.broadcast.stats.delivered).toBeGreaterThanOrEqual(4);
      }
      for (const id of living.filter((each) => each !== 'p7' && each !== 'p1')) {
        expect(network.events(id, 'lookupFinished')[0]?.result).toMatchObject({ outcome: 'found' });
      }
      expect(network.events('p2', 'queryFinished')[0]).toMatchObject({ complete: true, tally: { answered: 7 } });
    }
    // A kind that this life does not send is a hole in the test.
    expect([...messageKinds, ...bodyKinds].filter((kind) => !seen.has(kind))).toEqual([]);
  });
});
