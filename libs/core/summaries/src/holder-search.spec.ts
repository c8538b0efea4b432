import { type Millis, type PeerId, RecordingOutbox } from '@starling/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultHolderSearchConfig, type HolderSearchConfig } from './holder-config.ts';
import type { HolderEvent, HolderMessage, RankedHit } from './holder-messages.ts';
import { HolderSearch } from './holder-search.ts';
import type { HolderWay } from './holder-trace.ts';
import { info } from './small-mesh.test-support.ts';

interface Doc extends RankedHit {
  readonly id: string;
}
type Finished = Extract<HolderEvent<Doc>, { kind: 'finished' }>;

const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);

/** Peers whose links come up when dialled, unless they are dead; a hung one takes messages and is silent. */
class Net {
  readonly cores = new Map<PeerId, HolderSearch<Doc>>();
  readonly docs = new Map<PeerId, Doc[]>();
  readonly dead = new Set<PeerId>();
  readonly hung = new Set<PeerId>();
  readonly links = new Set<string>();
  readonly hits: Doc[] = [];
  readonly finished: Finished[] = [];
  readonly ways: HolderWay[] = [];
  readonly violations: string[] = [];
  readonly said: HolderMessage<Doc>[] = [];
  linksAtOnce = 0;
  now: Millis = 0;
  readonly #queue: { readonly at: Millis; readonly run: () => void }[] = [];

  constructor(count: number, config: Partial<HolderSearchConfig> = {}) {
    for (const id of idsOf(count)) {
      this.cores.set(id, new HolderSearch({ ...defaultHolderSearchConfig, ...config }, id));
      this.docs.set(id, []);
    }
  }

  core(id: PeerId): HolderSearch<Doc> {
    return this.cores.get(id) as HolderSearch<Doc>;
  }

  /** `p0` asks these. */
  ask(holders: readonly PeerId[], limit = 10, timeoutMs = 2_000, queryId = 'p0/1', trace = false): void {
    const command = {
      kind: 'start',
      queryId,
      text: 'x',
      limit,
      timeoutMs,
      holders: holders.map((id) => info(id)),
      trace,
    } as const;
    this.feed('p0', (core, out) => core.handle(this.now, { kind: 'command', command }, out));
  }

  feed(id: PeerId, act: (core: HolderSearch<Doc>, out: RecordingOutbox<HolderMessage<Doc>, HolderEvent<Doc>>) => void) {
    const out = new RecordingOutbox<HolderMessage<Doc>, HolderEvent<Doc>>();
    act(this.core(id), out);
    for (const decision of out.take()) {
      switch (decision.kind) {
        case 'open': {
          const peer = decision.peer.id;
          if (this.dead.has(peer)) this.later(10, () => this.down(id, peer));
          else this.links.add(`${id} ${peer}`).add(`${peer} ${id}`);
          this.linksAtOnce = Math.max(
            this.linksAtOnce,
            [...this.links].filter((link) => link.startsWith('p0 ')).length,
          );
          break;
        }
        case 'close':
          this.links.delete(`${id} ${decision.peer}`);
          break;
        case 'send':
          this.deliver(id, decision.to, decision.message);
          break;
        case 'emit':
          this.event(id, decision.event);
          break;
      }
    }
  }

  deliver(from: PeerId, to: PeerId, message: HolderMessage<Doc>): void {
    this.said.push(message);
    if (this.dead.has(to)) return;
    this.later(5, () => {
      if (this.hung.has(to) || this.dead.has(to)) return;
      this.feed(to, (core, out) => core.handle(this.now, { kind: 'message', from, message }, out));
    });
  }

  event(id: PeerId, event: HolderEvent<Doc>): void {
    if (event.kind === 'ask') {
      const hits = this.docs.get(id) as Doc[];
      const command = { kind: 'localHits', queryId: event.queryId, hits } as const;
      this.later(1, () => this.feed(id, (core, out) => core.handle(this.now, { kind: 'command', command }, out)));
    } else if (event.kind === 'hits') this.hits.push(...event.hits);
    else if (event.kind === 'finished') this.finished.push(event);
    else if (event.kind === 'trace') this.ways.push(event.way);
    else this.violations.push(`${event.peer} ${event.rule}`);
  }

  down(id: PeerId, peer: PeerId): void {
    this.links.delete(`${id} ${peer}`);
    this.feed(id, (core, out) => core.handle(this.now, { kind: 'linkDown', peer, reason: 'refused' }, out));
  }

  later(ms: Millis, run: () => void): void {
    this.#queue.push({ at: this.now + ms, run });
  }

  run(forMs: Millis): void {
    const end = this.now + forMs;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at);
      let at = this.#queue[0]?.at ?? Number.POSITIVE_INFINITY;
      let due: PeerId | undefined;
      for (const [id, core] of this.cores) {
        const deadline = Math.max(this.now, core.nextDeadline());
        if (deadline < at) [at, due] = [deadline, id];
      }
      if (at > end) break;
      this.now = at;
      if (due === undefined) this.#queue.shift()?.run();
      else this.feed(due, (core, out) => core.handle(this.now, { kind: 'tick' }, out));
    }
    this.now = end;
  }
}

const doc = (id: string, score: number, chars = 2): Doc => ({ id, score, document: 'x'.repeat(chars) });

describe('a question to holders', () => {
  it('takes two messages for each, none for this peer, and gives the best of all', () => {
    const net = new Net(8);
    for (const [i, id] of idsOf(8).entries())
      net.docs.set(id, i === 5 ? [] : [doc(`${id}-a`, i), doc(`${id}-b`, i / 10)]);
    net.ask(idsOf(8), 3);
    net.run(100);
    expect(net.hits.map(({ id }) => id)).toEqual(['p7-a', 'p6-a', 'p4-a']);
    expect(net.finished).toMatchObject([
      { complete: true, reason: 'done', cost: { asked: 8, answered: 8, messages: 14, missing: 0, empty: 1 } },
    ]);
    expect(net.links.size).toBe(7); // Its own ends are released; the others' are not its to release.
    expect([...net.links].some((link) => link.startsWith('p0 '))).toBe(false);
  });

  it('opens no more links at once than it may, and asks all in the end', () => {
    const net = new Net(60, { parallelMax: 8 });
    for (const id of idsOf(60)) net.docs.set(id, [doc(id, 1)]);
    net.ask(idsOf(60).slice(1), 100);
    net.run(1_000);
    expect(net.linksAtOnce).toBe(8);
    expect(net.finished).toMatchObject([{ complete: true, cost: { asked: 59, messages: 118 } }]);
    expect(net.hits.length).toBe(59);
  });

  it('counts as missing who cannot be reached, hangs or dies, and goes on without them', () => {
    const net = new Net(12, { parallelMax: 2 });
    for (const id of idsOf(12)) net.docs.set(id, [doc(id, 1)]);
    net.dead.add('p1').add('p2');
    net.hung.add('p3');
    net.ask(idsOf(12), 20);
    net.run(5_000);
    expect(net.finished).toMatchObject([
      { complete: false, reason: 'done', cost: { asked: 12, answered: 9, missing: 3 } },
    ]);
    expect(net.hits.length).toBe(9);
    expect(net.said.filter(({ kind }) => kind === 'holderCancel').length).toBe(1);
  });

  it('gives what there is when a holder is slow, and at the deadline', () => {
    const net = new Net(4);
    net.docs.set('p1', [doc('a', 1)]);
    net.hung.add('p2').add('p3');
    net.ask(['p1', 'p2', 'p3'], 10, 1_000);
    net.run(240);
    expect(net.hits).toEqual([]);
    net.run(20);
    expect(net.hits.map(({ id }) => id)).toEqual(['a']);
    net.run(400);
    expect(net.finished).toMatchObject([{ complete: false, cost: { answered: 1, missing: 2 } }]);
    for (const core of net.cores.values()) expect(core.activeCount).toBe(0);
  });

  it('tells whom it asked and how long each took, when that is wanted', () => {
    const net = new Net(7, { parallelMax: 3, activeMax: 1 });
    for (const id of idsOf(7)) net.docs.set(id, [doc(id, 1)]);
    net.dead.add('p2');
    net.hung.add('p3');
    net.ask(idsOf(7), 20);
    net.run(5_000);
    expect(net.ways).toEqual([]);
    expect(net.said.some((message) => 'trace' in message || 'elapsedMs' in message)).toBe(false);
    // p4 works on a question of somebody else.
    net.docs.set('p4', []);
    net.deliver('p6', 'p4', { kind: 'holderQuery', queryId: 'p6/1', text: 'x', limit: 1, timeoutMs: 10_000 });
    net.run(5);
    net.ask(idsOf(7), 20, 2_000, 'p0/2', true);
    net.run(5_000);
    const [way] = net.ways;
    const states = Object.fromEntries(way?.spans.map(({ peer, state, hits }) => [peer, `${state} ${hits}`]) ?? []);
    expect(states).toEqual({
      ...{ p0: 'done 1', p1: 'done 1', p2: 'broken 0', p3: 'missing 0', p4: 'done 0' },
      ...{ p5: 'done 1', p6: 'done 1' },
    });
    const { cost } = net.finished[1] as Finished;
    expect(way?.spans.reduce((sum, { messages }) => sum + messages, 0)).toBe(cost.messages);
    // 5 ms each way, and 1 ms for the index by the holder's own clock.
    expect(way?.spans.find(({ peer }) => peer === 'p1')).toMatchObject({
      askedAfterMs: 0,
      roundTripMs: 11,
      elapsedMs: 1,
    });
    // One waited until another was through.
    expect(way?.spans.find(({ peer }) => peer === 'p6')?.askedAfterMs).toBeGreaterThan(0);
  });

  it('tells of no more holders than its bound, and counts the rest', () => {
    const net = new Net(9, { traceSpansMax: 3 });
    net.ask(idsOf(9), 20, 2_000, 'p0/1', true);
    net.run(1_000);
    expect([net.ways[0]?.spans.length, net.ways[0]?.cut]).toEqual([3, 6]);
  });

  it('of nobody is finished at once', () => {
    const net = new Net(1);
    net.ask([]);
    expect(net.finished).toMatchObject([{ complete: true, reason: 'done', cost: { asked: 0, messages: 0 } }]);
  });

  it('that is given up stops at the holders, and says so', () => {
    const net = new Net(3);
    net.hung.add('p1').add('p2');
    net.ask(['p1', 'p2']);
    net.run(50);
    net.feed('p0', (core, out) =>
      core.handle(net.now, { kind: 'command', command: { kind: 'cancel', queryId: 'p0/1' } }, out),
    );
    expect(net.finished).toMatchObject([{ complete: false, reason: 'cancelled', cost: { missing: 2 } }]);
    expect(net.said.filter(({ kind }) => kind === 'holderCancel').length).toBe(2);
    expect(net.core('p0').activeCount).toBe(0);
  });

  it('is refused by a holder with too many, and overloaded with too many of its own', () => {
    const net = new Net(2, { activeMax: 1, ownMax: 2 });
    net.ask(['p1'], 10, 2_000, 'p0/1');
    net.ask(['p1'], 10, 2_000, 'p0/2');
    net.ask(['p1'], 10, 2_000, 'p0/3');
    net.run(1_000);
    const missing = net.finished.map(({ queryId, reason, cost }) => `${queryId} ${reason} ${cost.missing}`);
    expect(missing.sort()).toEqual(['p0/1 done 0', 'p0/2 done 1', 'p0/3 overloaded 0']);
  });

  it('is answered in parts when documents are large, and without those that are too large', () => {
    const net = new Net(2, { answerCharsMax: 1_000, hitCharsMax: 900 });
    net.docs.set('p1', [doc('a', 3, 700), doc('b', 2, 700), doc('c', 1, 901), doc('d', 0, 200)]);
    net.ask(['p1']);
    net.run(100);
    expect(net.hits.map(({ id }) => id)).toEqual(['a', 'b', 'd']);
    expect(net.finished).toMatchObject([{ complete: true, cost: { messages: 3 } }]);
  });

  it('takes no bad question or answer', () => {
    const net = new Net(2);
    const query = { kind: 'holderQuery', queryId: 'p0/1', text: 'x', limit: 1, timeoutMs: 1_000 } as const;
    for (const bad of [
      { queryId: '' },
      { text: 'x'.repeat(1_025) },
      { limit: 0 },
      { limit: 0.5 },
      { timeoutMs: Number.NaN },
    ]) {
      net.deliver('p0', 'p1', { ...query, ...bad });
    }
    net.run(50);
    expect(net.violations.length).toBe(5);
    net.ask(['p1'], 1);
    net.deliver('p1', 'p0', {
      kind: 'holderAnswer',
      queryId: 'p0/1',
      hits: [doc('a', 1), doc('b', 1)],
      done: true,
      refused: false,
    });
    net.run(50);
    expect(net.violations.length).toBe(6);
    expect(net.finished).toMatchObject([{ complete: false, cost: { missing: 1 } }]);
  });

  it('whatever fails, ends within its time, with every holder accounted for', () => {
    const fate = fc.constantFrom('ok', 'dead', 'hung', 'dies');
    fc.assert(
      fc.property(fc.array(fate, { maxLength: 20 }), fc.integer({ min: 1, max: 6 }), (fates, parallelMax) => {
        const net = new Net(fates.length + 1, { parallelMax });
        const holders = fates.map((_, i) => `p${i + 1}`);
        fates.forEach((what, i) => {
          const id = `p${i + 1}`;
          net.docs.set(id, [doc(id, 1)]);
          if (what === 'dead') net.dead.add(id);
          if (what === 'hung') net.hung.add(id);
          if (what === 'dies') {
            net.later(i * 3, () => {
              net.dead.add(id);
              net.down('p0', id);
            });
          }
        });
        net.ask(holders, 50, 1_000);
        net.run(1_000);
        const [end] = net.finished;
        expect(net.finished.length).toBe(1);
        expect((end?.cost.answered ?? 0) + (end?.cost.missing ?? 0)).toBe(holders.length);
        expect(end?.complete).toBe(end?.cost.missing === 0);
        expect(net.hits.length).toBe(end?.cost.answered);
        expect(net.core('p0').activeCount).toBe(0);
      }),
    );
  });
});
