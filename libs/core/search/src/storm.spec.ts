import { type PeerId, RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { idsOf, SearchNetwork } from '../spec/search-network.ts';
import { defaultSearchConfig } from './config.ts';
import type { Hit, SearchEvent, SearchMessage } from './messages.ts';
import { ResultCache } from './result-cache.ts';
import { Search } from './search.ts';

const config = { ...defaultSearchConfig, activeMax: 100_000 };

describe('a storm of questions', () => {
  it('of one neighbour is shed beyond its share; its asker is told that somebody is missing, and others are served', () => {
    const core = new Search({ config, selfId: 'me', rng: new Rng(1) });
    const out = new RecordingOutbox<SearchMessage, SearchEvent>();
    const ask = (from: PeerId, number: number): void => {
      const query = {
        kind: 'query',
        queryId: `${from}/${number}`,
        wave: 0,
        text: 't',
        limit: 1,
        hops: 1,
        tree: 0,
      } as const;
      core.handle(0, { kind: 'message', from, message: { ...query, timeoutMs: 1_000 } }, out);
    };
    for (let i = 0; i < 1_000; i++) ask('a', i);
    ask('b', 1);
    const effects = out.take();
    const asked = effects.filter((effect) => effect.kind === 'emit' && effect.event.kind === 'ask');
    expect(asked).toHaveLength(config.neighborPerSecondMax + 1);
    const shed = effects.flatMap((effect) =>
      effect.kind === 'send' && effect.message.kind === 'answer' ? [effect.message.done?.missing] : [],
    );
    expect(shed).toEqual(Array(1_000 - config.neighborPerSecondMax).fill(1));
    expect(core.stats.queriesShed).toBe(1_000 - config.neighborPerSecondMax);
  });

  it('of own clients is overloaded, and told when there is room again', () => {
    const core = new Search({ config, selfId: 'me', rng: new Rng(1) });
    const out = new RecordingOutbox<SearchMessage, SearchEvent>();
    let now = 0;
    const ask = (number: number): number | undefined => {
      const start = { kind: 'start', queryId: `${number}`, text: 't', limit: 1, timeoutMs: 1_000 } as const;
      core.handle(now, { kind: 'command', command: start }, out);
      const ends = out
        .take()
        .flatMap((effect) => (effect.kind === 'emit' && effect.event.kind === 'finished' ? [effect.event] : []));
      return ends[0]?.reason === 'overloaded' ? ends[0].retryAfterMs : undefined;
    };
    for (let i = 0; i < config.ownPerSecondMax; i++) expect(ask(i)).toBeUndefined();
    const retryAfterMs = ask(1_000) ?? 0;
    expect(retryAfterMs).toBeGreaterThan(0);
    now += retryAfterMs;
    expect(ask(1_001)).toBeUndefined();
  });
});

describe('answers that are remembered', () => {
  const hit = (document: string): Hit => ({ peer: 'p', documentId: 'd', score: 1, document });

  it('are given again at no cost, with their age, until they are too old', () => {
    const network = new SearchNetwork(idsOf(60), 3);
    network.entangle(5);
    for (const [id, { documents }] of network.nodes) documents.push({ id, score: 1 });
    const how = { strategy: 'walk' as const };
    const first = network.query('p01', 'q1', 3, 1_000, how);
    expect(first).toMatchObject({ reason: 'limit' });
    expect(first.cacheAgeMs).toBeUndefined();
    const sent = network.messages;
    const again = network.query('p01', 'q2', 3, 1_000, how);
    expect(again).toMatchObject({ reason: 'limit', complete: false, tally: { messages: 0, asked: 0 } });
    expect(again.cacheAgeMs).toBeGreaterThan(1_000);
    expect(network.messages).toBe(sent);
    expect(network.hits.slice(3)).toEqual(network.hits.slice(0, 3));
    network.run(defaultSearchConfig.cacheMs);
    expect(network.query('p01', 'q3', 3, 1_000, how).cacheAgeMs).toBeUndefined();
  });

  it('are not those of another question, of an index that changed, of everybody, or of a query that missed somebody', () => {
    const network = new SearchNetwork(idsOf(60), 3);
    network.entangle(5);
    for (const [id, { documents }] of network.nodes) documents.push({ id, score: 1 });
    const how = { strategy: 'walk' as const };
    network.query('p01', 'q1', 3, 1_000, how);
    for (const [number, other] of [
      { ...how, text: '1' },
      { ...how, budget: 300 },
      { strategy: 'ring' as const },
    ].entries()) {
      expect(network.query('p01', `o${number}`, 3, 1_000, other).cacheAgeMs).toBeUndefined();
    }
    expect(network.query('p01', 'l4', 4, 1_000, how).cacheAgeMs).toBeUndefined();
    network.command('p01', { kind: 'ownTerms', fingerprints: null });
    expect(network.query('p01', 'q5', 3, 1_000, how).cacheAgeMs).toBeUndefined();
    for (const id of ['e1', 'e2']) {
      expect(network.query('p02', id, 3, 1_000, { strategy: 'exhaustive' }).cacheAgeMs).toBeUndefined();
    }
    const [hung] = network.node('p03').lazy;
    network.node(hung as string).isHung = true;
    for (const id of ['h1', 'h2']) {
      expect(network.query('p03', id, 1_000, 1_000, how).cacheAgeMs).toBeUndefined();
    }
  });

  it('are bounded in number and in characters, the oldest goes first', () => {
    const cache = new ResultCache(2, 1_000, 10_000);
    for (const key of ['a', 'b', 'c']) cache.put(0, key, [hit('x')], 'limit');
    expect([cache.size, cache.get(0, 'a'), cache.get(0, 'c')?.reason]).toEqual([2, undefined, 'limit']);
    cache.put(0, 'large', [hit('x'.repeat(990))], 'limit');
    expect([cache.size, cache.get(0, 'c')]).toEqual([1, undefined]);
    cache.put(0, 'too large', [hit('x'.repeat(1_000))], 'limit');
    expect(cache.get(0, 'too large')).toBeUndefined();
    expect(cache.chars).toBeLessThanOrEqual(1_000);
    expect([cache.get(10_000, 'large'), cache.size, cache.chars]).toEqual([undefined, 0, 0]);
  });
});
