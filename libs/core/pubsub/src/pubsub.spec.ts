import { describe, expect, it } from 'vitest';
import { defaultPubSubConfig, type PubSubConfig } from './config.ts';
import { type Cursor, decodeCursor } from './cursor.ts';
import type { LogMessage, SubscriptionEvent } from './messages.ts';
import { type OpenOptions, PubSub } from './pubsub.ts';
import type { Subscription } from './subscription.ts';
import type { Pattern } from './topic.ts';

const start = 1_000_000;

function pubsub(config: Partial<PubSubConfig> = {}): PubSub<string> {
  return new PubSub<string>({ ...defaultPubSubConfig, ...config }, (body) => body.length);
}

function message(stream: string, seq: number, publishedAt = start): LogMessage<string> {
  return { stream, seq, round: 2, publishedAt, body: `${stream}${seq}` };
}

function open(at: PubSub<string>, now: number, options: Partial<OpenOptions> = {}): Subscription<string> {
  const all = ['>'] as unknown as Pattern[];
  const opened = at.open(now, { patterns: all, cursors: [], since: null, replayAll: false, ...options });
  if (opened === null) throw new Error('refused');
  return opened;
}

function cursorOf(event: SubscriptionEvent<string> | undefined): Cursor {
  const parsed = decodeCursor(event?.cursor ?? '');
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

/** Events in short: `a1`, `gap a 2-4 lost`, `checkpoint`. */
function read(subscription: Subscription<string>, max = 1_000): string[] {
  return subscription.read(max).map((event) => {
    if (event.kind === 'message') return event.message.body + (event.replayed ? ' (replayed)' : '');
    if (event.kind === 'gap') return `gap ${event.stream} ${event.from}-${event.to} ${event.reason}`;
    return 'checkpoint';
  });
}

function deliver(to: PubSub<string>, now: number, stream: string, ...seqs: number[]): void {
  for (const seq of seqs) to.delivered(now, message(stream, seq, now), 't');
}

describe('order', () => {
  it('a message that overtook another waits for it', () => {
    const one = pubsub();
    const subscription = open(one, start);
    deliver(one, start, 'a', 2, 3);
    expect(read(subscription)).toEqual(['checkpoint']);
    deliver(one, start + 10, 'a', 1);
    expect(read(subscription)).toEqual(['a1', 'a2', 'a3']);
    expect(one.nextDeadline()).toBe(start + 10 + defaultPubSubConfig.checkpointMs);
  });

  it('other streams do not wait with it', () => {
    const one = pubsub();
    const subscription = open(one, start);
    deliver(one, start, 'a', 2);
    deliver(one, start, 'b', 1);
    expect(read(subscription)).toEqual(['b1', 'checkpoint']);
  });

  it('after the hold-back time it goes on with a gap, and what comes later comes late', () => {
    const one = pubsub();
    const subscription = open(one, start);
    deliver(one, start, 'a', 1, 3, 5);
    expect(one.nextDeadline()).toBe(start + 2_000);
    expect(one.tick(start + 2_000)).toBe(true);
    expect(read(subscription)).toEqual(['a1', 'gap a 2-2 lost', 'a3', 'gap a 4-4 lost', 'a5', 'checkpoint']);
    deliver(one, start + 2_500, 'a', 4, 6);
    const events = subscription.read(10);
    expect(events.map((event) => event.kind === 'message' && event.message.body)).toEqual(['a4', 'a6']);
    // A late message takes nothing back: its cursor stands where the stream stands.
    expect(cursorOf(events[0]).seen.get('a')).toBe(5);
    expect(one.stats).toMatchObject({ late: 1, gaps: 2 });
  });

  it('what the broadcast gives up is not waited for', () => {
    const one = pubsub();
    const subscription = open(one, start);
    deliver(one, start, 'a', 1, 4);
    one.lost(start + 5, { stream: 'a', from: 2, to: 3 });
    expect(read(subscription)).toEqual(['a1', 'gap a 2-3 lost', 'a4', 'checkpoint']);
    one.lost(start + 6, { stream: 'a', from: 2, to: 3 });
    one.lost(start + 6, { stream: 'unknown', from: 2, to: 3 });
    expect(read(subscription)).toEqual([]);
  });

  it('a stream that is met under way has a history, said as a gap', () => {
    const one = pubsub();
    const subscription = open(one, start);
    deliver(one, start, 'a', 51);
    one.tick(start + 2_000);
    expect(read(subscription)).toEqual(['gap a 1-50 evicted', 'a51', 'checkpoint']);
  });

  it('the number of waiting messages is bounded', () => {
    const one = pubsub({ holdBackMax: 10 });
    for (let seq = 2; seq <= 100; seq += 2) deliver(one, start, 'a', seq);
    expect(one.sizes.waiting).toBeLessThanOrEqual(10);
    expect(one.stats.gaps).toBeGreaterThan(30);
  });
});

describe('reading', () => {
  it('begins with what comes from now on; a checkpoint says that it is live', () => {
    const one = pubsub();
    deliver(one, start, 'a', 1);
    const subscription = open(one, start);
    expect(read(subscription)).toEqual(['checkpoint']);
    expect(subscription.hasMore()).toBe(false);
    deliver(one, start + 1, 'a', 2);
    expect(subscription.hasMore()).toBe(true);
    expect(read(subscription)).toEqual(['a2']);
  });

  it('replays everything held, or what was published since a time', () => {
    const one = pubsub();
    deliver(one, start, 'a', 1);
    deliver(one, start + 100, 'a', 2);
    expect(read(open(one, start + 200, { replayAll: true }))).toEqual(['a1 (replayed)', 'a2 (replayed)', 'checkpoint']);
    expect(read(open(one, start + 200, { since: start + 50 }))).toEqual(['a2 (replayed)', 'checkpoint']);
  });

  it('selects by pattern', () => {
    const one = pubsub();
    const subscription = open(one, start, { patterns: ['orders.*'] as unknown as Pattern[] });
    one.delivered(start, message('a', 1), 'orders.created');
    one.delivered(start, message('a', 2), 'users.created');
    expect(read(subscription)).toEqual(['a1', 'checkpoint']);
  });

  it('checkpoints come every few seconds while something comes, and not otherwise', () => {
    const one = pubsub();
    const subscription = open(one, start);
    expect(read(subscription)).toEqual(['checkpoint']);
    deliver(one, start + 1, 'a', 1);
    expect(read(subscription)).toEqual(['a1']);
    expect(one.nextDeadline()).toBe(start + 5_001);
    expect(one.tick(start + 5_001)).toBe(true);
    expect(read(subscription)).toEqual(['checkpoint']);
    expect(one.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('looks at a bounded number of entries at a time', () => {
    const one = pubsub({ scanMax: 10 });
    const subscription = open(one, start, { patterns: ['none'] as unknown as Pattern[] });
    for (let seq = 1; seq <= 25; seq++) deliver(one, start, 'a', seq);
    expect(read(subscription)).toEqual([]);
    expect(subscription.hasMore()).toBe(true);
    read(subscription);
    expect(read(subscription)).toEqual(['checkpoint']);
    expect(subscription.hasMore()).toBe(false);
  });

  it('one that is slow gets exact gaps for what it wanted and missed, and costs nothing meanwhile', () => {
    const one = pubsub({ logCountMax: 4 });
    const subscription = open(one, start);
    read(subscription);
    deliver(one, start, 'a', 1, 2, 3);
    deliver(one, start, 'b', 1, 2, 3);
    expect(read(subscription)).toEqual(['gap a 1-2 slow', 'a3', 'b1', 'b2', 'b3']);
    expect(one.stats.slow).toBe(2);
  });

  it('subscriptions are bounded; closing one makes room', () => {
    const one = pubsub({ subscriptionsMax: 1 });
    const first = open(one, start);
    expect(() => open(one, start)).toThrow('refused');
    first.close();
    first.close();
    expect(first.read(10)).toEqual([]);
    expect(first.hasMore()).toBe(false);
    open(one, start);
    expect(one.stats.refused).toBe(1);
  });
});

describe('cursors', () => {
  it('continue after their message at another peer, exactly for their stream', () => {
    const here = pubsub();
    const there = pubsub();
    const subscription = open(here, start);
    deliver(here, start + 1, 'a', 1, 2, 3);
    deliver(there, start + 1, 'a', 1, 2, 3, 4);
    deliver(there, start + 1, 'b', 1);
    const event = subscription.read(2)[1];
    const resumed = open(there, start + 10, { cursors: [cursorOf(event)] });
    expect(read(resumed)).toEqual(['a3 (replayed)', 'a4 (replayed)', 'b1 (replayed)', 'checkpoint']);
  });

  it('say what the other peer no longer has', () => {
    const here = pubsub();
    const there = pubsub({ logCountMax: 2 });
    const subscription = open(here, start);
    deliver(here, start + 1, 'a', 1, 2);
    deliver(there, start + 1, 'a', 1, 2, 3, 4, 5, 6);
    const event = subscription.read(10)[1];
    const resumed = open(there, start + 10, { cursors: [cursorOf(event)] });
    expect(read(resumed)).toEqual(['gap a 3-4 evicted', 'a5 (replayed)', 'a6 (replayed)', 'checkpoint']);
  });

  it('bring nothing of a listed stream twice from a peer that is behind', () => {
    const here = pubsub();
    const there = pubsub();
    const subscription = open(here, start);
    deliver(here, start + 1, 'a', 1, 2, 3);
    deliver(there, start + 1, 'a', 1);
    const last = subscription.read(10)[2];
    const resumed = open(there, start + 10, { cursors: [cursorOf(last)] });
    deliver(there, start + 20, 'a', 2, 3, 4);
    expect(read(resumed)).toEqual(['a4', 'checkpoint']);
    // And the checkpoint of the peer that was behind does not fall back.
    const early = open(pubsub(), start + 10, { cursors: [cursorOf(last)] });
    expect(cursorOf(early.read(10)[0]).seen.get('a')).toBe(3);
  });

  it('of a message vouches for other streams up to 30 s before it', () => {
    const here = pubsub();
    const subscription = open(here, start);
    deliver(here, start + 100_000, 'a', 1);
    expect(cursorOf(subscription.read(10)[0])).toEqual({
      seen: new Map([['a', 1]]),
      time: start + 70_000,
      isComplete: false,
    });
  });

  it('of a checkpoint lists every stream: what a partition hid from this peer for minutes is replayed at the next', () => {
    const here = pubsub();
    const there = pubsub();
    const subscription = open(here, start);
    read(subscription);
    deliver(there, start + 10, 'hidden', 1);
    deliver(here, start + 200_000, 'a', 1);
    deliver(there, start + 200_000, 'a', 1);
    here.tick(start + 206_000);
    const events = subscription.read(10);
    expect(events.map((event) => event.kind)).toEqual(['message', 'checkpoint']);
    const resumed = open(there, start + 210_000, { cursors: events.map(cursorOf) });
    expect(read(resumed)).toEqual(['hidden1 (replayed)', 'checkpoint']);
  });

  it('of a checkpoint with too many streams lists the latest and vouches for the others by time', () => {
    const one = pubsub();
    const subscription = open(one, start);
    for (let i = 0; i < 300; i++) one.delivered(start + 100_000 + i, message(`s${i}`, 1), 'none');
    const events = subscription.read(1_000);
    const cursor = cursorOf(events[events.length - 1]);
    expect(cursor.isComplete).toBe(false);
    expect(cursor.seen.size).toBe(256);
    expect(cursor.seen.has('s299')).toBe(true);
    expect(cursor.seen.has('s0')).toBe(false);
    expect(cursor.time).toBe(start + 100_299 - 30_000);
  });

  it('of a time before what is held say what is gone', () => {
    const one = pubsub({ logCountMax: 2 });
    deliver(one, start, 'a', 1, 2, 3);
    expect(read(open(one, start + 10, { since: start - 10 }))).toEqual([
      'gap a 1-1 evicted',
      'a2 (replayed)',
      'a3 (replayed)',
      'checkpoint',
    ]);
  });
});

describe('bounds', () => {
  it('the log keeps to bytes, count and age', () => {
    const small = pubsub({ logBytesMax: 1_000 });
    for (let seq = 1; seq <= 100; seq++) deliver(small, start, 'a', seq);
    expect(small.sizes.bytes).toBeLessThanOrEqual(1_000);
    expect(small.sizes.entries).toBeGreaterThan(2);
    const old = pubsub();
    deliver(old, start, 'a', 1);
    deliver(old, start + 300_000, 'a', 2);
    expect(old.sizes.entries).toBe(1);
  });

  it('streams that were silent for longest are forgotten', () => {
    const one = pubsub({ streamsMax: 32 });
    for (let i = 0; i < 100; i++) deliver(one, start + i, `s${i}`, 1);
    expect(one.sizes.streams).toBeLessThanOrEqual(32);
    expect(one.stats.streamsForgotten).toBeGreaterThan(60);
  });
});
