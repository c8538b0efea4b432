import { Bloom } from '@starling/digest';
import { RecordingOutbox, Rng } from '@starling/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idsOf, SearchNetwork } from '../spec/search-network.ts';
import { BestHits } from './best-hits.ts';
import { defaultSearchConfig } from './config.ts';
import type { Hit, SearchEvent, SearchMessage, SeekTally } from './messages.ts';
import { Search } from './search.ts';

const peer = fc.constantFrom('a', 'b', 'c');
const queryId = fc.constantFrom('o/1', 'o/2', 'me/1', '');
const wave = fc.constantFrom(0, 1, 2, Number.NaN);
const hostileNumber = fc.oneof(
  fc.integer({ min: -2, max: 300 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, Number.MAX_SAFE_INTEGER),
);
const hit: fc.Arbitrary<Hit> = fc.record({
  peer,
  documentId: fc.constantFrom('1', '2', '3'),
  score: hostileNumber,
  document: fc.constantFrom('{}', 'x'.repeat(99)),
});
const tally = fc.record({
  asked: hostileNumber,
  answered: hostileNumber,
  messages: hostileNumber,
  missing: hostileNumber,
  bytes: hostileNumber,
});
const seekTally = fc.record({
  declined: fc.boolean(),
  asked: hostileNumber,
  answered: hostileNumber,
  messages: hostileNumber,
  bytes: hostileNumber,
  missing: hostileNumber,
  walkers: hostileNumber,
  edges: hostileNumber,
});
const termsPart = fc.record({
  isDelta: fc.boolean(),
  filter: fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.array(fc.nat(99), { maxLength: 3 }).map((terms) => {
      const bloom = new Bloom(8, 3);
      for (const low of terms) bloom.add({ high: 1, low });
      return bloom.toBytes();
    }),
  ),
});
const strategy = fc.constantFrom('exhaustive' as const, 'walk' as const, 'ring' as const, 'guided' as const);
const message: fc.Arbitrary<SearchMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('query' as const),
    queryId,
    wave,
    text: fc.string(),
    limit: hostileNumber,
    timeoutMs: hostileNumber,
    hops: hostileNumber,
    tree: hostileNumber,
  }),
  fc.record({
    kind: fc.constant('answer' as const),
    queryId,
    wave,
    hits: fc.array(hit, { maxLength: 9 }),
    done: fc.option(tally),
  }),
  fc.record({ kind: fc.constant('decline' as const), queryId, wave }),
  fc.record({ kind: fc.constant('cancel' as const), queryId }),
  fc.record({
    kind: fc.constant('seek' as const),
    queryId,
    strategy: fc.constantFrom('walk' as const, 'ring' as const, 'guided' as const),
    round: fc.oneof(fc.integer({ min: 1, max: 3 }), hostileNumber),
    text: fc.string(),
    limit: fc.oneof(fc.integer({ min: 1, max: 3 }), hostileNumber),
    timeoutMs: fc.oneof(fc.constant(400), hostileNumber),
    roundMs: fc.oneof(fc.constant(300), hostileNumber),
    hops: fc.oneof(fc.constant(1), hostileNumber),
    steps: fc.oneof(fc.integer({ min: 0, max: 3 }), hostileNumber),
    walkers: fc.oneof(fc.integer({ min: 1, max: 3 }), hostileNumber),
    budget: fc.oneof(fc.integer({ min: 1, max: 30 }), hostileNumber),
    terms: fc.array(fc.array(hostileNumber, { maxLength: 3 }), { maxLength: 3 }),
    resume: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('linkTerms' as const),
    version: fc.oneof(fc.integer({ min: 1, max: 3 }), hostileNumber),
    near: fc.option(termsPart),
    beyond: fc.option(termsPart),
    degree: hostileNumber,
    again: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('found' as const),
    queryId,
    round: fc.integer({ min: 1, max: 3 }),
    hits: fc.array(hit, { maxLength: 9 }),
    done: fc.option(
      fc.oneof(
        seekTally,
        fc.record({
          ...Object.fromEntries(
            ['asked', 'answered', 'messages', 'bytes', 'missing', 'edges'].map((name) => [name, fc.nat(2)]),
          ),
          declined: fc.boolean(),
          walkers: fc.nat(1),
        } as { [K in keyof SeekTally]: fc.Arbitrary<SeekTally[K]> }),
      ),
    ),
  }),
);

describe('whatever a neighbour says', () => {
  it('a search never throws, stays within its bounds, and ends every query of its own once and in time', () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 300 }),
      from: peer,
      what: fc.oneof(
        { weight: 4, arbitrary: message.map((said) => ({ kind: 'said' as const, said })) },
        {
          weight: 1,
          arbitrary: fc.record({ kind: fc.constantFrom('start', 'local', 'cancel', 'down'), queryId, strategy }),
        },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const config = {
          ...defaultSearchConfig,
          activeMax: 2,
          seenMax: 2,
          parkedMax: 2,
          hitCharsMax: 50,
          digestSizeLog2: 8,
        };
        const core = new Search({ config, selfId: 'me', rng: new Rng(1) });
        const out = new RecordingOutbox<SearchMessage, SearchEvent>();
        const command = { kind: 'links', tree: 0, eager: ['a', 'b'], lazy: ['c'] } as const;
        core.handle(0, { kind: 'command', command }, out);
        for (const id of ['a', 'b']) {
          core.handle(0, { kind: 'command', command: { kind: 'neighborUp', peer: id } }, out);
        }
        const ownTerms = { kind: 'ownTerms', fingerprints: Uint32Array.of(1, 2) } as const;
        core.handle(0, { kind: 'command', command: ownTerms }, out);
        let now = 0;
        let started = 0;
        let finished = 0;
        const count = (): void => {
          for (const effect of out.take()) {
            if (effect.kind === 'emit' && effect.event.kind === 'finished') finished++;
            if (effect.kind === 'send' && effect.message.kind === 'query') {
              expect(effect.message.timeoutMs).toBeGreaterThan(0);
            }
            if (effect.kind === 'send' && effect.message.kind === 'seek') {
              const { timeoutMs, roundMs, budget, steps, walkers } = effect.message;
              expect(Math.min(timeoutMs, roundMs)).toBeGreaterThan(0);
              expect(Number.isSafeInteger(budget) && budget >= 1).toBe(true);
              expect(Number.isSafeInteger(steps) && steps >= 0).toBe(true);
              expect(Number.isSafeInteger(walkers) && walkers >= 1).toBe(true);
            }
          }
        };
        for (const { after, from, what } of steps) {
          now += after;
          if (what.kind === 'said') core.handle(now, { kind: 'message', from, message: what.said }, out);
          else if (what.kind === 'down') core.handle(now, { kind: 'linkDown', peer: from, reason: 'lost' }, out);
          else if (what.kind === 'start') {
            const start = {
              kind: 'start',
              queryId: what.queryId,
              text: 't',
              limit: 3,
              timeoutMs: 500,
              strategy: what.strategy,
            } as const;
            core.handle(now, { kind: 'command', command: start }, out);
            started++;
          } else {
            const { queryId } = what;
            const kind = what.kind === 'local' ? 'localHits' : 'cancel';
            const hits = [{ peer: 'me', documentId: '1', score: 1, document: '{}' }];
            core.handle(now, { kind: 'command', command: { kind, queryId, hits } }, out);
          }
          expect(core.activeCount).toBeLessThanOrEqual(2);
          expect(core.parkedCount).toBeLessThanOrEqual(2);
          expect(core.nextDeadline()).toBeGreaterThan(now);
          count();
        }
        core.handle(now + defaultSearchConfig.timeoutMaxMs, { kind: 'tick' }, out);
        core.handle(now + 2 * defaultSearchConfig.timeoutMaxMs, { kind: 'tick' }, out);
        count();
        expect(finished).toBe(started);
        expect(core.activeCount).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the best hits', () => {
  it('are those of a dumb twin that keeps everything, when all are taken at the end', () => {
    const scored = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
    fc.assert(
      fc.property(scored, fc.integer({ min: 1, max: 20 }), (scores, limit) => {
        const best = new BestHits(limit);
        for (const [at, score] of scores.entries()) best.add({ peer: 'p', documentId: `${at}`, score, document: '' });
        const twin = scores.toSorted((a, b) => b - a).slice(0, limit);
        expect(best.take().map(({ score }) => score)).toEqual(twin);
      }),
    );
  });
});

describe('a mesh with any tree, any lazy links and peers that die meanwhile', () => {
  it('is called complete only when every document was found, and always when nobody dies', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 2, max: 24 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
        (seed, size, deaths) => {
          const network = new SearchNetwork(idsOf(size), seed);
          network.plant(3);
          for (const [id, { documents }] of network.nodes) documents.push({ id, score: 1 });
          network.start('p00', 'q1');
          for (const waitMs of deaths) {
            network.run(waitMs);
            const victim = `p${String(1 + network.rng.below(size - 1)).padStart(2, '0')}`;
            if (network.finished.length === 0 && network.nodes.has(victim)) network.kill(victim);
          }
          network.run(10_000);
          expect(network.finished).toHaveLength(1);
          const found = new Set(network.hits.map((hit) => hit.documentId));
          const complete = network.finished[0]?.complete === true;
          if (complete) expect(found.size).toBe(size);
          // Deaths within the second wave may hide living peers; then the answer says that something is missing.
          if (deaths.length === 0) expect([found.size, complete]).toEqual([size, true]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a seek in a mesh whose peers die and hang meanwhile', () => {
  it('ends, never costs more than its budget nor than it says, shows nothing twice, and is not called complete when it is not', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 2, max: 24 }),
        fc.constantFrom('walk' as const, 'ring' as const),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.record({ waitMs: fc.integer({ min: 1, max: 60 }), hangs: fc.boolean() }), { maxLength: 3 }),
        (seed, size, how, budget, limit, faults) => {
          const network = new SearchNetwork(idsOf(size), seed);
          network.entangle(Math.min(size - 1, 4));
          for (const [id, { documents }] of network.nodes) documents.push({ id, score: 1 });
          network.start('p00', 'q1', limit, 3_000, { strategy: how, budget });
          for (const { waitMs, hangs } of faults) {
            network.run(waitMs);
            const victim = `p${String(1 + network.rng.below(size - 1)).padStart(2, '0')}`;
            if (network.finished.length > 0 || !network.nodes.has(victim)) continue;
            if (hangs) network.node(victim).isHung = true;
            else network.kill(victim);
          }
          network.run(5_000);
          const [finished, ...more] = network.finished;
          expect(more).toEqual([]);
          expect(network.messages).toBeLessThanOrEqual(finished?.tally.messages ?? -1);
          expect(finished?.tally.messages).toBeLessThanOrEqual(budget);
          const found = network.hits.map((hit) => hit.documentId);
          expect(new Set(found).size).toBe(found.length);
          expect(found.length).toBeLessThanOrEqual(limit);
          if (finished?.complete) expect(found.length).toBe(Math.min(size, limit));
          network.run(5_000);
          for (const { core, isHung } of network.nodes.values()) if (!isHung) expect(core.activeCount).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
