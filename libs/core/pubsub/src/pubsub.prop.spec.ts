import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPubSubConfig } from './config.ts';
import { type Cursor, decodeCursor } from './cursor.ts';
import { PubSub } from './pubsub.ts';
import type { Subscription } from './subscription.ts';
import type { Pattern } from './topic.ts';

const start = 1_000_000;
const peerCount = 3;
const streamCount = 3;
const perStream = 12;

/** One message on its way to one peer. `delayMs` null: it never comes there. */
interface Arrival {
  readonly peer: number;
  readonly stream: string;
  readonly seq: number;
  readonly delayMs: number | null;
}

type Step =
  | { readonly kind: 'arrive'; readonly arrival: Arrival }
  | { readonly kind: 'read'; readonly max: number }
  | { readonly kind: 'hop'; readonly to: number };

/** A subscriber as the SDK is one: it keeps the last cursor of each origin and the last checkpoint, and goes on with them. */
class Subscriber {
  readonly received: { readonly stream: string; readonly seq: number }[] = [];
  readonly gaps: { readonly stream: string; readonly from: number; readonly to: number }[] = [];
  /** What broke the order without a gap having been said. */
  readonly disorder: string[] = [];
  readonly #cursors = new Map<string, Cursor>();
  readonly #highest = new Map<string, number>();
  #subscription: Subscription<string>;

  constructor(at: PubSub<string>, now: number) {
    this.#subscription = this.#open(at, now);
    this.read(100);
  }

  hop(to: PubSub<string>, now: number): void {
    this.#subscription.close();
    this.#subscription = this.#open(to, now);
  }

  read(max: number): void {
    for (const event of this.#subscription.read(max)) {
      const parsed = decodeCursor(event.cursor);
      if (!parsed.ok) throw new Error(parsed.problem);
      if (event.kind === 'checkpoint') {
        this.#cursors.set('checkpoint', parsed.value);
      } else if (event.kind === 'gap') {
        this.#cursors.set(event.stream, parsed.value);
        this.gaps.push(event);
      } else {
        const { stream, seq } = event.message;
        this.#cursors.set(stream, parsed.value);
        this.#checkOrder(stream, seq);
        this.received.push({ stream, seq });
      }
    }
  }

  readAll(): void {
    while (this.#subscription.hasMore()) this.read(7);
  }

  isSaid(stream: string, seq: number): boolean {
    return this.gaps.some((gap) => gap.stream === stream && gap.from <= seq && seq <= gap.to);
  }

  #checkOrder(stream: string, seq: number): void {
    const highest = this.#highest.get(stream) ?? 0;
    for (let skipped = highest + 1; skipped < seq; skipped++) {
      if (!this.isSaid(stream, skipped)) this.disorder.push(`${stream}${skipped} was passed over by ${seq}`);
    }
    if (seq < highest && !this.isSaid(stream, seq)) this.disorder.push(`${stream}${seq} came after ${highest}`);
    this.#highest.set(stream, Math.max(highest, seq));
  }

  #open(at: PubSub<string>, now: number): Subscription<string> {
    const cursors = [...this.#cursors.values()];
    const patterns = ['>'] as unknown as Pattern[];
    const opened = at.open(now, { patterns, cursors, since: null, replayAll: false });
    if (opened === null) throw new Error('refused');
    return opened;
  }
}

/** Mostly quick, sometimes minutes late (a partition), sometimes never. */
const delay = fc.oneof(
  { weight: 8, arbitrary: fc.nat(200) },
  { weight: 2, arbitrary: fc.nat(5_000) },
  { weight: 1, arbitrary: fc.nat(200_000) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const delays = fc.array(delay, {
  minLength: peerCount * streamCount * perStream,
  maxLength: peerCount * streamCount * perStream,
});
const moves = fc.array(
  fc.tuple(
    fc.nat(220_000),
    fc.oneof(
      fc.record({ kind: fc.constant('read' as const), max: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant('hop' as const), to: fc.nat(peerCount - 1) }),
    ),
  ),
  { maxLength: 30 },
);

function schedule(delayOf: readonly (number | null)[], moved: readonly (readonly [number, Step])[]): [number, Step][] {
  const steps: [number, Step][] = moved.map(([at, step]) => [start + at, step]);
  let index = 0;
  for (let peer = 0; peer < peerCount; peer++) {
    for (let s = 0; s < streamCount; s++) {
      for (let seq = 1; seq <= perStream; seq++) {
        const delayMs = delayOf[index++] ?? null;
        if (delayMs === null) continue;
        const arrival = { peer, stream: `s${s}`, seq, delayMs };
        steps.push([start + 100 + seq * 1_000 * (s + 1) + delayMs, { kind: 'arrive', arrival }]);
      }
    }
  }
  return steps.sort((a, b) => a[0] - b[0]);
}

describe('a subscriber that hops between peers with its last cursors', () => {
  it('gets every message once and in order, or is told of the gap', () => {
    fc.assert(
      fc.property(
        delays,
        moves,
        fc.array(fc.integer({ min: 4, max: 60 }), { minLength: peerCount, maxLength: peerCount }),
        fc.array(fc.integer({ min: -900, max: 900 }), { minLength: peerCount, maxLength: peerCount }),
        (delayOf, moved, logSizes, skews) => {
          const peers = logSizes.map(
            (logCountMax) => new PubSub<string>({ ...defaultPubSubConfig, logCountMax }, (body) => body.length),
          );
          const clock = (peer: number, now: number): number => now + (skews[peer] as number);
          let at = 0;
          const subscriber = new Subscriber(peers[0] as PubSub<string>, clock(0, start));
          const highest = new Map<string, number>();
          const cameTo = peers.map(() => new Set<string>());
          let now = start;
          for (const [time, step] of schedule(delayOf, moved)) {
            now = time;
            for (const [index, peer] of peers.entries()) {
              while (peer.nextDeadline() <= clock(index, now)) peer.tick(peer.nextDeadline());
            }
            if (step.kind === 'read') subscriber.read(step.max);
            else if (step.kind === 'hop') {
              at = step.to;
              subscriber.hop(peers[at] as PubSub<string>, clock(at, now));
            } else {
              const { peer, stream, seq } = step.arrival;
              const message = { stream, seq, round: 1, publishedAt: now, body: 'x' };
              (peers[peer] as PubSub<string>).delivered(clock(peer, now), message, 'topic');
              (cameTo[peer] as Set<string>).add(`${stream}#${seq}`);
              highest.set(`${peer} ${stream}`, Math.max(seq, highest.get(`${peer} ${stream}`) ?? 0));
            }
          }
          const last = peers[at] as PubSub<string>;
          for (let i = 0; i < 5; i++) last.tick(clock(at, now + 3_000 * (i + 1)));
          subscriber.readAll();

          const received = subscriber.received.map(({ stream, seq }) => `${stream}#${seq}`);
          expect(subscriber.disorder).toEqual([]);
          expect(new Set(received).size).toBe(received.length);
          // Everything that this peer ever had, or had something after, is received or said to be missing.
          for (let s = 0; s < streamCount; s++) {
            for (let seq = 1; seq <= (highest.get(`${at} s${s}`) ?? 0); seq++) {
              const isAccounted = received.includes(`s${s}#${seq}`) || subscriber.isSaid(`s${s}`, seq);
              expect(isAccounted, `s${s}#${seq}`).toBe(true);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
