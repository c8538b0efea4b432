import { type PeerId, RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { BestHits } from './best-hits.ts';
import { defaultSearchConfig, type SearchConfig } from './config.ts';
import type { Hit, SearchCommand, SearchEvent, SearchMessage } from './messages.ts';
import { Search } from './search.ts';

const config = defaultSearchConfig;

function hit(documentId: string, score: number, document = '{}'): Hit {
  return { peer: 'x', documentId, score, document };
}

const nothing = { asked: 1, answered: 1, messages: 0, missing: 0, bytes: 0 };

/** One search, called `me`, with eager links to a and b and a lazy one to z. */
class Bench {
  readonly core: Search;
  readonly #out = new RecordingOutbox<SearchMessage, SearchEvent>();
  now = 0;

  constructor(overrides: Partial<SearchConfig> = {}) {
    this.core = new Search({ config: { ...config, ...overrides }, selfId: 'me', rng: new Rng(1) });
    this.command({ kind: 'links', tree: 0, eager: ['a', 'b'], lazy: ['z'] });
    this.command({ kind: 'meshSize', peers: 3 });
  }

  command(command: SearchCommand): void {
    this.core.handle(this.now, { kind: 'command', command }, this.#out);
  }

  message(from: PeerId, message: SearchMessage): void {
    this.core.handle(this.now, { kind: 'message', from, message }, this.#out);
  }

  query(from: PeerId, queryId = 'o/1', wave = 0): void {
    this.message(from, { kind: 'query', queryId, wave, text: 't', limit: 10, timeoutMs: 1_000, hops: 1, tree: 0 });
  }

  answer(from: PeerId, hits: readonly Hit[], queryId = 'o/1', done = true): void {
    this.message(from, { kind: 'answer', queryId, wave: 0, hits, done: done ? nothing : null });
  }

  linkDown(peer: PeerId): void {
    this.core.handle(this.now, { kind: 'linkDown', peer, reason: 'lost' }, this.#out);
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (let at = this.core.nextDeadline(); at <= end; at = this.core.nextDeadline()) {
      this.now = Math.max(this.now, at);
      this.core.handle(this.now, { kind: 'tick' }, this.#out);
    }
    this.now = end;
  }

  /** Messages as `to kind`, events as `kind`. */
  steps(): string[] {
    return this.#out.take().flatMap((effect) => {
      if (effect.kind === 'send') return [`${effect.to} ${effect.message.kind}`];
      return effect.kind === 'emit' ? [effect.event.kind] : [];
    });
  }

  sent(): SearchMessage[] {
    return this.#out.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
  }

  events(): SearchEvent[] {
    return this.#out.take().flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : []));
  }
}

describe('relaying', () => {
  it('passes a query on to every eager link but the asker, with less time, and asks its own index', () => {
    const bench = new Bench();
    bench.query('a');
    expect(bench.steps()).toEqual(['b query', 'ask']);
    const other = new Bench();
    other.query('a');
    expect(other.sent()).toMatchObject([{ queryId: 'o/1', hops: 2, timeoutMs: 950 }]);
  });

  it('answers once, when its index and all branches have', () => {
    const bench = new Bench();
    bench.query('a');
    bench.steps();
    bench.answer('b', [hit('1', 1)]);
    expect(bench.steps()).toEqual([]);
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [hit('2', 2)] });
    expect(bench.sent()).toEqual([
      {
        kind: 'answer',
        queryId: 'o/1',
        wave: 0,
        hits: [hit('2', 2), hit('1', 1)],
        done: { asked: 2, answered: 2, messages: 2, missing: 0, bytes: expect.any(Number) },
      },
    ]);
  });

  it('does not let hits wait for a slow branch', () => {
    const bench = new Bench();
    bench.query('a');
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [hit('2', 2)] });
    bench.steps();
    bench.pass(config.flushMs);
    expect(bench.sent()).toMatchObject([{ kind: 'answer', hits: [hit('2', 2)], done: null }]);
  });

  it('declines a wave that it knows, also after it has answered', () => {
    const bench = new Bench();
    bench.query('a');
    bench.steps();
    bench.query('z');
    expect(bench.steps()).toEqual(['z decline']);
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [] });
    bench.answer('b', []);
    bench.steps();
    bench.query('z');
    expect(bench.steps()).toEqual(['z decline']);
  });

  it('answers the second wave afresh, over every link, and the straggler of the first is declined', () => {
    const bench = new Bench();
    bench.query('a');
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [] });
    bench.steps();
    bench.query('z', 'o/1', 1);
    expect(bench.steps()).toEqual(['a query', 'b query', 'ask']);
    bench.query('b');
    expect(bench.steps()).toEqual(['b decline']);
  });

  it('says before its asker gives up what is missing', () => {
    const bench = new Bench();
    bench.query('a');
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [] });
    bench.steps();
    bench.pass(1_000);
    expect(bench.sent()).toMatchObject([{ kind: 'answer', done: { asked: 2, answered: 1, missing: 1 } }]);
    bench.answer('b', []);
    expect(bench.core.stats.answersLate).toBe(1);
  });

  it('a branch whose link breaks is missing at once', () => {
    const bench = new Bench();
    bench.query('a');
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [] });
    bench.steps();
    bench.linkDown('b');
    expect(bench.sent()).toMatchObject([{ done: { asked: 2, missing: 1 } }]);
  });

  it('cancels its branches when the asker cancels or is gone, and obeys nobody else', () => {
    for (const end of ['cancel', 'linkDown'] as const) {
      const bench = new Bench();
      bench.query('a');
      bench.steps();
      bench.message('b', { kind: 'cancel', queryId: 'o/1' });
      expect(bench.steps()).toEqual([]);
      if (end === 'cancel') bench.message('a', { kind: 'cancel', queryId: 'o/1' });
      else bench.linkDown('a');
      expect(bench.steps()).toEqual(['b cancel', 'askOver']);
      expect(bench.core.activeCount).toBe(0);
    }
  });

  it('sheds beyond its bound, and the asker counts it as missing', () => {
    const bench = new Bench({ activeMax: 1 });
    bench.query('a', 'o/1');
    bench.steps();
    bench.query('a', 'o/2');
    expect(bench.sent()).toMatchObject([{ queryId: 'o/2', done: { asked: 1, answered: 0, missing: 1 } }]);
    expect(bench.core.stats.queriesShed).toBe(1);
  });

  it('asks nobody who would have to refuse what came from so far, and counts them as missing', () => {
    const bench = new Bench();
    const query = { queryId: 'o/1', wave: 0, text: 't', limit: 10, timeoutMs: 1_000, tree: 0 };
    bench.message('a', { kind: 'query', ...query, hops: config.hopsMax });
    expect(bench.steps()).toEqual(['ask']);
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [] });
    expect(bench.sent()).toMatchObject([{ kind: 'answer', done: { asked: 2, answered: 1, missing: 1 } }]);
    expect(bench.core.stats.violations).toBe(0);
  });

  it('forgets the oldest finished query beyond its bound, counted', () => {
    const bench = new Bench({ seenMax: 2 });
    for (const queryId of ['o/1', 'o/2', 'o/3']) {
      bench.query('a', queryId);
      bench.message('a', { kind: 'cancel', queryId });
    }
    expect(bench.core.seenEvicted).toBe(1);
  });
});

describe('hits', () => {
  it('are cut to the best that are wanted at every hop', () => {
    const bench = new Bench();
    bench.query('a');
    bench.answer(
      'b',
      Array.from({ length: 30 }, (_, at) => hit(`${at}`, at)),
    );
    bench.steps();
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [hit('low', 5), hit('high', 25.5)] });
    const [answer] = bench.sent();
    const scores = answer?.kind === 'answer' ? answer.hits.map(({ score }) => score) : [];
    expect(scores).toEqual([29, 28, 27, 26, 25.5, 25, 24, 23, 22, 21]);
  });

  it('are not passed on when better ones went before', () => {
    const bench = new Bench();
    bench.query('a');
    bench.answer(
      'b',
      Array.from({ length: 10 }, (_, at) => hit(`${at}`, 100 + at)),
      'o/1',
      false,
    );
    bench.pass(config.flushMs);
    bench.steps();
    bench.command({ kind: 'localHits', queryId: 'o/1', hits: [hit('low', 1)] });
    bench.answer('b', []);
    expect(bench.sent()).toMatchObject([{ kind: 'answer', hits: [], done: { answered: 2 } }]);
  });

  it('that wait are dropped when, with those passed on before, enough better ones came', () => {
    const best = new BestHits(2);
    best.add(hit('passed on', 5));
    expect(best.take()).toHaveLength(1);
    best.add(hit('outdone', 3));
    best.add(hit('better', 6));
    expect(best.take().map(({ documentId }) => documentId)).toEqual(['better']);
  });

  it('travel in messages of bounded size', () => {
    const bench = new Bench({ answerCharsMax: 100 });
    bench.query('a');
    bench.steps();
    const hits = Array.from({ length: 5 }, (_, at) => hit(`${at}`, at, 'x'.repeat(60)));
    bench.command({ kind: 'localHits', queryId: 'o/1', hits });
    expect(bench.sent().map((message) => message.kind === 'answer' && message.hits.length)).toEqual([1, 1, 1, 1]);
  });

  it('too large or without a rank are dropped and counted', () => {
    const bench = new Bench({ hitCharsMax: 10 });
    bench.query('a');
    bench.answer('b', [hit('large', 1, 'x'.repeat(11)), hit('nan', Number.NaN)]);
    expect(bench.core.stats.hitsDropped).toBe(2);
  });
});

describe('asking', () => {
  function started(): Bench {
    const bench = new Bench();
    bench.command({ kind: 'start', queryId: 'q', text: 't', limit: 2, timeoutMs: 1_000 });
    return bench;
  }

  it('calls the query by its own name to the layer above, and by a mesh-wide one on the wire', () => {
    const effects = started();
    expect(effects.sent().map((message) => message.kind === 'query' && message.queryId)).toEqual(['me/q', 'me/q']);
    expect(started().events()).toMatchObject([{ kind: 'ask', queryId: 'q' }]);
  });

  it('is complete only when everybody that the directory knows has answered', () => {
    for (const peers of [3, 4]) {
      const bench = started();
      bench.command({ kind: 'meshSize', peers });
      bench.command({ kind: 'localHits', queryId: 'q', hits: [] });
      bench.answer('a', [], 'me/q');
      bench.answer('b', [], 'me/q');
      expect(bench.steps().at(-1)).toBe(peers === 3 ? 'finished' : 'ask');
    }
  });

  it('a copy of its own query that comes around is declined', () => {
    const bench = started();
    bench.steps();
    bench.query('z', 'me/q');
    bench.query('z', 'me/from-an-earlier-life');
    expect(bench.steps()).toEqual(['z decline', 'z decline']);
  });

  it('goes over the lazy links at once when there is no eager one', () => {
    const bench = new Bench();
    bench.command({ kind: 'links', tree: 0, eager: [], lazy: ['z'] });
    bench.command({ kind: 'start', queryId: 'q', text: 't', limit: 2, timeoutMs: 1_000 });
    expect(bench.steps()).toEqual(['z query', 'ask']);
  });
});
