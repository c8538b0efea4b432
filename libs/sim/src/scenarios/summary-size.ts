import {
  defaultSummariesConfig,
  Summaries,
  type SummariesEvent,
  type SummariesMessage,
} from '@starling/core-summaries';
import { encodeAscending } from '@starling/digest';
import { type Outbox, type PeerId, Rng } from '@starling/kernel';
import { TraceHash } from '../engine/trace-hash.ts';
import { mean } from '../measure/summary.ts';
import type { Goal, Sample } from '../report.ts';
import type { Scenario } from './scenario.ts';

const termsEach = 10_000;
/** As many different words as a hundred million words of text have, and their misspellings. */
const vocabulary = 1_000_000;
const tagsEach = 20;
/** Peers that a question may ask in vain, for each that has what it asks for. */
const inVainMax = 0.02;

/** How the peers' terms are alike: as those of texts, or not at all. */
const kinds = ['text', 'own'] as const;
type Kind = (typeof kinds)[number];

/** A bijection of 32 bits (MurmurHash3's finaliser): words by number have fingerprints as they would by name, and no two the same. */
function fingerprint(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The words of one peer, by number. */
class Words {
  readonly #rng: Rng;
  readonly #isThere = new Uint8Array(vocabulary + 1);
  #next = 2 ** 31;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  of(kind: Kind): number[] {
    if (kind === 'own') return Array.from({ length: termsEach }, () => this.#next++);
    const words: number[] = [];
    const scale = Math.log(vocabulary + 1);
    while (words.length < termsEach) {
      // By inverting the sum 1 + 1/2 + … ≈ ln n: the n-th word is drawn as often as Zipf's law says.
      const word = Math.floor(Math.exp(this.#rng.float() * scale));
      if (this.#isThere[word] === 1) continue;
      this.#isThere[word] = 1;
      words.push(word);
    }
    for (const word of words) this.#isThere[word] = 0;
    return words;
  }
}

interface Tag {
  readonly word: number;
  readonly holders: ReadonlySet<number>;
}

/** Words beyond all others that one peer has, 0.1 % and 1 % of the peers. */
function tagsOf(peers: number, rng: Rng): Tag[] {
  const everybody = Array.from({ length: peers - 1 }, (_, at) => at + 1);
  return [0, 0.001, 0.01].flatMap((share, at) =>
    Array.from({ length: tagsEach }, (_, i) => ({
      word: vocabulary + 1 + at * tagsEach + i,
      holders: new Set(rng.sample(everybody, Math.max(1, Math.round(peers * share)))),
    })),
  );
}

const deaf: Outbox<SummariesMessage, SummariesEvent> = { open() {}, send() {}, close() {}, emit() {} };
const idOf = (peer: number): PeerId => `${peer}`.padStart(52, 'p');

/** One peer that has heard what all others have; what it knows is asked as questions ask it. */
function hear(kind: Kind, peers: number, tags: readonly Tag[], rng: Rng, hash: TraceHash): Summaries {
  const self = { id: idOf(0), address: '', apiAddress: '', incarnation: 1, zone: '', name: '' };
  const core = new Summaries(defaultSummariesConfig, self, rng.child());
  const words = new Words(rng);
  const command = (order: Parameters<Summaries['handle']>[1] & { kind: 'command' }): void =>
    core.handle(0, order, deaf);
  command({ kind: 'command', command: { kind: 'changed' } });
  for (let peer = 1; peer < peers; peer++) {
    command({ kind: 'command', command: { kind: 'memberUp', info: { ...self, id: idOf(peer) } } });
  }
  command({ kind: 'command', command: { kind: 'meshSize', peers } });
  const tagged = new Map<number, number[]>();
  for (const { word, holders } of tags) {
    for (const peer of holders) tagged.set(peer, [...(tagged.get(peer) ?? []), word]);
  }
  for (let peer = 1; peer < peers; peer++) {
    const own = [...words.of(kind), ...(tagged.get(peer) ?? [])];
    const added = encodeAscending(Uint32Array.from(own, fingerprint).sort(), 32);
    hash.add(added.length);
    const size = { documents: own.length, words: own.length, mayHold: false };
    const delta = { version: 1, base: 0, added, removed: new Uint8Array(0), ...size };
    command({ kind: 'command', command: { kind: 'delta', from: idOf(peer), delta } });
  }
  return core;
}

function valuesOf(kind: Kind, core: Summaries, peers: number, tags: readonly Tag[]): Record<string, number> {
  const recalls: number[] = [];
  const inVain: number[] = [];
  let asked = 0;
  let holding = 0;
  for (const { word, holders } of tags) {
    const found = core.holders([[{ high: fingerprint(word), low: 0 }]])?.holders ?? [];
    const right = found.filter((id) => holders.has(Number(id.replace(/^p+/, ''))));
    recalls.push(right.length / holders.size);
    inVain.push(found.length - right.length);
    asked += found.length;
    holding += holders.size;
  }
  const singles = inVain.slice(0, tagsEach);
  return {
    [`${kind}.recall`]: mean(recalls),
    [`${kind}.covered`]: core.covered / (peers - 1),
    [`${kind}.memory`]: core.bytes / 2 ** 20,
    [`${kind}.single`]: 2 * (1 + mean(singles)),
    [`${kind}.messages`]: (2 * asked) / holding,
    [`${kind}.inVain`]: mean(inVain),
  };
}

function row(kind: Kind, id: string, what: string, unit: string, goal: Goal['goal']): Goal {
  const name = kind === 'text' ? 'alike as texts are' : 'all different';
  return { id: `${kind}.${id}`, what: `${name}: ${what}`, unit, paper: '–', goal, judgedBy: 'worst' };
}

export const summarySize: Scenario = {
  name: 'search/summary-size',
  about: 'full summaries at the size that they are made for: memory, recall, and peers asked for nothing (target 21)',
  engine: 'event',
  setup: `the product's core at one peer that hears what all others have; ${termsEach} terms a peer, drawn by Zipf's law out of ${vocabulary} words, or no two peers with a word in common; ${3 * tagsEach} further words that one peer has, 0.1 % and 1 %; a holder is asked by two messages, and so is who is taken for one; shipped: ${defaultSummariesConfig.bytesMax / 2 ** 20} MiB for all`,
  peers: 5_000,
  seeds: 1,
  cpuSeconds: 140,
  reduced: { peers: 12, seeds: 1 },
  goals: kinds.flatMap((kind) => [
    row(kind, 'recall', 'holders found', '', { is: '≥', value: 0.99 }),
    row(kind, 'covered', 'peers known', '', { is: '≥', value: 1 }),
    row(kind, 'memory', 'memory', 'MiB', { is: '≤', value: 64 }),
    row(kind, 'single', 'messages for what one peer has', '', { is: '≤', value: 2 * (1 + inVainMax) }),
    row(kind, 'messages', 'messages per holder, of all three', '', { is: '≤', value: 2 * (1 + inVainMax) }),
    row(kind, 'inVain', 'peers asked in vain, per question', '', null),
  ]),
  run(peers, seed): Sample {
    const hash = new TraceHash();
    const values: Record<string, number> = {};
    for (const kind of kinds) {
      const rng = new Rng(seed);
      const tags = tagsOf(peers, rng);
      const core = hear(kind, peers, tags, rng, hash);
      Object.assign(values, valuesOf(kind, core, peers, tags));
    }
    for (const value of Object.values(values)) hash.add(Math.round(value * 1_000));
    return { seed, values, traceHash: hash.digest(), violations: [], events: 2 * (peers - 1) };
  },
};
