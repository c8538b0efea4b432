/**
 * What a digest costs: `node libs/digest/bench.ts`. CPU time of five runs each, so that the spread of a busy machine shows.
 * Then the one question that matters, at 5,000 peers of 10,000 terms: who holds these three terms?
 */
import { availableParallelism } from 'node:os';
import { Bloom, fingerprintsOf, hashTerm, TermSet } from './src/index.ts';

const peers = 5_000;
const termsPerPeer = 10_000;
let sink = 0;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Nanoseconds each. */
function cost(name: string, times: number, run: () => void): void {
  const runs = [1, 2, 3, 4, 5].map(() => {
    const begun = cpuMs();
    run();
    return ((cpuMs() - begun) * 1e6) / times;
  });
  console.log(`${name.padEnd(44)} ${runs.map((ns) => format(ns).padStart(9)).join(' ')}`);
}

function format(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` : `${(ns / 1e6).toFixed(1)} ms`;
}

console.log(`Node ${process.version}, ${availableParallelism()} CPUs`);
const words = Array.from({ length: 100_000 }, (_, i) => `term-${i}`);
const hashes = words.map(hashTerm);
cost('hash a term', words.length, () => {
  for (const word of words) sink ^= hashTerm(word).low;
});
const bloom = new Bloom(Bloom.sizeFor(words.length));
cost('Bloom: add', hashes.length, () => {
  for (const hash of hashes) bloom.add(hash);
});
cost('Bloom: test', hashes.length, () => {
  for (const hash of hashes) sink ^= bloom.has(hash) ? 1 : 0;
});
// Of what is empty no union is made.
const [left, right] = [0, 1_000].map((from) => Bloom.of(words.slice(from, from + 1_000), hashTerm, 17)) as [
  Bloom,
  Bloom,
];
cost('Bloom: union of two of 16 KiB', 100, () => {
  for (let i = 0; i < 100; i++) sink ^= left.union(right).sizeLog2;
});
const own = fingerprintsOf(words.slice(0, termsPerPeer), hashTerm);
const set = TermSet.of(own, 24);
cost('TermSet: test', hashes.length, () => {
  for (const hash of hashes) sink ^= set.has(hash) ? 1 : 0;
});
const delta = { added: own.slice(0, 10), removed: own.slice(10, 20) };
cost('TermSet: a delta of 20 to 10,000 terms', 100, () => {
  for (let i = 0; i < 100; i++) sink ^= set.apply(delta).count;
});
const bytes = set.toBytes();
cost('TermSet: parse 10,000 terms', 100, () => {
  for (let i = 0; i < 100; i++) sink ^= TermSet.parse(bytes, termsPerPeer)?.count ?? 0;
});

console.log(`\n${peers} peers of ${termsPerPeer} terms, each its own: a question of 3 terms that one peer holds`);
const blooms: Bloom[] = [];
const sets: TermSet[] = [];
for (let peer = 0; peer < peers; peer++) {
  // Random numbers instead of terms: what they are called changes nothing, and hashing 50 million would take most of a minute.
  const random = Uint32Array.from({ length: termsPerPeer }, () => Math.random() * 2 ** 32).sort();
  const filter = new Bloom(17);
  for (const high of random) filter.add({ high, low: Math.imul(high, 0x9e3779b1) >>> 0 });
  blooms.push(filter);
  sets.push(TermSet.of(random, 21));
}
const question = ['a', 'b', 'c'].map(hashTerm);
const memory = (list: readonly { readonly bytes: number }[]) =>
  `${(list.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(1)} MB`;
const found = (list: readonly (Bloom | TermSet)[], first = question[0] as (typeof question)[0]) =>
  list.filter((digest) => digest.has(first)).length;
cost(`Bloom, 13.1 bits a term: ${memory(blooms)}`, 10, () => {
  for (let i = 0; i < 10; i++) sink ^= blooms.filter((digest) => digest.hasAll(question)).length;
});
cost(`TermSet, 21 bits wide: ${memory(sets)}`, 10, () => {
  for (let i = 0; i < 10; i++) sink ^= sets.filter((digest) => digest.hasAll(question)).length;
});
console.log(`falsely found by one term: Bloom ${found(blooms)}, TermSet ${found(sets)} of ${peers}`);
const smaller = blooms.map((digest) => digest.foldTo(16));
console.log(`folded to ${memory(smaller)}: Bloom ${found(smaller)}`);
if (sink === 0.5) console.log(sink);
