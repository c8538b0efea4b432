/**
 * What summaries cost one peer at the size that they are made for: `node --expose-gc libs/core/summaries/bench.ts [peers] [terms] [vocabulary]`.
 * A table is filled as broadcasts would fill it; memory is the process's, before and after. With a vocabulary terms are drawn from it by
 * Zipf's law, as those of texts are; without, no two peers have one in common.
 */
import { availableParallelism } from 'node:os';
import { hashTerm, TermSet } from '@starling/digest';
import { Rng } from '@starling/kernel';
import { defaultSummariesConfig } from './src/config.ts';
import { SummaryTable } from './src/summary-table.ts';

const [peers = 5_000, terms = 10_000, vocabulary = 0] = process.argv.slice(2).map(Number);
const { bytesMax, falseShareMax } = defaultSummariesConfig;

function held(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const randomTerms = () => Uint32Array.from({ length: terms }, () => Math.random() * 2 ** 32).sort();
const drawnTerms = () => {
  const drawn = new Set<number>();
  // The fingerprint of the n-th word: multiplied by an odd number, so that no two have the same.
  while (drawn.size < terms) drawn.add(Math.imul(Math.floor((vocabulary + 1) ** Math.random()), 0x9e3779b1) >>> 0);
  return Uint32Array.from(drawn).sort();
};

const alike = vocabulary > 0 ? `by Zipf's law out of ${vocabulary}` : 'each its own';
console.log(`Node ${process.version}, ${availableParallelism()} CPUs; ${peers} peers of ${terms} terms, ${alike}`);
const before = held();
const table = new SummaryTable(bytesMax, falseShareMax, new Rng(1));
const begun = cpuMs();
let wire = 0;
let fits = true;
let putMs = 0;
let putMsMost = 0;
for (let peer = 0; peer < peers && fits; peer++) {
  const set = TermSet.of(vocabulary > 0 ? drawnTerms() : randomTerms());
  wire += set.toBytes().length;
  const from = cpuMs();
  fits = table.put(`${peer}`.padStart(52, 'p'), { version: 1, terms: set, documents: 1, words: 1, mayHold: false });
  putMs += cpuMs() - from;
  putMsMost = Math.max(putMsMost, cpuMs() - from);
}
const perPeerMs = (cpuMs() - begun) / peers;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
console.log(
  `fits: ${fits}; counted ${megabytes(table.bytes)} MB, of the process ${megabytes(held() - before)} MB, limit ${megabytes(bytesMax)}`,
);
console.log(
  `${table.width} bits a fingerprint: ${(100 * table.falseShare()).toPrecision(2)} % false answers to one term`,
);
console.log(`${table.numbered} terms that several have are numbered`);
console.log(`to take one in: ${(putMs / peers).toFixed(1)} ms of CPU, ${putMsMost.toFixed(0)} at most`);
console.log(
  `to make, code and take one: ${perPeerMs.toFixed(1)} ms of CPU; on the wire ${(wire / peers / 1e3).toFixed(1)} kB`,
);
const joinSeconds = wire / defaultSummariesConfig.fetchBytesPerSecond;
console.log(`a joiner fetches at most ${megabytes(wire)} MB, in ${joinSeconds.toFixed(0)} s at its rate`);
for (const words of [['a'], ['a', 'b', 'c']]) {
  const question = words.map(hashTerm);
  const runs = [1, 2, 3, 4, 5].map(() => {
    const from = cpuMs();
    for (let i = 0; i < 20; i++) table.holders([question]);
    return ((cpuMs() - from) / 20).toFixed(1);
  });
  console.log(
    `who has ${words.length} words: ${table.holders([question]).length} found falsely; ${runs.join(' ')} ms of CPU`,
  );
}
