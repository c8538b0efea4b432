import { create } from '@bufbuild/protobuf';
import type { ResponderTally } from '@starling/core-search';
import { type RespondAnswer, RespondAnswerSchema } from '@starling/wire';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkAttach } from '../api/validate.ts';
import type { Attachment, CutOff, Outgoing } from './attachment.ts';
import { questionOf, topicProblem } from './question.ts';
import { Responders } from './responders.ts';

const stallMs = 30_000;
const document = (id: string, text = '') => ({ document: { id, fields: { text } }, score: 1 });
const answer = (questionId: number, parts: object = {}): RespondAnswer =>
  create(RespondAnswerSchema, { questionId: BigInt(questionId), ...parts });

/** Everybody who is attached, in virtual time. */
class Bench {
  readonly responders = new Responders({ selfId: 'me', respondersMax: 10, stallMs, now: () => Date.now() });
  readonly hits: string[] = [];
  readonly finished: ResponderTally[] = [];

  attach(topics: readonly string[], concurrency = 2, name = 'engine') {
    const cuts: CutOff[] = [];
    const spec = checkAttach({ name, topics: [...topics], concurrency } as never);
    const attachment = this.responders.attach(spec, { wake: () => {}, cutOff: (cut) => cuts.push(cut) });
    return { attachment, cuts };
  }

  #queries = 0;

  ask(topic = 'x', limit = 3, timeoutMs = 1_000, queryId = `query ${this.#queries++}`): (() => void) | null {
    return this.responders.ask(
      queryId,
      { topic, text: 'what', limit, timeoutMs },
      {
        hits: (hits) => this.hits.push(...hits.map(({ documentId, responder }) => `${documentId}@${responder}`)),
        finished: (tally) => this.finished.push(tally),
      },
    );
  }
}

function drain(attachment: Attachment): string[] {
  const all: Outgoing[] = [];
  for (let next = attachment.next(); next !== undefined; next = attachment.next()) all.push(next);
  return all.map((each) =>
    each.kind === 'question' ? `question ${each.id}` : `withdrawal ${each.id}: ${each.reason}`,
  );
}

let bench: Bench;
beforeEach(() => {
  vi.useFakeTimers();
  bench = new Bench();
});
afterEach(() => vi.useRealTimers());
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a question', () => {
  it.each([
    ['@weather.today london now', 'weather.today', 'london now'],
    ['@time', 'time', ''],
    ['murmuration @home', '', 'murmuration @home'],
    // Of a neighbour that checks less.
    ['@not/a-topic x', '', '@not/a-topic x'],
    ['@', '', '@'],
  ])('%j is of the topic %j', (text, topic, rest) => {
    expect(questionOf(text)).toEqual({ topic, text: rest });
  });

  it.each([
    ['@weather london', null],
    ['plain', null],
    ['@weather.* x', /^begins with a topic that .*"\*".* at character 9 of the topic$/],
    ['@ x', /no topic/],
  ])('%j at the API', (text, problem) => {
    if (problem === null) expect(topicProblem(text)).toBeNull();
    else expect(topicProblem(text)).toMatch(problem);
  });

  it('goes to the engines of its topic, and is over when all have ended it', async () => {
    const weather = bench.attach(['weather.*'], 2, 'weather');
    const all = bench.attach(['>'], 2, 'all');
    const other = bench.attach(['files'], 2, 'files');
    expect(bench.ask('weather.today')).not.toBeNull();
    expect([weather, all, other].map(({ attachment }) => drain(attachment))).toEqual([
      ['question 1'],
      ['question 1'],
      [],
    ]);
    weather.attachment.answered(answer(1, { hits: [document('a')] }));
    weather.attachment.answered(answer(1, { hits: [document('b')], done: true }));
    await pass(0);
    expect(bench.finished).toEqual([]);
    all.attachment.answered(answer(1, { done: true }));
    await pass(0);
    expect(bench.hits).toEqual(['a@weather', 'b@weather']);
    expect(bench.finished).toEqual([{ asked: 2, answered: 2, late: 0 }]);
    expect(bench.responders.outcomes()).toMatchObject({ answered: 2 });
  });

  it('without a topic goes to those only who take everything', () => {
    const all = bench.attach(['>']);
    const some = bench.attach(['*', 'x.>']);
    bench.ask('');
    expect([drain(all.attachment), drain(some.attachment)]).toEqual([['question 1'], []]);
    expect(new Bench().ask('')).toBeNull();
  });

  it('is withdrawn at its deadline, and the engine keeps the place until it says done', async () => {
    const { attachment } = bench.attach(['x'], 1);
    bench.ask('x', 3, 100);
    expect(drain(attachment)).toEqual(['question 1']);
    await pass(100);
    expect(bench.finished).toEqual([{ asked: 1, answered: 0, late: 1 }]);
    bench.ask('x', 3, 100);
    expect(drain(attachment)).toEqual(['withdrawal 1: late']);
    // What crosses the withdrawal is no offence, and reaches nobody.
    expect(attachment.answered(answer(1, { hits: [document('late')], done: true }))).toBeNull();
    expect(bench.hits).toEqual([]);
    expect(drain(attachment)).toEqual(['question 2']);
  });

  it('is withdrawn when nobody waits any more; one that still waits in line is never put', async () => {
    const { attachment } = bench.attach(['x'], 1);
    const first = bench.ask();
    drain(attachment);
    const second = bench.ask();
    second?.();
    first?.();
    expect(drain(attachment)).toEqual(['withdrawal 1: cancelled']);
    await pass(5_000);
    expect(bench.finished).toEqual([]);
    expect(bench.responders.outcomes()).toMatchObject({ withdrawn: 2, late: 0 });
  });

  it('that comes again has the answers of the first time, and no engine is asked twice', async () => {
    const { attachment } = bench.attach(['x']);
    bench.ask('x', 3, 1_000, 'again');
    expect(drain(attachment)).toEqual(['question 1']);
    attachment.answered(answer(1, { hits: [document('a')], done: true }));
    await pass(0);
    bench.ask('x', 3, 1_000, 'again');
    await pass(0);
    expect(drain(attachment)).toEqual([]);
    expect(bench.hits).toEqual(['a@engine', 'a@engine']);
    expect(bench.finished).toEqual([
      { asked: 1, answered: 1, late: 0 },
      { asked: 1, answered: 1, late: 0 },
    ]);
    // Its time is over: the same name is another question.
    await pass(1_000);
    bench.ask('x', 3, 1_000, 'again');
    expect(drain(attachment)).toEqual(['question 2']);
  });

  it('that was cut short is put again when it comes again', async () => {
    const { attachment } = bench.attach(['x']);
    bench.ask('x', 3, 1_000, 'again')?.();
    expect(drain(attachment)).toEqual([]);
    bench.ask('x', 3, 100, 'again');
    expect(drain(attachment)).toHaveLength(1);
    await pass(100);
    expect(bench.finished).toEqual([{ asked: 1, answered: 0, late: 1 }]);
    bench.ask('x', 3, 1_000, 'again');
    expect(drain(attachment).at(-1)).toMatch(/^question/);
  });

  it('beyond the line is shed, and counted', async () => {
    bench.attach(['x'], 1);
    for (let i = 0; i < 64; i++) bench.ask();
    bench.ask();
    await pass(0);
    expect(bench.finished).toEqual([{ asked: 1, answered: 0, late: 0 }]);
    expect(bench.responders.outcomes()).toMatchObject({ shed: 1 });
  });

  it('whose engine goes is over', async () => {
    const { attachment } = bench.attach(['x'], 1);
    bench.ask();
    bench.ask();
    drain(attachment);
    bench.responders.detach(attachment);
    await pass(0);
    expect(bench.finished).toEqual([
      { asked: 1, answered: 0, late: 0 },
      { asked: 1, answered: 0, late: 0 },
    ]);
    expect(bench.responders.outcomes()).toMatchObject({ gone: 2 });
  });
});

describe('an engine', () => {
  it('that cannot answer says so, and goes on', async () => {
    const { attachment } = bench.attach(['x']);
    bench.ask();
    drain(attachment);
    expect(attachment.answered(answer(1, { done: true, error: 'no disk' }))).toBeNull();
    await pass(0);
    expect(bench.finished).toEqual([{ asked: 1, answered: 0, late: 0 }]);
    expect(bench.responders.outcomes()).toMatchObject({ failed: 1 });
  });

  it.each([
    ['a document above 64 KiB', [document('a', 'x'.repeat(65_536))], /has 65547 bytes as JSON; at most 65536/],
    ['no id', [document('')], /an id of 0 characters/],
    ['an id of 257 characters', [document('i'.repeat(257))], /an id of 257 characters/],
    ['a score that is none', [{ ...document('a'), score: Number.NaN }], /a score that is no number/],
    ['1 MiB together', Array.from({ length: 17 }, (_, i) => document(`d${i}`, 'x'.repeat(65_000))), /at most 1048576/],
  ])('whose answer has %s is refused that answer as a whole', async (_what, hits, reason) => {
    const { attachment } = bench.attach(['x']);
    bench.ask('x', 100);
    drain(attachment);
    expect(attachment.answered(answer(1, { hits }))).toBeNull();
    await pass(0);
    expect(bench.hits).toEqual([]);
    expect(bench.finished).toEqual([{ asked: 1, answered: 0, late: 0 }]);
    expect(drain(attachment)).toEqual([expect.stringMatching(reason)]);
    expect(attachment.answered(answer(1, { done: true }))).toBeNull();
  });

  it('that answers what it was not asked, or ended, is to be cut off', () => {
    const { attachment } = bench.attach(['x']);
    bench.ask();
    drain(attachment);
    expect(attachment.answered(answer(2))).toMatchObject({ reason: 'unasked', error: { reason: 'ANSWER_UNASKED' } });
    attachment.answered(answer(1, { done: true }));
    expect(attachment.answered(answer(1))).toMatchObject({ reason: 'unasked' });
    expect(attachment.answered(answer(0))).toMatchObject({ reason: 'unasked' });
  });

  it.each([
    ['hits than wanted', Array.from({ length: 4 }, (_, i) => ({ hits: [document(`${i}`)] }))],
    ['messages than hits could fill', Array.from({ length: 68 }, () => ({}))],
  ])('that sends more %s is to be cut off', (_what, parts) => {
    const { attachment } = bench.attach(['x']);
    bench.ask('x', 3);
    drain(attachment);
    const verdicts = parts.map((part) => attachment.answered(answer(1, part)));
    expect(verdicts.slice(0, -1).every((verdict) => verdict === null)).toBe(true);
    expect(verdicts.at(-1)).toMatchObject({ reason: 'flood', error: { reason: 'RESPONDER_FLOODS' } });
  });

  it('that says nothing while it is asked is cut off; one that is slow and says so is not', async () => {
    const silent = bench.attach(['x'], 1);
    const slow = bench.attach(['x'], 1);
    const idle = bench.attach(['y'], 1);
    bench.ask('x', 3, 1_000);
    drain(silent.attachment);
    drain(slow.attachment);
    for (let i = 0; i < 3; i++) {
      await pass(stallMs / 2);
      drain(slow.attachment);
      slow.attachment.answered(answer(1, { hits: [] }));
    }
    expect(silent.cuts).toMatchObject([{ reason: 'stalled', error: { reason: 'RESPONDER_STALLED' } }]);
    expect([slow.cuts, idle.cuts]).toEqual([[], []]);
    expect(bench.responders.size).toBe(2);
    expect(bench.responders.cutOffs()).toEqual({ stalled: 1 });
  });

  it('that takes nothing though it has places is cut off, however short the questions wait', async () => {
    const { cuts } = bench.attach(['x'], 1);
    for (let i = 0; i < 32; i++) {
      bench.ask('x', 3, 500);
      await pass(1_000);
    }
    expect(cuts).toMatchObject([{ reason: 'stalled', error: { message: expect.stringContaining('took nothing') } }]);
  });
});
