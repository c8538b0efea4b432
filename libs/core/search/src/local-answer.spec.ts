import { describe, expect, it } from 'vitest';
import { idsOf, SearchNetwork } from '../spec/search-network.ts';
import type { Hit } from './messages.ts';

const hit = (peer: string, documentId: string, responder?: string): Hit => ({
  peer,
  documentId,
  score: 1,
  document: '{}',
  ...(responder !== undefined && { responder }),
});

/** p00 – p01; what is asked of p01's engines is kept, and answered by the test. */
function pair() {
  const network = new SearchNetwork(idsOf(2));
  network.link('p00', 'p01', 'eager');
  network.takeOver('p01');
  return network;
}

describe('a local answer that is given in parts', () => {
  it('is passed on as it comes, and ended by its last part, with what engines did', () => {
    const network = pair();
    network.start('p00', '1', 10, 1_000);
    network.run(50);
    const [ask] = network.asks;
    expect(ask?.timeoutMs).toBeGreaterThan(400);
    // Sooner than p00's first wave ends, at 600 ms, and than p01 must say so.
    expect(ask?.timeoutMs).toBeLessThan(560);
    const queryId = ask?.queryId ?? '';
    network.command('p01', { kind: 'localHits', queryId, hits: [hit('p01', 'a', 'files')], more: true });
    network.run(200);
    expect(network.hits.map(({ documentId, responder }) => [documentId, responder])).toEqual([['a', 'files']]);
    expect(network.finished).toEqual([]);
    // The same id of another engine is another hit.
    const responders = { asked: 2, answered: 2, late: 0 };
    network.command('p01', { kind: 'localHits', queryId, hits: [hit('p01', 'a', 'other')], responders });
    network.run(100);
    expect(network.hits.map(({ responder }) => responder)).toEqual(['files', 'other']);
    expect(network.finished).toMatchObject([{ tally: { asked: 2, answered: 2, responders }, complete: true }]);
  });

  it('with an engine that was late makes the answer incomplete, and nobody is asked again for it', () => {
    const network = pair();
    network.start('p00', '1', 10, 1_000);
    network.run(50);
    const responders = { asked: 2, answered: 1, late: 1 };
    network.command('p01', { kind: 'localHits', queryId: network.asks[0]?.queryId ?? '', hits: [], responders });
    network.run(1_000);
    expect(network.finished).toMatchObject([{ reason: 'done', complete: false, tally: { answered: 2, responders } }]);
    expect(network.asks).toHaveLength(1);
    expect(network.node('p00').core.stats.furtherWaves).toBe(0);
  });

  it.each(['cancel', 'link'])('is not waited for any more after a %s', (end) => {
    const network = pair();
    network.start('p00', '1', 10, 1_000);
    network.run(50);
    if (end === 'cancel') network.command('p00', { kind: 'cancel', queryId: '1' });
    else network.kill('p00');
    network.run(50);
    expect(network.over).toEqual([network.asks[0]?.queryId]);
  });

  it('is asked for from the beginning when a second wave comes in the middle of it', () => {
    const network = new SearchNetwork(idsOf(4));
    network.link('p00', 'p01', 'eager');
    network.link('p01', 'p03', 'eager');
    network.link('p00', 'p02', 'lazy');
    network.link('p02', 'p03', 'lazy');
    network.takeOver('p03');
    network.start('p00', '1', 10, 1_000);
    network.run(50);
    const part = {
      kind: 'localHits',
      queryId: network.asks[0]?.queryId ?? '',
      hits: [hit('p03', 'a', 'files')],
    } as const;
    network.command('p03', { ...part, more: true });
    // The relay dies with the first part; p03 hears the second wave from p02.
    network.kill('p01');
    network.run(100);
    expect(network.asks).toHaveLength(2);
    network.command('p03', { ...part, responders: { asked: 1, answered: 1, late: 0 } });
    network.run(1_000);
    expect(network.hits.filter(({ responder }) => responder === 'files')).toHaveLength(1);
    expect(network.finished).toMatchObject([{ tally: { answered: 3, responders: { answered: 1 } } }]);
  });

  it('a tally that cannot be is a violation', () => {
    const network = pair();
    network.start('p00', '1', 10, 1_000);
    const answer = (responders: { asked: number; answered: number; late: number }) => () =>
      network.handle('p00', {
        kind: 'message',
        from: 'p01',
        message: {
          kind: 'answer',
          queryId: 'p00/1',
          wave: 0,
          hits: [],
          done: { asked: 1, answered: 1, messages: 0, missing: 0, bytes: 0, responders },
        },
      });
    expect(answer({ asked: 1, answered: 1, late: 1 })).toThrow('answer');
    expect(answer({ asked: -1, answered: 0, late: 0 })).toThrow('answer');
    expect(answer({ asked: 1, answered: Number.NaN, late: 0 })).toThrow('answer');
  });
});
