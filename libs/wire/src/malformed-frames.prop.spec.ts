import { byteMutations, mutated } from '@starling/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultFrameLimits, FrameDecoder } from './frame-codec.ts';
import { atWork } from './test-support/at-work.ts';

const recorded: Buffer[] = [];
beforeAll(() => {
  atWork(7, recorded);
});

describe('frames of a neighbour that has gone mad', () => {
  it('neither break a peer nor make it hold more than it may, and it says little about them', () => {
    expect(recorded.length).toBeGreaterThan(100);
    let readable = 0;
    const frame = fc.tuple(fc.nat(), fc.array(byteMutations, { maxLength: 2 }));
    fc.assert(
      fc.property(fc.array(frame, { minLength: 80, maxLength: 200 }), (frames) => {
        const network = atWork(7);
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
