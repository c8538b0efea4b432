import type { AggregateMessage, GroupData, LostReason } from '@starling/core-aggregate';
import type { BansMessage } from '@starling/core-bans';
import type { DirectoryBroadcast, DirectoryMessage, MemberRecord } from '@starling/core-directory';
import type { HyParViewMessage } from '@starling/core-hyparview';
import {
  type KademliaMessage,
  type LookupRecord,
  type Position,
  recordKinds,
  storeOutcomes,
} from '@starling/core-kademlia';
import type { LivenessMessage } from '@starling/core-liveness';
import type { LinkReport, ObserveBroadcast, PeerReport } from '@starling/core-observe';
import type { BatchSignature, Gossip, PlumtreeMessage, SeqRange, StreamDigest } from '@starling/core-plumtree';
import type { Hit, QueryTally, SearchMessage, SeekTally, SpanList, TermsPart } from '@starling/core-search';
import type { HolderMessage, SummariesMessage, SummaryDelta } from '@starling/core-summaries';
import { type PeerId, type PeerInfo, timestampMsMax } from '@starling/kernel';
import type { Body, MeshMessage } from '@starling/mesh';
import type { TermStatistics } from '@starling/query';
import * as fc from 'fast-check';

// Valid messages of every kind, for property tests: each field takes every value that a core may give it.

const text = fc.string({ unit: 'grapheme', maxLength: 24 });
const uint32 = fc.nat({ max: 0xffff_ffff });
const whole = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
/** Times that a protobuf timestamp can tell, in whole ms. */
const times = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: timestampMsMax }));
const millis = fc.oneof(fc.nat({ max: 60_000 }), fc.double({ min: 0, max: 4e12, noNaN: true }).map(positiveZero));
const swarm = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: uint32 });

function positiveZero(value: number): number {
  return value === 0 ? 0 : value;
}

const base32 = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567');

/** Peer ids: 52 characters of base32, from a small set, so that the same ones meet again. */
export const peerIds: fc.Arbitrary<PeerId> = fc.oneof(
  fc.constantFrom('a', 'b', 'c').map((letter) => letter.repeat(52)),
  fc.string({ unit: base32, minLength: 52, maxLength: 52 }),
);

export const addresses: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('127.0.0.1', '[::1]', 'peer-0.starling.svc', '[fe80::1:2]', 'h'), fc.nat({ max: 65_535 }))
  .map(([host, port]) => `${host}:${port}`);

export const peerInfos: fc.Arbitrary<PeerInfo> = fc.record(
  {
    ...{ id: peerIds, address: addresses, apiAddress: fc.oneof(fc.constant(''), addresses) },
    ...{ incarnation: times, zone: text, name: text, version: fc.constantFrom('1.0.0', '2.3.4-rc.1+b5f') },
  },
  { requiredKeys: ['id', 'address', 'apiAddress', 'incarnation', 'zone', 'name'] },
);

const maybePeer = fc.option(peerInfos);
const peers = fc.array(peerInfos, { maxLength: 8 });

/** Stream ids: a peer and the time when it started. */
export const streamIds: fc.Arbitrary<string> = fc.tuple(peerIds, whole).map(([id, start]) => `${id}~${start}`);

const seqRanges: fc.Arbitrary<SeqRange> = fc.record({ stream: streamIds, from: whole, to: whole });
const streamDigests: fc.Arbitrary<StreamDigest> = fc.record({ stream: streamIds, from: whole, seen: whole });

const someBytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength });
const batchSignature: fc.Arbitrary<BatchSignature> = fc.record({
  key: someBytes(91),
  first: whole,
  digests: someBytes(64),
  signature: someBytes(64),
});
/** Some of them shared by many messages, as those of a batch are. */
const batchSignatures: fc.Arbitrary<BatchSignature | null> = fc.oneof(
  fc.constant(null),
  batchSignature,
  fc.constantFrom<BatchSignature>(
    { key: new Uint8Array(91).fill(1), first: 1, digests: new Uint8Array(64).fill(2), signature: new Uint8Array(64) },
    { key: new Uint8Array(91).fill(1), first: 5, digests: new Uint8Array(16).fill(3), signature: new Uint8Array(64) },
  ),
);

/** Broadcast payload messages over a body. */
export function gossips<B>(body: fc.Arbitrary<B>): fc.Arbitrary<Gossip<B>> {
  return fc.record({
    kind: fc.constant('gossip' as const),
    stream: streamIds,
    seq: whole,
    round: uint32,
    publishedAt: millis,
    wantHeld: fc.boolean(),
    repair: fc.boolean(),
    tree: uint32,
    entry: uint32,
    signature: batchSignatures,
    body,
  });
}

/** All of Plumtree's messages over a body. */
export function plumtreeMessages<B>(body: fc.Arbitrary<B>): fc.Arbitrary<PlumtreeMessage<B>> {
  const items = fc.record({ stream: streamIds, from: whole, to: whole, round: uint32, tree: uint32, entry: uint32 });
  return fc.oneof(
    gossips(body),
    fc.record({ kind: fc.constant('iHave' as const), items: fc.array(items, { maxLength: 6 }) }),
    fc.record({ kind: fc.constant('pull' as const), ranges: fc.array(seqRanges, { maxLength: 6 }) }),
    fc.record({
      kind: fc.constant('graft' as const),
      ranges: fc.array(seqRanges, { maxLength: 6 }),
      tree: uint32,
    }),
    fc.record({ kind: fc.constant('prune' as const), tree: uint32, yieldTo: fc.option(uint32) }),
    fc.record({
      kind: fc.constant('digest' as const),
      streams: fc.array(streamDigests, { maxLength: 6 }),
      last: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('held' as const), stream: streamIds, seq: whole }),
  );
}

export const hyParViewMessages: fc.Arbitrary<HyParViewMessage> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), sender: peerInfos }),
  fc.record({ kind: fc.constant('forwardJoin' as const), joiner: peerInfos, ttl: uint32 }),
  fc.record({
    kind: fc.constant('neighbor' as const),
    sender: peerInfos,
    priority: fc.constantFrom('high' as const, 'low' as const, 'near' as const),
    dropping: maybePeer,
  }),
  fc.record({ kind: fc.constant('neighborReply' as const), accepted: fc.boolean(), dropped: maybePeer }),
  fc.record({
    kind: fc.constant('disconnect' as const),
    reason: fc.constantFrom('leave' as const, 'evicted' as const, 'swapped' as const),
    alternative: maybePeer,
  }),
  fc.record({ kind: fc.constant('shuffle' as const), origin: peerInfos, ttl: uint32, sample: peers }),
  fc.record({ kind: fc.constant('shuffleReply' as const), sample: peers }),
);

export const livenessMessages: fc.Arbitrary<LivenessMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('ping' as const, 'ack' as const), nonce: uint32 }),
  fc.record({ kind: fc.constant('probe' as const), target: peerInfos, nonce: uint32, silentMs: uint32 }),
  fc.record({ kind: fc.constant('probeReply' as const), target: peerIds, nonce: uint32, alive: fc.boolean() }),
  fc.record({ kind: fc.constant('watchers' as const), peers: fc.array(peerInfos, { maxLength: 8 }) }),
);

const memberRecords: fc.Arbitrary<MemberRecord> = fc.record({
  info: peerInfos,
  state: fc.constantFrom('up' as const, 'left' as const, 'dead' as const),
  ttlMs: millis,
});

export const directoryMessages: fc.Arbitrary<DirectoryMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('directoryDigest' as const),
    hashes: fc.array(uint32, { maxLength: 256 }),
    versions: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('directoryRecords' as const),
    bucketCount: uint32,
    buckets: fc.array(uint32, { maxLength: 16 }),
    records: fc.array(memberRecords, { maxLength: 8 }),
    reply: fc.boolean(),
  }),
);

// What is left out on the wire is left out by cores, too: it is never 0 or empty.
const hits: fc.Arbitrary<Hit> = fc.record(
  {
    peer: peerIds,
    documentId: text,
    version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    length: fc.integer({ min: 1, max: 0xffff_ffff }),
    terms: fc.array(uint32, { minLength: 1, maxLength: 4 }),
    score: fc.double({ noNaN: true, noDefaultInfinity: true }).map(positiveZero),
    document: text,
  },
  { requiredKeys: ['peer', 'documentId', 'score', 'document'] },
);

const statistics: fc.Arbitrary<TermStatistics> = fc.record({
  documents: whole,
  words: whole,
  frequencies: fc.array(whole, { maxLength: 4 }),
});

const tallies: fc.Arbitrary<QueryTally> = fc.record(
  {
    asked: uint32,
    answered: uint32,
    messages: uint32,
    missing: uint32,
    broken: fc.integer({ min: 1, max: 0xffffffff }),
    bytes: whole,
    statistics,
  },
  { requiredKeys: ['asked', 'answered', 'messages', 'missing', 'bytes'] },
);

const seekTallies: fc.Arbitrary<SeekTally> = fc.record({
  declined: fc.boolean(),
  asked: uint32,
  answered: uint32,
  messages: uint32,
  bytes: whole,
  missing: uint32,
  walkers: uint32,
  edges: uint32,
});

const termsParts: fc.Arbitrary<TermsPart> = fc.record({
  isDelta: fc.boolean(),
  filter: fc.uint8Array({ maxLength: 40 }),
});

const spanTimes = { askedAfterMs: millis, roundTripMs: millis, elapsedMs: millis, localMs: millis };
const spanLists: fc.Arbitrary<SpanList> = fc.record({
  spans: fc.array(
    fc.record({
      peer: peerIds,
      parent: peerIds,
      state: fc.constantFrom('done', 'late', 'missing', 'broken', 'shed', 'stopped'),
      ...spanTimes,
      hits: uint32,
      messages: uint32,
      declined: uint32,
    }),
    { minLength: 1, maxLength: 4 },
  ),
  cut: uint32,
});

/** Any of the messages, now and then with the way that it took. */
function traced<M extends SearchMessage>(messages: fc.Arbitrary<M>): fc.Arbitrary<M> {
  return fc
    .tuple(messages, fc.option(spanLists))
    .map(([message, trace]) => (trace === null ? message : { ...message, trace }));
}

export const searchMessages: fc.Arbitrary<SearchMessage> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('query' as const),
      queryId: text,
      wave: uint32,
      text,
      limit: uint32,
      timeoutMs: millis,
      hops: uint32,
      tree: uint32,
      statistics,
    },
    { requiredKeys: ['kind', 'queryId', 'wave', 'text', 'limit', 'timeoutMs', 'hops', 'tree'] },
  ),
  traced(
    fc.record({
      kind: fc.constant('answer' as const),
      queryId: text,
      wave: uint32,
      hits: fc.array(hits, { maxLength: 4 }),
      done: tallies,
    }),
  ),
  fc.record({
    kind: fc.constant('answer' as const),
    queryId: text,
    wave: uint32,
    hits: fc.array(hits, { maxLength: 4 }),
    done: fc.constant(null),
  }),
  fc.record({ kind: fc.constant('decline' as const), queryId: text, wave: uint32 }),
  fc.record({ kind: fc.constant('cancel' as const), queryId: text }),
  fc.record(
    {
      kind: fc.constant('seek' as const),
      queryId: text,
      strategy: fc.constantFrom('walk' as const, 'ring' as const, 'guided' as const),
      round: uint32,
      text,
      limit: uint32,
      timeoutMs: millis,
      roundMs: millis,
      hops: uint32,
      steps: uint32,
      walkers: uint32,
      budget: uint32,
      terms: fc.array(fc.array(uint32, { maxLength: 3 }), { maxLength: 3 }),
      resume: fc.boolean(),
      trace: fc.constant(true),
    },
    {
      requiredKeys: [
        'kind',
        'queryId',
        'strategy',
        'round',
        'text',
        'limit',
        'timeoutMs',
        'roundMs',
        'hops',
        'steps',
        'walkers',
        'budget',
        'terms',
        'resume',
      ],
    },
  ),
  fc.record({
    kind: fc.constant('linkTerms' as const),
    version: uint32,
    near: fc.option(termsParts),
    beyond: fc.option(termsParts),
    degree: uint32,
    again: fc.boolean(),
  }),
  traced(
    fc.record({
      kind: fc.constant('found' as const),
      queryId: text,
      round: uint32,
      hits: fc.array(hits, { maxLength: 4 }),
      done: fc.option(seekTallies),
    }),
  ),
);

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

const fieldBytes = fc.uint8Array({ maxLength: 40 });

export const lookupRecords: fc.Arbitrary<LookupRecord> = fc.record({
  kind: fc.constantFrom(...recordKinds),
  key: fieldBytes,
  value: fieldBytes,
  version: whole,
  expiresAt: whole,
  publisher: peerIds,
  publicKey: fieldBytes,
  signature: fieldBytes,
});

const positions: fc.Arbitrary<Position> = fc
  .array(uint32, { minLength: 8, maxLength: 8 })
  .map((words) => Uint32Array.from(words));

export const kademliaMessages: fc.Arbitrary<KademliaMessage> = fc.oneof(
  fc.record({ kind: fc.constant('findNode' as const), rpcId: uint32, target: positions }),
  fc.record({ kind: fc.constant('findNodeReply' as const), rpcId: uint32, peers }),
  fc.record({
    kind: fc.constant('findValue' as const),
    rpcId: uint32,
    recordKind: fc.constantFrom(...recordKinds),
    key: fieldBytes,
    publisher: fc.oneof(fc.constant(''), peerIds),
    limit: uint32,
  }),
  fc.record({
    kind: fc.constant('findValueReply' as const),
    rpcId: uint32,
    records: fc.array(lookupRecords, { maxLength: 3 }),
    peers,
  }),
  fc.record({ kind: fc.constant('store' as const), rpcId: uint32, record: lookupRecords }),
  fc.record({ kind: fc.constant('storeReply' as const), rpcId: uint32, outcome: fc.constantFrom(...storeOutcomes) }),
);

export const bansMessages: fc.Arbitrary<BansMessage> = fc.oneof(
  fc.record({ kind: fc.constant('bansDigest' as const), hash: uint32 }),
  fc.record({
    kind: fc.constant('bansList' as const),
    bans: fc.array(fc.record({ subject: peerIds, number: whole, hash: uint32 }), { maxLength: 6 }),
    reply: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('bansRecords' as const),
    records: fc.array(fc.record({ statement: bytes(64), signature: bytes(64), key: text }), { maxLength: 4 }),
  }),
);

const indexSize = { documents: whole, words: whole, mayHold: fc.boolean() };

export const summariesMessages: fc.Arbitrary<SummariesMessage> = fc.oneof(
  fc.record({ kind: fc.constant('summaryDigest' as const), hashes: fc.array(uint32, { maxLength: 256 }) }),
  fc.record({
    kind: fc.constant('summaryVersions' as const),
    bucketCount: uint32,
    buckets: fc.array(uint32, { maxLength: 16 }),
    entries: fc.array(fc.record({ id: peerIds, version: whole }), { maxLength: 8 }),
    reply: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('summaryFetch' as const), ids: fc.array(peerIds, { maxLength: 8 }) }),
  fc.record({
    kind: fc.constant('summaryRecords' as const),
    records: fc.array(
      fc.record(
        {
          id: peerIds,
          version: whole,
          terms: bytes(64),
          exact: bytes(64).filter(({ length }) => length > 0),
          ...indexSize,
        },
        { requiredKeys: ['id', 'version', 'terms', 'documents', 'words', 'mayHold'] },
      ),
      { maxLength: 4 },
    ),
  }),
);

export const holderMessages: fc.Arbitrary<HolderMessage<Hit>> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('holderQuery' as const),
      queryId: text,
      text,
      limit: uint32,
      timeoutMs: millis,
      statistics,
      trace: fc.constant(true),
    },
    { requiredKeys: ['kind', 'queryId', 'text', 'limit', 'timeoutMs'] },
  ),
  fc.record(
    {
      kind: fc.constant('holderAnswer' as const),
      queryId: text,
      hits: fc.array(hits, { maxLength: 4 }),
      done: fc.boolean(),
      refused: fc.boolean(),
      statistics,
      elapsedMs: millis,
    },
    { requiredKeys: ['kind', 'queryId', 'hits', 'done', 'refused'] },
  ),
  fc.record({ kind: fc.constant('holderCancel' as const), queryId: text }),
);

const keyValues = fc.oneof(fc.constant(null), text, fc.double({ noNaN: true }).map(positiveZero));
const sketches = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 300 }), count: whole }), { maxLength: 4 })
  .chain((bins) =>
    fc.record({ zeros: whole, first: fc.integer({ min: -900, max: 900 }) }).map(({ zeros, first }) => ({
      zeros,
      indexes: bins.map((_, at) => bins.slice(1, at + 1).reduce((sum, { gap }) => sum + gap, first)),
      counts: bins.map(({ count }) => count),
    })),
  );
const amount = fc.double({ min: 0, noNaN: true }).map(positiveZero);
const groups: fc.Arbitrary<GroupData> = fc.record({
  key: fc.array(keyValues, { maxLength: 3 }),
  peers: uint32,
  cells: fc.array(
    fc.record({
      ...{ count: whole, sum: amount, min: amount, max: amount, least: text, most: text },
      sketch: fc.option(sketches),
    }),
    { maxLength: 2 },
  ),
});
const partials = fc.oneof(
  fc.record({ groups: fc.array(groups, { maxLength: 3 }), cut: fc.constant(null), other: fc.constant(null) }),
  fc.record({ groups: fc.array(groups, { maxLength: 3 }), cut: fc.array(keyValues, { maxLength: 3 }), other: groups }),
);
const lostReasons = fc.constantFrom<LostReason>('broken', 'late', 'shed', 'unread', 'unsound');

export const aggregateMessages: fc.Arbitrary<AggregateMessage> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('aggregateQuery' as const), queryId: text, wave: uint32, text },
    ...{ timeoutMs: millis, hops: uint32, tree: uint32 },
  }),
  fc.record({
    ...{ kind: fc.constant('aggregateAnswer' as const), queryId: text, wave: uint32, partial: fc.option(partials) },
    tally: fc.record({
      ...{ answered: uint32, missing: uint32, messages: uint32, bytes: whole },
      lost: fc.array(fc.record({ peer: peerIds, reason: lostReasons }), { maxLength: 3 }),
    }),
  }),
  fc.record({ kind: fc.constant('aggregateDecline' as const), queryId: text, wave: uint32 }),
  fc.record({ kind: fc.constant('aggregateCancel' as const), queryId: text }),
);

/** Everything that one peer may say to another. */
export function meshMessages<B>(body: fc.Arbitrary<B>): fc.Arbitrary<MeshMessage<B>> {
  return fc.oneof(
    fc.record({ area: fc.constant('membership' as const), swarm, message: hyParViewMessages }),
    {
      weight: 3,
      arbitrary: fc.record({ area: fc.constant('broadcast' as const), swarm, message: plumtreeMessages(body) }),
    },
    fc.record({ area: fc.constant('liveness' as const), message: livenessMessages }),
    fc.record({ area: fc.constant('directory' as const), message: directoryMessages }),
    fc.record({ area: fc.constant('search' as const), message: searchMessages }),
    fc.record({ area: fc.constant('aggregate' as const), message: aggregateMessages }),
    fc.record({ area: fc.constant('bans' as const), message: bansMessages }),
    fc.record({ area: fc.constant('summaries' as const), message: summariesMessages }),
    fc.record({ area: fc.constant('holders' as const), message: holderMessages }),
    fc.record({ area: fc.constant('lookup' as const), message: kademliaMessages }),
  );
}

const directoryBroadcasts: fc.Arbitrary<DirectoryBroadcast> = fc.oneof(
  fc.record({ kind: fc.constant('announce' as const), info: peerInfos, refreshMs: millis }),
  fc.record({ kind: fc.constant('leave' as const), id: peerIds, incarnation: whole }),
  fc.record({ kind: fc.constant('accuse' as const), id: peerIds, incarnation: whole, accuser: peerIds }),
);

const rate = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map(positiveZero);

const linkReports: fc.Arbitrary<LinkReport> = fc.record({
  peer: peerIds,
  role: fc.constantFrom('eager' as const, 'lazy' as const),
  rttMs: fc.oneof(fc.constant(-1), rate),
  messagesInPerSecond: rate,
  messagesOutPerSecond: rate,
  bytesInPerSecond: rate,
  bytesOutPerSecond: rate,
  duplicatesPerSecond: rate,
});

const peerReports: fc.Arbitrary<PeerReport> = fc.record({
  info: peerInfos,
  number: whole,
  state: fc.constantFrom('starting' as const, 'ready' as const, 'draining' as const),
  links: fc.array(linkReports, { maxLength: 8 }),
  deliveredPerSecond: rate,
  publishedPerSecond: rate,
  droppedPerSecond: rate,
  passiveSize: uint32,
  documents: whole,
  heapBytes: whole,
  loopUtilization: rate,
  conditions: fc.subarray([
    'neighborsBypassed',
    'certificateLate',
    'certificateExpired',
    'authorityLate',
    'authorityExpired',
    'cacheUnwritten',
  ]),
});

const observeBroadcasts: fc.Arbitrary<ObserveBroadcast> = fc.oneof(
  fc.record({ kind: fc.constant('watch' as const), watcher: peerIds, leaseMs: millis }),
  fc.record({ kind: fc.constant('report' as const), report: peerReports }),
);

const summaryDeltas: fc.Arbitrary<SummaryDelta> = fc.record({
  version: whole,
  base: whole,
  added: bytes(64),
  removed: bytes(64),
  ...indexSize,
});

/** What a broadcast may carry. */
export const bodies: fc.Arbitrary<Body> = fc.oneof(
  fc.record({
    kind: fc.constant('user' as const),
    topic: text,
    payload: fc.uint8Array({ maxLength: 64 }),
    headers: fc.dictionary(fc.string({ unit: base32, minLength: 1, maxLength: 8 }), text, { noNullPrototype: true }),
  }),
  fc.record({ kind: fc.constant('canary' as const), number: uint32, refreshMs: millis }),
  fc.record({ kind: fc.constant('directory' as const), message: directoryBroadcasts }),
  fc.record({ kind: fc.constant('observe' as const), message: observeBroadcasts }),
  fc.record({ kind: fc.constant('summary' as const), delta: summaryDeltas }),
);
