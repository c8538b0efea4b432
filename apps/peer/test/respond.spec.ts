import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { connect, fromStatus, type QuerySummary, type StarlingClient, type StarlingError } from '@starling/client';
import {
  type RespondRequest,
  RespondRequestSchema,
  type RespondResponse,
  SearchService,
  toGrpcDefinition,
} from '@starling/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { RawClient } from './raw-client.ts';

const { respond } = toGrpcDefinition(SearchService);
const folder = mkdtempSync(join(tmpdir(), 'starling-respond-'));
const tokens = join(folder, 'tokens');
const tokenOf = (role: string): string => `token-of-the-${role}`;

const testMesh = new TestMesh();
let peers: readonly RunningPeer[];
let asking: StarlingClient;
let answering: StarlingClient;
const stops: (() => void)[] = [];

beforeAll(async () => {
  const lines = ['client', 'responder', 'viewer'].map(
    (role) => `${role} the-${role} sha256:${createHash('sha256').update(tokenOf(role)).digest('hex')}\n`,
  );
  writeFileSync(tokens, lines.join(''));
  peers = await testMesh.startAll(3, {
    STARLING_TOKENS_FILE: tokens,
    STARLING_LOG_LEVEL: 'silent',
    STARLING_RESPONDERS_MAX: '3',
    STARLING_RESPONDER_STALL_MAX_MS: '1500',
    STARLING_REQUEST_MAX_MS: '1500',
  });
  const access = { tls: 'off', learnAddresses: false } as const;
  asking = await connect({ ...access, addresses: [apiOf(at(0))], token: tokenOf('client') });
  answering = await connect({ ...access, addresses: [apiOf(at(1)), apiOf(at(2))], token: tokenOf('responder') });
}, 60_000);
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await until(() => peers.every(({ peer }) => peer.responders.size === 0));
});
afterAll(async () => {
  asking?.close();
  answering?.close();
  await testMesh.stop();
  rmSync(folder, { recursive: true, force: true });
});

const at = (index: number): RunningPeer => peers[index] as RunningPeer;

async function ask(text: string, options: { limit?: number; timeoutMs?: number } = {}) {
  const hits = [];
  let summary: QuerySummary | undefined;
  for await (const event of asking.query(text, options)) {
    if (event.kind === 'hit') hits.push(event);
    if (event.kind === 'summary') summary = event;
  }
  return { hits, summary };
}

/** An engine made by the SDK, attached. */
async function engine(...args: Parameters<StarlingClient['respond']>) {
  const made = answering.respond(...args);
  stops.push(() => made.close());
  await until(() => made.address !== null);
  return made;
}

/** An engine that speaks gRPC itself, and may break every rule. */
class RawEngine {
  readonly call: ClientDuplexStream<RespondRequest, RespondResponse>;
  readonly heard: RespondResponse['event'][] = [];
  error: StarlingError | null = null;
  isOver = false;

  constructor(peer: RunningPeer, attach: object | null = { name: 'raw', topics: ['raw'] }, role = 'responder') {
    const client = new RawClient(apiOf(peer), `Bearer ${tokenOf(role)}`);
    this.call = client.duplex(respond);
    this.call.on('data', ({ event }: RespondResponse) => this.heard.push(event));
    this.call.on('error', (error) => {
      this.error = fromStatus(error);
    });
    this.call.on('end', () => {
      this.isOver = true;
    });
    stops.push(() => {
      this.call.cancel();
      client.close();
    });
    if (attach !== null) this.say({ case: 'attach', value: attach as never });
  }

  say(event: MessageInitShape<typeof RespondRequestSchema>['event'] & object): void {
    this.call.write(create(RespondRequestSchema, { event } as never));
  }

  questions() {
    return this.heard.flatMap((event) => (event.case === 'question' ? [event.value] : []));
  }

  async attached(): Promise<this> {
    await until(() => this.heard[0]?.case === 'attached');
    return this;
  }
}

describe('an engine of one’s own', () => {
  it('answers questions of its topic that are asked at another peer; hits name it and its peer', async () => {
    const questions: string[] = [];
    const made = await engine({ name: 'units', topics: ['convert.*'] }, async function* ({ text, topic, limit }) {
      questions.push(`${topic}: ${text} (${limit})`);
      yield { id: 'km', fields: { value: '1 mi = 1.609 km' }, score: 2 };
      yield { id: 'm', fields: { value: '1 mi = 1609 m' } };
    });
    const { hits, summary } = await ask('@convert.length 1 mile', { limit: 5 });
    const peerId = at(1).peer.overlay.self.id;
    expect(hits).toMatchObject([
      { id: 'km', responder: 'units', peerId, score: 2, fields: { value: '1 mi = 1.609 km' } },
      { id: 'm', responder: 'units', peerId, score: 1 },
    ]);
    expect(summary).toMatchObject({ complete: true, respondersAsked: 1, respondersAnswered: 1, respondersLate: 0 });
    expect(questions).toEqual(['convert.length: 1 mile (5)']);
    await until(() => made.answered === 1);
    // Others are none of its business, and a topic without an engine has no answer.
    expect(await ask('@files x')).toMatchObject({ hits: [], summary: { complete: true, respondersAsked: 0 } });
  });

  it('of everything stands beside the documents; one of a topic keeps them out', async () => {
    await connect({ addresses: [apiOf(at(2))], tls: 'off', token: tokenOf('client') }).then(async (client) => {
      await client.putDocuments([{ id: 'doc', fields: { title: 'a starling' } }]);
      client.close();
    });
    await engine({ name: 'all', topics: ['>'] }, ({ text, topic }) => [{ id: `${topic}/${text}`, fields: {} }]);
    const plain = await ask('starling');
    expect(plain.hits.map(({ id, responder }) => `${id} ${responder}`).sort()).toEqual(['/starling all', 'doc ']);
    expect((await ask('@birds starling')).hits.map(({ id }) => id)).toEqual(['birds/starling']);
  });

  it('works on as many questions at once as it wants to', async () => {
    let running = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    await engine({ name: 'slow', topics: ['slow'], concurrency: 2 }, async function* () {
      most = Math.max(most, ++running);
      await new Promise<void>((go) => waiting.push(go));
      running--;
      yield { id: 'x', fields: {} };
    });
    const asked = Array.from({ length: 6 }, () => ask('@slow x', { timeoutMs: 20_000 }));
    for (let i = 0; i < 6; i++) {
      await until(() => waiting.length > i);
      if (i === 0) await until(() => running === 2);
      waiting[i]?.();
    }
    expect((await Promise.all(asked)).map(({ hits }) => hits.length)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(most).toBe(2);
  });

  it('that is late is told so, and its part is said to be missing', async () => {
    let signal: AbortSignal | undefined;
    await engine({ name: 'late', topics: ['late'] }, async function* (question) {
      signal = question.signal;
      yield { id: 'soon', fields: {} };
      await new Promise<void>((resolve) => question.signal.addEventListener('abort', () => resolve()));
      yield { id: 'never', fields: {} };
    });
    const { hits, summary } = await ask('@late x', { timeoutMs: 700 });
    expect(hits.map(({ id }) => id)).toEqual(['soon']);
    expect(summary).toMatchObject({ complete: false, respondersAsked: 1, respondersAnswered: 0, respondersLate: 1 });
    expect(signal?.aborted).toBe(true);
  });

  it('hears that nobody waits when the caller gives up', async () => {
    let signal: AbortSignal | undefined;
    await engine({ name: 'wait', topics: ['wait'] }, async function* (question) {
      signal = question.signal;
      await new Promise<void>((resolve) => question.signal.addEventListener('abort', () => resolve()));
      yield* [];
    });
    const stop = new AbortController();
    const query = (async () => {
      for await (const _ of asking.query('@wait x', { timeoutMs: 20_000, signal: stop.signal }));
    })();
    await until(() => signal !== undefined);
    stop.abort();
    await query.catch(() => {});
    await until(() => signal?.aborted === true);
  });

  it('that fails says why to its own program, and the asker that it failed', async () => {
    const errors: unknown[] = [];
    const options = { name: 'bad', topics: ['bad'], onError: (error: unknown) => errors.push(error) };
    await engine(options, ({ text }) => {
      if (text === 'throw') throw new Error('no disk');
      return [{ id: 'big', fields: { text: 'x'.repeat(70_000) } }];
    });
    expect((await ask('@bad throw')).summary).toMatchObject({
      complete: false,
      respondersAnswered: 0,
      respondersLate: 0,
    });
    expect((await ask('@bad big')).summary).toMatchObject({ complete: false, respondersAnswered: 0, hits: 0 });
    await until(() => errors.length === 2);
    expect(errors.map(String)).toEqual([expect.stringContaining('no disk'), expect.stringContaining('70011 bytes')]);
  });

  it('goes on at another peer when its own sends it away', async () => {
    const made = await engine({ name: 'mover', topics: ['mover'] }, () => [{ id: 'x', fields: {} }]);
    expect(made.address).toBe(apiOf(at(1)));
    at(1).peer.endStreams();
    await until(() => made.moves === 1 && made.address !== null);
    expect((await ask('@mover x')).hits).toHaveLength(1);
  });
});

describe('the peer', () => {
  it.each([
    ['client', 'ROLE_TOO_LOW'],
    ['viewer', 'ROLE_TOO_LOW'],
  ])('takes no engine with the token of a %s', async (role, reason) => {
    const raw = new RawEngine(at(0), undefined, role);
    await until(() => raw.error !== null);
    expect(raw.error).toMatchObject({ code: 'PERMISSION_DENIED', reason });
  });

  it('lets a responder ask nothing', async () => {
    await expect(answering.query('x').next()).rejects.toMatchObject({ reason: 'ROLE_TOO_LOW' });
  });

  it.each([
    [{ name: 'a b', topics: ['x'] }, 'attach.name'],
    [{ name: 'a', topics: [] }, 'attach.topics'],
    [{ name: 'a', topics: ['x.>.y'] }, 'attach.topics[0]'],
    [{ name: 'a', topics: ['x'], concurrency: 257 }, 'attach.concurrency'],
  ])('refuses %j and names the field', async (attach, field) => {
    const raw = new RawEngine(at(0), attach);
    await until(() => raw.error !== null);
    expect(raw.error).toMatchObject({ reason: 'INVALID_REQUEST', violations: [{ field }] });
  });

  it('wants the attachment first, once, and in time', async () => {
    const early = new RawEngine(at(0), null);
    early.say({ case: 'answer', value: { questionId: 1n } as never });
    await until(() => early.error !== null);
    expect(early.error).toMatchObject({ violations: [{ field: 'attach', description: 'must come first' }] });
    const twice = await new RawEngine(at(0)).attached();
    twice.say({ case: 'attach', value: { name: 'raw', topics: ['raw'] } as never });
    await until(() => twice.error !== null);
    expect(twice.error).toMatchObject({ reason: 'INVALID_REQUEST' });
    const silent = new RawEngine(at(0), null);
    // Nothing goes out before the first write or the end of the metadata: gRPC sends it by itself.
    await until(() => silent.error !== null);
    expect(silent.error).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'REQUEST_STALLED' });
  });

  it('takes no more than its limit', async () => {
    for (let i = 0; i < 3; i++) await new RawEngine(at(0)).attached();
    const fourth = new RawEngine(at(0));
    await until(() => fourth.error !== null);
    expect(fourth.error).toMatchObject({ reason: 'TOO_MANY_RESPONDERS', retryAfterMs: 5_000 });
  });

  it.each([
    ['answers what it was not asked', [{ questionId: 99n }], 'ANSWER_UNASKED', 'unasked'],
    [
      'gives more than was wanted',
      [{ questionId: 1n, hits: ['a', 'b', 'c'].map((id) => ({ document: { id }, score: 1 })) }],
      'RESPONDER_FLOODS',
      'flood',
    ],
    ['says nothing', [], 'RESPONDER_STALLED', 'stalled'],
  ])('cuts off an engine that %s, with a status that says why', async (_what, answers, reason, metric) => {
    const raw = await new RawEngine(at(0)).attached();
    const asked = ask('@raw x', { limit: 2, timeoutMs: 5_000 });
    await until(() => raw.questions().length === 1);
    for (const value of answers) raw.say({ case: 'answer', value: value as never });
    await until(() => raw.error !== null);
    expect(raw.error).toMatchObject({ reason });
    expect((await asked).summary).toMatchObject({ complete: false, respondersAsked: 1, respondersAnswered: 0 });
    expect(at(0).peer.responders.size).toBe(0);
    const text = await (await fetch(`${httpOf(at(0))}/metrics`)).text();
    expect(text).toMatch(new RegExp(`starling_responders_cut_off_total\\{reason="${metric}"\\} [1-9]`));
  });

  it('is not held up by an engine that does not read', async () => {
    const raw = await new RawEngine(at(0)).attached();
    raw.call.pause();
    const text = `@raw ${'x'.repeat(1_000)}`;
    await Promise.all(Array.from({ length: 20 }, () => ask(text, { timeoutMs: 300 })));
    await until(() => at(0).peer.responders.size === 0);
    expect((await ask('@raw x')).summary).toMatchObject({ complete: true, respondersAsked: 0 });
  });
});
