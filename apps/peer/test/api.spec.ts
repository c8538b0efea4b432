import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type JsonObject } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { connect, fromStatus, type StarlingClient } from '@starling/client';
import {
  Acknowledge,
  AdminService,
  DeleteDocumentsRequestSchema,
  DrainRequestSchema,
  ListPeersRequestSchema,
  MeshService,
  PeerCondition,
  PublishRequestSchema,
  PublishStreamRequestSchema,
  PutDocumentsRequestSchema,
  QueryRequestSchema,
  QueryStrategy,
  SearchService,
  SubscribeRequestSchema,
  toGrpcDefinition,
  WatchTopologyRequestSchema,
} from '@starling/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, TestMesh, take, until } from './peers.ts';
import { collect, RawClient } from './raw-client.ts';

const mesh = toGrpcDefinition(MeshService);
const search = toGrpcDefinition(SearchService);
const admin = toGrpcDefinition(AdminService);

const testMesh = new TestMesh();
let first: RunningPeer;
let raw: RawClient;
let clients: StarlingClient[];

beforeAll(async () => {
  const peers = await testMesh.startAll(3, { STARLING_SUBSCRIPTIONS_MAX: '8', STARLING_PAYLOAD_BYTES_MAX: '262144' });
  first = peers[0] as RunningPeer;
  raw = new RawClient(apiOf(first));
  clients = await Promise.all(
    peers.map((peer) => connect({ tls: 'off', addresses: [apiOf(peer)], learnAddresses: false })),
  );
  // While links are still being agreed on a message may take the long way of a repair.
  const isHeldByAll = (client: StarlingClient): Promise<boolean> =>
    client.publish({ topic: 'warm-up', payload: '' }, { heldBy: 2, timeoutMs: 300 }).then(
      () => true,
      () => false,
    );
  await until(async () => (await Promise.all(clients.map(isHeldByAll))).every(Boolean));
});

afterAll(async () => {
  for (const client of clients ?? []) client.close();
  raw?.close();
  await testMesh.stop();
});

const [a, b, c] = [0, 1, 2].map((i) => () => clients[i] as StarlingClient) as [
  () => StarlingClient,
  () => StarlingClient,
  () => StarlingClient,
];

describe('Publish and Subscribe', () => {
  it('carry a message from any peer to any peer, with its headers, id and place in its origin’s stream', async () => {
    const subscription = c().subscribe({ topics: ['greetings.*'] });
    const events = subscription[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ kind: 'live' });
    const receipt = await a().publish({ topic: 'greetings.dawn', payload: 'hello', headers: { lang: 'en' } });
    expect(receipt.origin).toBe(first.peer.overlay.self.id);
    const { value } = await events.next();
    expect(value).toMatchObject({
      kind: 'message',
      id: receipt.id,
      topic: 'greetings.dawn',
      headers: { lang: 'en' },
      origin: receipt.origin,
      sequence: receipt.sequence,
      replayed: false,
    });
    if (value?.kind === 'message') {
      expect(new TextDecoder().decode(value.payload)).toBe('hello');
      expect(value.hops).toBeGreaterThanOrEqual(1);
      expect(Math.abs(value.publishedAt.getTime() - Date.now())).toBeLessThan(5_000);
    }
    subscription.close();
    await events.return?.(undefined);
  });

  it('acknowledge a message once so many neighbours hold it', async () => {
    const receipt = await a().publish({ topic: 'held', payload: 'x' }, { heldBy: 2 });
    expect(receipt).toMatchObject({ heldBy: 2, alone: false });
  });

  it('say at the deadline by how many it is held', async () => {
    const failed = b().publish({ topic: 'held', payload: 'x' }, { heldBy: 8, timeoutMs: 3_000 });
    await expect(failed).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      reason: 'NOT_HELD',
      metadata: { held_by: '2' },
    });
  });

  it('publish a retried request once', async () => {
    const message = { topic: 'retried', payload: 'x' };
    const once = await a().publish(message, { requestId: 'r-1' });
    expect((await a().publish(message, { requestId: 'r-1' })).id).toBe(once.id);
    const other = a().publish({ topic: 'retried', payload: 'y' }, { requestId: 'r-1' });
    await expect(other).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });

  it('replay what is held: all of it, since a time, or after a cursor given by another peer', async () => {
    for (let i = 0; i < 5; i++) await a().publish({ topic: 'replayed', payload: String(i) }, { heldBy: 2 });
    const read = async (client: StarlingClient, from: Parameters<StarlingClient['subscribe']>[0]['from']) => {
      const subscription = client.subscribe({ topics: ['replayed'], ...(from === undefined ? {} : { from }) });
      const texts: string[] = [];
      for await (const event of subscription) {
        if (event.kind === 'live') break;
        if (event.kind === 'message') texts.push(new TextDecoder().decode(event.payload));
      }
      return { texts, cursors: subscription.cursors };
    };
    expect((await read(b(), 'all')).texts).toEqual(['0', '1', '2', '3', '4']);
    expect((await read(b(), { since: new Date(Date.now() - 60_000) })).texts).toHaveLength(5);
    expect((await read(b(), { since: new Date(Date.now() + 60_000) })).texts).toEqual([]);
    const subscription = b().subscribe({ topics: ['replayed'], from: 'all' });
    const messages = await take(subscription, 3);
    expect(messages).toHaveLength(3);
    expect((await read(c(), { cursors: subscription.cursors })).texts).toEqual(['3', '4']);
  });

  it('answer a stream of messages in order, and go on after one that is refused', async () => {
    const call = raw.duplex(mesh.publishStream);
    const answers = collect(call);
    for (let i = 0; i < 2_000; i++) {
      const message = { topic: i === 7 ? 'not a topic' : 'streamed', payload: new Uint8Array(10) };
      call.write(create(PublishStreamRequestSchema, { message }));
    }
    call.end();
    const results = await answers;
    expect(results.map(({ number }) => Number(number))).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1));
    expect(results.filter(({ result }) => result.case === 'accepted')).toHaveLength(1_999);
    expect(results[7]?.result).toMatchObject({ case: 'error', value: { code: 3, reason: 'INVALID_REQUEST' } });
    const sequences = results.flatMap(({ result }) => (result.case === 'accepted' ? [result.value.sequence] : []));
    expect(sequences).toEqual(sequences.toSorted((x, y) => Number(x - y)));
  });

  it('stream from the SDK with every message acknowledged', async () => {
    const stream = b().publishStream();
    const receipts = await Promise.all(
      Array.from({ length: 600 }, (_, i) => stream.publish({ topic: 'sdk', payload: String(i) })),
    );
    await expect(stream.publish({ topic: '', payload: '' })).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
    await stream.close();
    expect(new Set(receipts.map(({ id }) => id)).size).toBe(600);
  });
});

describe('bounds', () => {
  it('refuse one subscription too many, and say when to try again', async () => {
    const calls = Array.from({ length: 8 }, () =>
      raw.stream(mesh.subscribe, create(SubscribeRequestSchema, { topics: ['>'] })),
    );
    for (const call of calls) call.on('error', () => {});
    await until(() => first.peer.subscriptions.size === 8);
    const refused = collect(raw.stream(mesh.subscribe, create(SubscribeRequestSchema, { topics: ['>'] })));
    const error = fromStatus(await refused.catch((reason: unknown) => reason));
    expect(error).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_SUBSCRIPTIONS',
      retryAfterMs: 5_000,
      metadata: { limit: '8' },
    });
    // A subscriber that vanishes frees its place.
    for (const call of calls) call.cancel();
    await until(() => first.peer.subscriptions.size === 0);
    expect(first.peer.overlay.mesh.pubsub.sizes.subscriptions).toBe(0);
  });

  it('refuse a payload that is too large, ours with a reason and gRPC’s own beyond', async () => {
    const send = (bytes: number) =>
      raw
        .unary(mesh.publish, create(PublishRequestSchema, { topic: 't', payload: new Uint8Array(bytes) }))
        .catch(fromStatus);
    expect(await send(262_144)).toMatchObject({ alone: false });
    expect(await send(262_145)).toMatchObject({ reason: 'PAYLOAD_TOO_LARGE', metadata: { limit_bytes: '262144' } });
    expect(await send(5 * 1024 * 1024)).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'CALL_TOO_LARGE' });
  });

  it('refuse work whose deadline has passed', async () => {
    const late = raw.unary(mesh.publish, create(PublishRequestSchema, { topic: 't' }), Date.now() - 1);
    await expect(late).rejects.toMatchObject({ code: 4 });
  });
});

describe('search', () => {
  it('finds documents of all peers, ends with a summary, and forgets what is deleted', async () => {
    await Promise.all(
      [a(), b(), c()].map((client, i) =>
        client.putDocuments([{ id: `doc-${i}`, fields: { title: `murmuration number ${i}`, tags: ['bird'] } }]),
      ),
    );
    const ask = async () => {
      const events = [];
      for await (const event of b().query('murmuration bi*', { limit: 10 })) events.push(event);
      return events;
    };
    const events = await ask();
    const hits = events.filter((event) => event.kind === 'hit');
    expect(hits.map((hit) => hit.id).sort()).toEqual(['doc-0', 'doc-1', 'doc-2']);
    expect(hits[0]?.fields).toMatchObject({ tags: ['bird'] });
    expect(new Set(hits.map((hit) => hit.peerId)).size).toBe(3);
    expect(events.at(-1)).toMatchObject({
      kind: 'summary',
      peersAsked: 3,
      peersAnswered: 3,
      branchesMissing: 0,
      complete: true,
      reason: 'done',
      hits: 3,
    });
    expect(await c().deleteDocuments(['doc-2', 'doc-9'])).toBe(1);
    expect((await ask()).filter((event) => event.kind === 'hit')).toHaveLength(2);
  });

  it.each(['walk', 'ring', 'guided'] as const)('by %s within a budget, and says what that was', async (strategy) => {
    const events = [];
    const options = { limit: 10, strategy, messageBudget: 30 } as const;
    for await (const event of b().query('murmuration', options)) events.push(event);
    expect(events.filter((event) => event.kind === 'hit')).toHaveLength(2);
    const summary = events.at(-1);
    expect(summary).toMatchObject({ kind: 'summary', strategy, messageBudget: 30, complete: true, reason: 'done' });
    if (summary?.kind === 'summary') {
      expect(summary.messagesSpent).toBeLessThanOrEqual(30);
      expect(summary.bytesSpent).toBeGreaterThan(0);
    }
  });

  it('straight to the one peer that has it, once it has told; and along the tree for what is no word', async () => {
    await b().putDocuments([{ id: 'straight', fields: { title: 'a skein of geese straightaway' } }]);
    const ask = async (text: string) => {
      const events = [];
      for await (const event of c().query(text, { strategy: 'summary' })) events.push(event);
      const summary = events.at(-1);
      if (summary?.kind !== 'summary') throw new Error('no summary');
      return summary;
    };
    let summary = await ask('straightaway');
    await until(async () => {
      summary = await ask('straightaway');
      return summary.strategy === 'summary' && summary.hits === 1;
    });
    expect(summary).toMatchObject({
      peersAsked: 1,
      peersAnswered: 1,
      messagesSpent: 2,
      holdersEmpty: 0,
      complete: true,
    });
    expect(summary.choiceReason).toBe('1 of 3 peers may have it');
    expect(summary.ranking.map(({ id }) => id)).toEqual(['straight']);
    expect(summary.documentsSearched).toBeGreaterThan(1);
    expect(await ask('straightaw*')).toMatchObject({ strategy: 'exhaustive', hits: 1, peersAsked: 3 });
    await b().deleteDocuments(['straight']);
    await until(async () => (await ask('straightaway')).messagesSpent === 0);
  });

  it('the newest version is the document, wherever it is, and ranks come from the whole mesh', async () => {
    const put = (client: StarlingClient, id: string, title: string, version: number) =>
      client.putDocuments([{ id, fields: { title }, version }]);
    await put(a(), 'owl', 'a parliament of owlets', 1);
    await put(b(), 'owl', 'a parliament of owlets, owlets, owlets', 2);
    await put(c(), 'owl', 'a parliament of owlets', 1);
    await put(a(), 'other', 'a tale that tells little of owlets', 1);
    const events = [];
    for await (const event of c().query('owlets')) events.push(event);
    const summary = events.at(-1);
    if (summary?.kind !== 'summary') throw new Error('no summary');
    expect(summary.ranking.map(({ id, version }) => [id, version])).toEqual([
      ['owl', 2],
      ['other', 1],
    ]);
    expect(summary.rankingExact).toBe(true);
    const best = events.findLast((event) => event.kind === 'hit' && event.id === 'owl');
    expect(best).toMatchObject({ version: 2, peerId: testMesh.peers[1]?.peer.overlay.self.id });
    expect(summary.documentsSearched).toBe(testMesh.peers.reduce((sum, { peer }) => sum + peer.index.size, 0));
  });

  it('takes any number of documents in a stream, and says how far it is', async () => {
    const documents = Array.from({ length: 1_200 }, (_, i) => ({ id: `s${i}`, fields: { title: 'streamed', n: i } }));
    const before = first.peer.index.size;
    const progress = [];
    for await (const reached of a().putDocumentsStream(documents, { batch: 500 })) progress.push(reached);
    expect(progress.map(({ stored }) => stored)).toEqual([500, 1_000, 1_200]);
    expect(progress.at(-1)).toEqual({ stored: 1_200, stale: 0, total: before + 1_200 });
    const stale = [{ id: 's0', fields: {}, version: 1 }];
    for await (const reached of a().putDocumentsStream(stale)) expect(reached).toMatchObject({ stored: 0, stale: 1 });
    const found = [];
    for await (const event of b().query('streamed n:100..102')) if (event.kind === 'hit') found.push(event.id);
    expect(found.sort()).toEqual(['s100', 's101', 's102']);
    await a().deleteDocuments(documents.slice(0, 1_000).map(({ id }) => id));
    await a().deleteDocuments(documents.slice(1_000).map(({ id }) => id));
  });

  it('ends a stream with the first document that it refuses; what was acknowledged is stored', async () => {
    const before = first.peer.index.size;
    const seen: number[] = [];
    const load = async () => {
      const documents = [
        { id: 'fine', fields: { title: 'fine' } },
        { id: '', fields: {} },
      ];
      for await (const { stored } of a().putDocumentsStream(documents, { batch: 1 })) seen.push(stored);
    };
    await expect(load()).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'documents[0].id', description: 'must not be empty' }],
    });
    expect([seen, first.peer.index.size]).toEqual([[1], before + 1]);
    await a().deleteDocuments(['fine']);
    const broken = async function* () {
      yield { id: 'one', fields: {} };
      throw new Error('the source is broken');
    };
    const drain = async () => {
      for await (const _ of a().putDocumentsStream(broken())) void _;
    };
    await expect(drain()).rejects.toThrow('the source is broken');
    await a().deleteDocuments(['one']);
  });

  it('names the setting when the index is full', async () => {
    const alone = new TestMesh();
    const small = await alone.start({ STARLING_INDEX_DOCUMENTS_MAX: '2' });
    const client = await connect({ addresses: [apiOf(small)], tls: 'off', learnAddresses: false });
    try {
      const three = ['a', 'b', 'c'].map((id) => ({ id: `small-${id}`, fields: { id } }));
      const refusal = {
        code: 'RESOURCE_EXHAUSTED',
        reason: 'INDEX_FULL',
        metadata: { stored: '2', limit: '2' },
        message: expect.stringContaining('STARLING_INDEX_DOCUMENTS_MAX'),
      };
      await expect(client.putDocuments(three)).rejects.toMatchObject(refusal);
    } finally {
      client.close();
      await alone.stop();
    }
  });

  it('keeps its documents over a restart when it has a data directory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'starling-data-'));
    for (const put of [true, false]) {
      const alone = new TestMesh();
      const peer = await alone.start({ STARLING_DATA_DIR: folder });
      const client = await connect({ addresses: [apiOf(peer)], tls: 'off', learnAddresses: false });
      const found: string[] = [];
      try {
        if (put) await client.putDocuments([{ id: 'kept', fields: { title: 'a kept owl' } }]);
        for await (const event of client.query('owl')) if (event.kind === 'hit') found.push(event.id);
      } finally {
        client.close();
        await alone.stop();
      }
      expect(found).toEqual(['kept']);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells the whole mesh that it cannot write to its disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'starling-data-'));
    // What a cache is renamed to is no file: it fails like a full disk.
    mkdirSync(join(folder, 'peers.json'));
    const two = new TestMesh();
    const ill = await two.start({ STARLING_DATA_DIR: folder });
    const well = await two.start();
    const client = await connect({ addresses: [apiOf(well)], tls: 'off', learnAddresses: false });
    try {
      const told = async () => {
        for await (const { event } of client.watchTopology({ signal: AbortSignal.timeout(20_000) })) {
          const ailing = event.value?.reports.find(({ conditions }) => conditions.length > 0);
          if (ailing !== undefined) return ailing;
        }
        return null;
      };
      expect(await told()).toMatchObject({
        peer: { id: ill.peer.overlay.self.id },
        conditions: [PeerCondition.CACHE_UNWRITTEN],
      });
      expect((await client.getPeer()).report?.conditions).toEqual([]);
    } finally {
      client.close();
      await two.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('points at what is malformed', async () => {
    const ask = async () => {
      for await (const _ of a().query('owls (year:')) void _;
    };
    await expect(ask()).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [
        {
          field: 'text',
          description: 'needs a word, a phrase or a range right after "year:" (at character 12)',
        },
      ],
      metadata: { text_at: '11', text_end: '11' },
    });
  });

  it('gives an answer that is remembered from a query like it, and says how old it is', async () => {
    const ask = async () => {
      const events = [];
      for await (const event of c().query('murmuration', { limit: 1, strategy: 'ring' })) events.push(event);
      return events;
    };
    const [first, again] = [await ask(), await ask()];
    expect(first.at(-1)).toMatchObject({ kind: 'summary', cacheAgeMs: null });
    expect(again.at(-1)).toMatchObject({ kind: 'summary', cacheAgeMs: expect.any(Number), messagesSpent: 0 });
    expect(again.slice(0, -1)).toEqual(first.slice(0, -1));
  });

  it('sheds a storm of queries, and says when to come again', async () => {
    const one = create(QueryRequestSchema, { text: 'murmuration', limit: 1 });
    const all = await Promise.allSettled(Array.from({ length: 250 }, () => collect(raw.stream(search.query, one))));
    const refused = all.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(250);
    for (const error of refused) {
      expect(fromStatus(error)).toMatchObject({ reason: 'TOO_MANY_QUERIES', retryAfterMs: expect.any(Number) });
    }
  });

  it('ends everywhere when the client gives up', async () => {
    const call = raw.stream(search.query, create(QueryRequestSchema, { text: 'murmuration' }));
    call.on('error', () => {});
    call.cancel();
    await until(() => first.peer.queries.size === 0);
  });
});

describe('admin', () => {
  it('lists the whole mesh in pages', async () => {
    const known = testMesh.peers.map(({ peer }) => peer.overlay.self.id).sort();
    const listed: string[] = [];
    for await (const { id, version } of a().listPeers({ pageSize: 2 })) {
      listed.push(id);
      expect(version).toBe('0.1.0');
    }
    expect(listed).toEqual(known);
  });

  it('tells about the peer that is asked', async () => {
    const { report, meshSize, mesh: name } = await a().getPeer();
    expect({ meshSize, name }).toEqual({ meshSize: 3, name: 'starling' });
    expect(report?.peer).toMatchObject({ id: first.peer.overlay.self.id, name: 'peer-0', version: '0.1.0' });
    expect(report?.links.map((link) => link.peerId).sort()).toEqual(
      first.peer.overlay.neighbors.map(({ id }) => id).sort(),
    );
  });

  it('watches the topology: a snapshot, numbered deltas, every peer heard, resumed where it stopped', async () => {
    const stop = new AbortController();
    const seen = [];
    for await (const response of a().watchTopology({ signal: stop.signal })) {
      seen.push(response);
      if (response.peersHeard === 3 && seen.length >= 3) break;
    }
    stop.abort();
    expect(seen[0]?.event.case).toBe('snapshot');
    expect(seen.slice(1).every((response) => response.event.case === 'delta')).toBe(true);
    const versions = seen.map(({ version }) => Number(version));
    expect(versions).toEqual(versions.map((_, i) => (versions[0] as number) + i));
    const { epoch, version } = seen[1] as (typeof seen)[number];
    const call = raw.stream(admin.watchTopology, create(WatchTopologyRequestSchema, { epoch, afterVersion: version }));
    call.on('error', () => {});
    const [next] = await take(call, 1);
    call.cancel();
    expect(next).toMatchObject({ epoch, version: version + 1n, event: { case: 'delta' } });
    await until(() => testMesh.peers.every(({ peer }) => peer.watches.size === 0));
  });

  it('drains only the peer that is meant', async () => {
    await expect(a().drain('somebody-else')).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'WRONG_PEER',
      metadata: { peer_id: first.peer.overlay.self.id },
    });
  });
});

describe('bad input', () => {
  const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 'v']));
  const publish = (fields: Parameters<typeof create<typeof PublishRequestSchema>>[1]) => () =>
    raw.unary(mesh.publish, create(PublishRequestSchema, { topic: 't', ...fields }));
  const subscribe = (fields: Parameters<typeof create<typeof SubscribeRequestSchema>>[1]) => () =>
    collect(raw.stream(mesh.subscribe, create(SubscribeRequestSchema, { topics: ['t'], ...fields })));
  const query = (fields: Parameters<typeof create<typeof QueryRequestSchema>>[1]) => () =>
    collect(raw.stream(search.query, create(QueryRequestSchema, { text: 'x', ...fields })));
  const put = (documents: { id: string; fields?: JsonObject; version?: bigint }[]) => () =>
    raw.unary(search.putDocuments, create(PutDocumentsRequestSchema, { documents }));
  const list = (fields: Parameters<typeof create<typeof ListPeersRequestSchema>>[1]) => () =>
    raw.unary(admin.listPeers, create(ListPeersRequestSchema, fields));

  it.each([
    ['no topic', publish({ topic: '' }), 'INVALID_REQUEST', 'topic'],
    ['a wildcard in a topic', publish({ topic: 'a.*' }), 'INVALID_REQUEST', 'topic'],
    ['a topic with spaces', publish({ topic: 'a b' }), 'INVALID_REQUEST', 'topic'],
    ['a topic too long', publish({ topic: 'x'.repeat(257) }), 'INVALID_REQUEST', 'topic'],
    ['too many headers', publish({ headers: headers(33) }), 'INVALID_REQUEST', 'headers'],
    ['a header in capitals', publish({ headers: { Lang: 'en' } }), 'INVALID_REQUEST', 'headers["Lang"]'],
    ['headers too large', publish({ headers: { big: 'x'.repeat(8_190) } }), 'INVALID_REQUEST', 'headers'],
    [
      'too many holders',
      publish({ holdNeighbors: 9, acknowledge: Acknowledge.HELD }),
      'INVALID_REQUEST',
      'hold_neighbors',
    ],
    ['a request id too long', publish({ requestId: 'x'.repeat(65) }), 'INVALID_REQUEST', 'request_id'],
    ['no topics', subscribe({ topics: [] }), 'INVALID_REQUEST', 'topics'],
    ['too many topics', subscribe({ topics: Array.from({ length: 65 }, () => 't') }), 'INVALID_REQUEST', 'topics'],
    ['a bad pattern', subscribe({ topics: ['a', '>.b'] }), 'INVALID_REQUEST', 'topics[1]'],
    ['a garbled cursor', subscribe({ cursors: ['nonsense'] }), 'INVALID_CURSOR', 'cursors[0]'],
    ['two starts', subscribe({ replayAll: true, sinceTime: timestampFromMs(1) }), 'INVALID_REQUEST', 'cursors'],
    [
      'an impossible time',
      subscribe({ sinceTime: { $typeName: 'google.protobuf.Timestamp', seconds: 1n, nanos: -1 } }),
      'INVALID_REQUEST',
      'since_time',
    ],
    ['an empty query', query({ text: ' ' }), 'INVALID_REQUEST', 'text'],
    ['a query too long', query({ text: 'x'.repeat(1_025) }), 'INVALID_REQUEST', 'text'],
    ['too many hits', query({ limit: 1_001 }), 'INVALID_REQUEST', 'limit'],
    ['a timeout too long', query({ timeout: durationFromMs(30_001) }), 'INVALID_REQUEST', 'timeout'],
    ['a budget too large', query({ messageBudget: 65_537 }), 'INVALID_REQUEST', 'message_budget'],
    [
      'a budget for asking everybody',
      query({ strategy: QueryStrategy.EXHAUSTIVE, messageBudget: 10 }),
      'INVALID_REQUEST',
      'message_budget',
    ],
    ['a strategy of a later version', query({ strategy: 99 as QueryStrategy }), 'INVALID_REQUEST', 'strategy'],
    ['a negative timeout', query({ timeout: durationFromMs(-1) }), 'INVALID_REQUEST', 'timeout'],
    ['a version too high', put([{ id: 'a', version: 2n ** 53n }]), 'INVALID_REQUEST', 'documents[0].version'],
    ['no documents', put([]), 'INVALID_REQUEST', 'documents'],
    ['a document without id', put([{ id: '' }]), 'INVALID_REQUEST', 'documents[0].id'],
    [
      'a document too large',
      put([{ id: 'a', fields: { x: 'y'.repeat(65_536) } }]),
      'INVALID_REQUEST',
      'documents[0].fields',
    ],
    [
      'no ids to delete',
      () => raw.unary(search.deleteDocuments, create(DeleteDocumentsRequestSchema)),
      'INVALID_REQUEST',
      'ids',
    ],
    ['a negative page size', list({ pageSize: -1 }), 'INVALID_REQUEST', 'page_size'],
    ['a page size too large', list({ pageSize: 1_001 }), 'INVALID_REQUEST', 'page_size'],
    ['a garbled page token', list({ pageToken: 'nonsense' }), 'INVALID_PAGE_TOKEN', 'page_token'],
    [
      'a drain of an hour',
      () => raw.unary(admin.drain, create(DrainRequestSchema, { timeout: durationFromMs(3_600_000) })),
      'INVALID_REQUEST',
      'timeout',
    ],
  ])('%s is refused with its reason and its field', async (_name, call, reason, field) => {
    const error = fromStatus(await (call() as Promise<unknown>).catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason });
    expect(error.violations.map((violation) => violation.field)).toContain(field);
    expect(error.message).not.toContain('\n');
  });

  it('is all named at once', async () => {
    const error = fromStatus(
      await publish({ topic: '', requestId: 'x'.repeat(65) })().catch((thrown: unknown) => thrown),
    );
    expect(error.violations.map(({ field }) => field)).toEqual(['topic', 'request_id']);
  });
});
