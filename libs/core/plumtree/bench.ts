/**
 * What one peer can do: messages per second of CPU through `Plumtree.handle`, and how much of that is duplicate suppression,
 * against a naive one that keeps a set of ids. Run: `node libs/core/plumtree/bench.ts` (about 20 s). With the path of
 * another version's `src/index.ts` behind it, both take turns, round by round.
 */
import { resolve } from 'node:path';
import type { Outbox } from '@starling/kernel';
import { Rng } from '@starling/kernel';
import { defaultPlumtreeConfig, type Gossip, Plumtree, type PlumtreeEvent, type PlumtreeMessage } from './src/index.ts';
import { SeqSet } from './src/seq-set.ts';

const messages = 300_000;
const streams = 64;
const rounds = 5;
const body = new Uint8Array(100);

/** Counts and forgets, as cheap as an outbox can be. */
class CountingOutbox implements Outbox<PlumtreeMessage<Uint8Array>, PlumtreeEvent<Uint8Array>> {
  sent = 0;
  emitted = 0;
  open(): void {}
  close(): void {}
  send(): void {
    this.sent++;
  }
  emit(): void {
    this.emitted++;
  }
}

const names = Array.from(
  { length: streams },
  (_, i) => `${'abcdefghijklmnopqrstuvwxyz234567'.repeat(2).slice(0, 52)}~${i}`,
);
const inputs = Array.from({ length: messages }, (_, i) => {
  const message: Gossip<Uint8Array> = {
    kind: 'gossip',
    stream: names[i % streams] as string,
    seq: Math.floor(i / streams) + 1,
    round: 3,
    publishedAt: 0,
    wantHeld: false,
    repair: false,
    tree: 0,
    entry: 0,
    signature: null,
    body,
  };
  return { kind: 'message', from: 'a', message } as const;
});
const copiesOf = inputs.map((input) => ({ ...input, from: 'z' }));

/** Each message once from the parent, relayed to `eager` others; `copies` more from lazy links. */
function forward(version: typeof Plumtree, eager: number, copies: number): number {
  const core = new version<Uint8Array>(
    defaultPlumtreeConfig,
    { id: 'me', stream: 'me~1', zone: '' },
    new Rng(1),
    (b) => b.length,
  );
  const out = new CountingOutbox();
  for (const peer of ['a', 'b', 'c', 'd', 'e'].slice(0, eager + 1).concat(copies > 0 ? 'z' : [])) {
    core.handle(0, { kind: 'command', command: { kind: 'neighborUp', peer, zone: '' } }, out);
  }
  const started = cpuSeconds();
  for (let i = 0; i < messages; i++) {
    const input = inputs[i];
    const copy = copiesOf[i];
    if (input === undefined || copy === undefined) continue;
    core.handle(i / 100, input, out);
    for (let j = 0; j < copies; j++) core.handle(i / 100, copy, out);
    core.nextDeadline();
  }
  return (messages * (copies + 1)) / (cpuSeconds() - started);
}

/** CPU rather than wall-clock, for the machine is rarely ours alone. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function suppressBySet(): number {
  const started = cpuSeconds();
  const seen = new Set<string>();
  for (const { message } of inputs) {
    const id = `${message.stream}/${message.seq}`;
    if (!seen.has(id)) seen.add(id);
  }
  return messages / (cpuSeconds() - started);
}

function suppressByWatermark(): number {
  const started = cpuSeconds();
  const seen = new Map<string, SeqSet>();
  for (const { message } of inputs) {
    let set = seen.get(message.stream);
    if (set === undefined) {
      set = new SeqSet();
      seen.set(message.stream, set);
    }
    set.add(message.seq, 0);
  }
  return messages / (cpuSeconds() - started);
}

function heapOf(instances: number): number {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const cores = Array.from({ length: instances }, (_, i) => {
    return new Plumtree<Uint8Array>(
      defaultPlumtreeConfig,
      { id: `p${i}`, stream: `p${i}~1`, zone: '' },
      new Rng(i),
      (b) => b.length,
    );
  });
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / instances;
  return cores.length > 0 ? bytes : 0;
}

function report(name: string, run: () => number): number {
  run();
  const results = Array.from({ length: rounds }, run).sort((a, b) => a - b);
  const [low, median, high] = [results[0], results[rounds >> 1], results[rounds - 1]] as [number, number, number];
  const inMillions = (value: number): string => (value / 1e6).toFixed(2);
  console.log(`${name.padEnd(44)} ${inMillions(median)} M/s   (${inMillions(low)} to ${inMillions(high)})`);
  return median;
}

console.log(
  `${messages} messages of ${streams} streams, median of ${rounds} rounds (least to most), Node ${process.version}`,
);
const otherPath = process.argv[2];
const other: typeof Plumtree | null = otherPath === undefined ? null : (await import(resolve(otherPath))).Plumtree;

/** Both versions in turns, so that what else the machine does hits them alike. */
function compare(name: string, eager: number, copies: number): void {
  if (other === null) {
    report(name, () => forward(Plumtree, eager, copies));
    return;
  }
  const ratios: number[] = [];
  for (let round = 0; round <= 2 * rounds; round++) {
    const ratio = forward(Plumtree, eager, copies) / forward(other, eager, copies);
    if (round > 0) ratios.push(ratio);
  }
  ratios.sort((a, b) => a - b);
  const [low, median, high] = [ratios[0], ratios[rounds], ratios.at(-1)].map((ratio) => (ratio as number).toFixed(2));
  console.log(`${name.padEnd(44)} ${median} × the other   (${low} to ${high})`);
}

compare('handle: first sight, stored, relayed to 4', 4, 0);
compare('handle: first sight, stored, leaf', 0, 0);
compare('handle: one first sight in four, rest known', 1, 3);
const naive = report('suppression: naive set of ids', suppressBySet);
const ours = report('suppression: watermark per stream', suppressByWatermark);
console.log(`ratio watermark / set of ids: ${(ours / naive).toFixed(1)}`);
console.log(
  `heap per idle instance: ${Math.round(heapOf(20_000))} bytes${globalThis.gc === undefined ? ' (with --expose-gc: exact)' : ''}`,
);
