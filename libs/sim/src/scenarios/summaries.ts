import type { PeerId, Rng } from '@starling/kernel';
import { summarize } from '../measure/summary.ts';
import { WireMeter } from '../measure/wire-meter.ts';
import type { Sample } from '../report.ts';
import { type Asked, DocumentWorld, documentConfig, type SimDocument, zipfWord } from './document-world.ts';
import { type MeshPeer, meshOf } from './mesh.ts';
import type { Scenario } from './scenario.ts';

const vocabulary = 50_000;
const documentsEach = 20;
const wordsEach = 20;

export interface Setting {
  readonly documents: DocumentWorld;
  readonly peers: readonly MeshPeer[];
  /** Words that a known share of the peers have, by name: in so many copies each. */
  readonly tags: readonly { readonly word: string; readonly copies: number }[];
}

let documentNumber = 0;

function documentOf(rng: Rng, count: number, ...tags: readonly string[]): SimDocument {
  const words = new Set(tags);
  while (words.size < count) words.add(zipfWord(rng, vocabulary));
  return { id: `d${++documentNumber}`, words, score: rng.float() };
}

/** What peers have. */
export interface Stock {
  readonly documentsEach: number;
  readonly wordsEach: number;
}

/** Peers with documents of Zipf's words, and tags: held by one peer each, by 0.1 % and by 1 %. */
export function settled(
  peers: number,
  seed: number,
  config = documentConfig,
  { documentsEach: each, wordsEach: words }: Stock = { documentsEach, wordsEach },
): Setting {
  documentNumber = 0;
  const documents = new DocumentWorld(seed, config);
  const { harness } = documents;
  const { world } = harness;
  harness.start(peers, 5);
  const { rng } = world;
  for (const peer of world.peers) {
    documents.put(
      peer,
      Array.from({ length: each }, () => documentOf(rng, words)),
    );
  }
  const tags: { word: string; copies: number }[] = [];
  for (const share of [0, 0.001, 0.01]) {
    for (let i = 0; i < 20; i++) {
      const tag = { word: `tag${tags.length}`, copies: Math.max(1, Math.round(peers * share)) };
      tags.push(tag);
      for (const peer of rng.sample(world.peers, tag.copies)) documents.put(peer, [documentOf(rng, words, tag.word)]);
    }
  }
  world.runUntil(world.now + 60_000);
  return { documents, peers: harness.livePeers(), tags };
}

/** The share of all that a peer knows summaries of, on average. */
function covered(peers: readonly MeshPeer[]): number {
  return mean(peers.map((peer) => Math.min(1, meshOf(peer).summaries.covered / peers.length)));
}

/** What a question found of what there is to find, up to its limit. */
export function recallOf(asked: Asked, truth: readonly { readonly id: string }[], limit: number): number {
  const best = truth.slice(0, limit);
  if (best.length === 0) return 1;
  const found = new Set(asked.hits.map(({ id }) => id));
  return best.filter(({ id }) => found.has(id)).length / best.length;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / (values.length || 1);

export function randomOf<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.below(items.length)] as T;
}

/** Questions for tags: what they found, cost and asked in vain. */
function askTags({ documents, peers, tags }: Setting): Record<string, number> {
  const { rng } = documents.harness.world;
  const recalls: number[] = [];
  const times: number[] = [];
  let asked = 0;
  let falsely = 0;
  let messages = 0;
  let mayAnswer = 0;
  for (const { word } of tags) {
    const asker = randomOf(rng, peers);
    const truth = documents.oracle([word]);
    const holders = new Set<PeerId>(truth.map(({ peer }) => peer));
    const answer = documents.ask(asker, [word], { strategy: 'summary', limit: 1_000 });
    recalls.push(recallOf(answer, truth, 1_000));
    times.push(answer.tookMs);
    asked += answer.finished.tally.asked;
    falsely += answer.finished.tally.asked - [...holders].length;
    messages += answer.finished.tally.messages;
    mayAnswer += holders.size;
  }
  return {
    recall: mean(recalls),
    messagesPerHolder: messages / mayAnswer,
    falseAsks: (100 * Math.max(0, falsely)) / asked,
    answerP99: summarize(times).p99,
  };
}

/** Questions for two words that are neither rare nor everywhere: is the order that of one index over everything? */
function askWords({ documents, peers }: Setting, strategy: 'summary' | 'auto'): Record<string, number> {
  const { rng } = documents.harness.world;
  const recalls: number[] = [];
  let summary = 0;
  for (let i = 0; i < 40; i++) {
    const source = randomOf(rng, documents.documentsOf(randomOf(rng, documents.harness.livePeers())));
    const words = rng.sample([...source.words].sort(), 2);
    const answer = documents.ask(randomOf(rng, peers), words, { strategy });
    recalls.push(recallOf(answer, documents.oracle(words), 10));
    if (answer.finished.choice?.strategy === 'summary') summary++;
  }
  return { top10: mean(recalls), straight: (100 * summary) / 40 };
}

/** Puts from everywhere for a while: when does everybody know? */
function putForAWhile(setting: Setting, meter: WireMeter, idlePerMs: number): Record<string, number> {
  const { documents, peers } = setting;
  const { world } = documents.harness;
  const delays: number[] = [];
  const puts = 100;
  const before = meter.total;
  const begun = world.now;
  const unknown = new Map<string, { at: number; peer: PeerId; left: Set<MeshPeer> }>();
  const look = (): void => {
    for (const [word, { at, peer, left }] of unknown) {
      for (const asker of left) {
        if (!meshOf(asker).summaries.hasTerm(peer, word)) continue;
        left.delete(asker);
        delays.push(world.now - at);
      }
      if (left.size === 0) unknown.delete(word);
    }
  };
  for (let i = 0; i < puts; i++) {
    const peer = randomOf(world.rng, peers);
    const word = `fresh${i}`;
    documents.put(peer, [documentOf(world.rng, wordsEach, word)]);
    unknown.set(word, { at: world.now, peer: peer.info.id, left: new Set(peers) });
    world.runUntil(world.now + 100);
    look();
  }
  while (unknown.size > 0 && world.now < begun + 60_000) {
    world.runUntil(world.now + 100);
    look();
  }
  for (const { left } of unknown.values()) for (const _ of left) delays.push(60_000);
  const extra = meter.total - before - idlePerMs * (world.now - begun);
  return {
    freshMax: Math.max(...delays),
    freshP50: summarize(delays).p50,
    bytesPerPut: Math.max(0, extra) / puts / peers.length,
  };
}

/** A tenth of the peers crash: what is found of what the living have, at once and when it is known who is gone. */
function churn({ documents, peers, tags }: Setting): Record<string, number> {
  const { world } = documents.harness;
  for (const victim of world.rng.sample(documents.harness.livePeers(), Math.floor(world.peers.length / 10)))
    world.crash(victim);
  const living = peers.filter(({ isUp }) => isUp);
  const recall = (): number =>
    mean(
      tags.map(({ word }) => {
        const answer = documents.ask(randomOf(world.rng, living), [word], { strategy: 'summary', limit: 1_000 });
        const truth = documents.oracle([word]);
        return recallOf(answer, truth, 1_000);
      }),
    );
  const atOnce = recall();
  world.runUntil(world.now + 40_000);
  return { recallAtOnce: atOnce, recallLater: recall() };
}

/** One more peer: how long until it knows what all have, and how many bytes that took. */
function joiner({ documents }: Setting): Record<string, number> {
  const { world } = documents.harness;
  const begun = world.now;
  const late = world.start();
  const { summaries } = meshOf(late);
  const living = documents.harness.livePeers().length;
  while (summaries.covered < living && world.now < begun + 120_000) world.runUntil(world.now + 50);
  return { joinMs: world.now - begun, joinBytes: summaries.catchUpStats.bytesFetched / living };
}

export const summaries: Scenario = {
  name: 'search/summaries',
  about: 'full summaries: questions straight to the holders, freshness, upkeep, churn, a joiner (target 21)',
  engine: 'event',
  setup: `the shipped configuration, three zones; each peer has ${documentsEach} documents of ${wordsEach} words by Zipf's law out of ${vocabulary}; 60 tags held by one peer, 0.1 % and 1 % of them; all hold summaries of all, in one process, so that the largest meshes do not fit; links that are opened for a question are not counted as messages`,
  peers: 300,
  seeds: 1,
  cpuSeconds: 75,
  reduced: { peers: 20, seeds: 1 },
  goals: [
    { id: 'recall', what: 'recall of tags', unit: '', paper: '–', goal: { is: '≥', value: 0.99 }, judgedBy: 'worst' },
    {
      id: 'top10',
      what: 'recall of the top 10 of two words',
      unit: '',
      paper: 'PlanetP ≈ central ranking',
      goal: { is: '≥', value: 0.95 },
      judgedBy: 'worst',
    },
    {
      id: 'messagesPerHolder',
      what: 'messages per holder of a tag',
      unit: '',
      paper: '–',
      goal: { is: '≤', value: 2.04 },
      judgedBy: 'worst',
    },
    {
      id: 'falseAsks',
      what: 'peers asked that hold nothing',
      unit: '%',
      paper: '–',
      goal: { is: '≤', value: 2 },
      judgedBy: 'worst',
    },
    {
      id: 'answerP99',
      what: 'until the answer to a tag is complete, p99',
      unit: 'ms',
      paper: '–',
      goal: null,
      judgedBy: 'worst',
    },
    {
      id: 'straight',
      what: 'two-word questions that went straight',
      unit: '%',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
    {
      id: 'freshMax',
      what: 'from a put until every asker knows, max',
      unit: 'ms',
      paper: '–',
      goal: { is: '≤', value: 5_000 },
      judgedBy: 'worst',
    },
    { id: 'freshP50', what: 'the same, p50', unit: 'ms', paper: '–', goal: null, judgedBy: 'mean' },
    {
      id: 'idle',
      what: 'sent for it by an idle peer',
      unit: 'B/s',
      paper: '–',
      goal: { is: '≤', value: 10 },
      judgedBy: 'worst',
    },
    {
      id: 'bytesPerPut',
      what: 'sent by each peer for one put anywhere',
      unit: 'B',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
    { id: 'memory', what: 'held per peer known', unit: 'B', paper: '–', goal: null, judgedBy: 'worst' },
    {
      id: 'memoryAll',
      what: 'held for all, of the shipped 64 MiB',
      unit: 'MiB',
      paper: '–',
      goal: { is: '≤', value: 64 },
      judgedBy: 'worst',
    },
    {
      id: 'covered',
      what: 'peers known to an asker',
      unit: '',
      paper: '–',
      goal: { is: '≥', value: 1 },
      judgedBy: 'worst',
    },
    {
      id: 'recallAtOnce',
      what: 'recall of tags, a tenth has just crashed',
      unit: '',
      paper: '–',
      goal: { is: '≥', value: 0.99 },
      judgedBy: 'worst',
    },
    {
      id: 'recallLater',
      what: 'the same 40 s later',
      unit: '',
      paper: '–',
      goal: { is: '≥', value: 0.99 },
      judgedBy: 'worst',
    },
    { id: 'joinMs', what: 'until a joiner knows all', unit: 'ms', paper: '–', goal: null, judgedBy: 'worst' },
    { id: 'joinBytes', what: 'fetched by it per peer', unit: 'B', paper: '–', goal: null, judgedBy: 'mean' },
  ],
  run(size, seed) {
    const setting = settled(size, seed);
    const { documents, peers } = setting;
    const { world } = documents.harness;
    const meter = new WireMeter();
    const idleMs = 60_000;
    world.observe({ sent: (from, to, message, now) => meter.sent(from.index, to.index, message, now) });
    world.runUntil(world.now + idleMs);
    const idle = (1_000 * meter.bytes.summaries) / idleMs / size;
    const idlePerMs = meter.total / idleMs;
    const asker = meshOf(peers[0] as MeshPeer).summaries;
    const values = {
      idle,
      memory: asker.bytes / asker.covered,
      memoryAll: asker.bytes / 2 ** 20,
      covered: covered(peers),
      ...askTags(setting),
      ...askWords(setting, 'summary'),
      ...putForAWhile(setting, meter, idlePerMs),
      ...joiner(setting),
      ...churn(setting),
    };
    return sampleOf(documents, seed, values);
  },
};

export function sampleOf({ harness }: DocumentWorld, seed: number, values: Readonly<Record<string, number>>): Sample {
  const { world } = harness;
  return { seed, values, traceHash: world.traceHash, violations: [], events: world.stats.events };
}
