/**
 * What one peer can do: messages per second through `Plumtree.handle`, and how much of that is duplicate suppression,
 * against a naive one that keeps a set of ids. Run: `node libs/core/plumtree/bench.ts` (about 20 s).
 */
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
    body,
  };
  return { kind: 'message', from: 'a', message } as const;
});

/** Each message once from the parent, relayed to `eager` others; `copies` more from lazy links. */
function forward(eager: number, copies: number): number {
  const core = new Plumtree<Uint8Array>(
    defaultPlumtreeConfig,
    { id: 'me', stream: 'me~1' },
    new Rng(1),
    (b) => b.length,
  );
  const out = new CountingOutbox();
  for (const peer of ['a', 'b', 'c', 'd', 'e'].slice(0, eager + 1)) {
    core.handle(0, { kind: 'command', command: { kind: 'neighborUp', peer } }, out);
  }
  const started = process.hrtime.bigint();
  for (let i = 0; i < messages; i++) {
    const input = inputs[i];
    if (input === undefined) continue;
    for (let copy = 0; copy <= copies; copy++) core.handle(i / 100, input, out);
    core.nextDeadline();
  }
  return (messages * (copies + 1)) / (Number(process.hrtime.bigint() - started) / 1e9);
}

function suppressBySet(): number {
  const started = process.hrtime.bigint();
  const seen = new Set<string>();
  for (const { message } of inputs) {
    const id = `${message.stream}/${message.seq}`;
    if (!seen.has(id)) seen.add(id);
  }
  return messages / (Number(process.hrtime.bigint() - started) / 1e9);
}

function suppressByWatermark(): number {
  const started = process.hrtime.bigint();
  const seen = new Map<string, SeqSet>();
  for (const { message } of inputs) {
    let set = seen.get(message.stream);
    if (set === undefined) {
      set = new SeqSet();
      seen.set(message.stream, set);
    }
    set.add(message.seq, 0);
  }
  return messages / (Number(process.hrtime.bigint() - started) / 1e9);
}

function heapOf(instances: number): number {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const cores = Array.from({ length: instances }, (_, i) => {
    return new Plumtree<Uint8Array>(
      defaultPlumtreeConfig,
      { id: `p${i}`, stream: `p${i}~1` },
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
report('handle: first sight, stored, relayed to 4', () => forward(4, 0));
report('handle: first sight, stored, leaf', () => forward(0, 0));
report('handle: one first sight in four, rest known', () => forward(1, 3));
const naive = report('suppression: naive set of ids', suppressBySet);
const ours = report('suppression: watermark per stream', suppressByWatermark);
console.log(`ratio watermark / set of ids: ${(ours / naive).toFixed(1)}`);
console.log(
  `heap per idle instance: ${Math.round(heapOf(20_000))} bytes${globalThis.gc === undefined ? ' (with --expose-gc: exact)' : ''}`,
);
