import { describe, expect, it } from 'vitest';
import { Network } from './network.test-support.ts';

/** So many peers, each with a word of its own. */
function meshOf(peers: number): Network {
  const network = new Network(5);
  for (let i = 0; i < peers; i++) {
    network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
    network.run(30);
    network.put(`p${i}`, `own${i}`);
  }
  network.run(20_000);
  return network;
}

describe('guided queries in a whole mesh', () => {
  it("go by the neighbours' digests, which follow the index and the links", () => {
    const network = meshOf(24);
    const ask = (number: number, word: string) => {
      const query = { kind: 'query', queryId: `p7/${number}`, text: word, words: [[word]], limit: 1 } as const;
      network.command('p7', { ...query, timeoutMs: 2_000, strategy: 'guided', budget: 100 });
      network.run(3_000);
      const events = network.nodes.get('p7')?.events ?? [];
      const finished = events.find((event) => event.kind === 'queryFinished' && event.queryId === query.queryId);
      if (finished?.kind !== 'queryFinished') throw new Error('it did not finish');
      return finished;
    };
    // Among 24 peers of degree 7 nearly everybody is within two links: there and back.
    let messages = 0;
    for (let i = 0; i < 24; i += 2) {
      const finished = ask(i, `own${i}`);
      expect(finished).toMatchObject({ strategy: 'guided', reason: 'limit' });
      messages += finished.tally.messages;
    }
    expect(messages / 12).toBeLessThan(8);
    // What was put later is known within two intervals.
    network.put('p20', 'own20', 'news');
    network.run(20_000);
    expect(ask(99, 'news')).toMatchObject({ reason: 'limit' });
  });
});
