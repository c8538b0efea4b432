import { byteMutations, mutated } from '@starling/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultFrameLimits, FrameDecoder } from './frame-codec.ts';
import { WiredNetwork } from './test-support/wired-network.ts';

/** Four peers at work: they publish, search and are watched. */
function atWork(recorded: Buffer[] | null): WiredNetwork {
  const network = new WiredNetwork(7);
  network.recorded = recorded;
  for (let i = 0; i < 4; i++) network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
  network.run(5_000);
  network.command('p1', { kind: 'watchTopology', active: true });
  for (const id of ['p0', 'p1', 'p2', 'p3']) {
    network.command(id, {
      kind: 'publish',
      requestId: 1,
      topic: 'news',
      payload: Uint8Array.of(1, 2, 3),
      headers: { a: 'b' },
      wantHeld: true,
    });
    for (const [at, strategy] of (['exhaustive', 'walk', 'ring'] as const).entries()) {
      network.command(id, { kind: 'query', queryId: `${id}/${at}`, text: 'x', limit: 5, timeoutMs: 1_000, strategy });
    }
    network.putRecord(id, `${id}/put`);
    network.getRecord(id, `${id}/get`);
  }
  network.run(12_000);
  return network;
}

const recorded: Buffer[] = [];
beforeAll(() => {
  atWork(recorded);
});

describe('frames of a neighbour that has gone mad', () => {
  it('neither break a peer nor make it hold more than it may, and it says little about them', () => {
    expect(recorded.length).toBeGreaterThan(100);
    let readable = 0;
    const frame = fc.tuple(fc.nat(), fc.array(byteMutations, { maxLength: 2 }));
    fc.assert(
      fc.property(fc.array(frame, { minLength: 80, maxLength: 200 }), (frames) => {
        const network = atWork(null);
        const decoder = new FrameDecoder(defaultFrameLimits);
        let messages = 0;
        for (const [which, mutations] of frames) {
          const good = recorded[which % recorded.length] as Buffer;
          const decoded = decoder.decode(mutated(good, mutations));
          if (decoded.kind === 'malformed') continue;
          readable++;
          for (const message of decoded.messages) {
            messages++;
            network.inject('p1', 'p0', message);
          }
          network.run(5);
        }
        network.run(3_000);
        const { directory, lookup, root } = network.mesh('p1');
        expect(directory.size).toBeLessThanOrEqual(4 + messages);
        expect(root.membership.activeView().length).toBeLessThanOrEqual(3);
        expect(lookup.store.count).toBeLessThanOrEqual(4 + messages);
        expect(root.broadcast.store.size).toBeLessThanOrEqual(100 + messages);
        expect(network.events('p1', 'protocolViolation').length).toBeLessThanOrEqual(messages);
      }),
      { numRuns: 6 },
    );
    // Otherwise the decoder would have been tried alone.
    expect(readable).toBeGreaterThan(150);
  }, 60_000);
});
