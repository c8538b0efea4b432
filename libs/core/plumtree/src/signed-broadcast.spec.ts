import { RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { defaultPlumtreeConfig, type PlumtreeConfig } from './config.ts';
import type { Gossip, PlumtreeEvent, PlumtreeMessage } from './messages.ts';
import { Plumtree } from './plumtree.ts';
import { signedBatch, ToySigning } from './signing.test-support.ts';

/** A core between the neighbours `a`, `b` and `o`. */
class Bench {
  readonly primitives: ToySigning;
  readonly core: Plumtree<string>;
  readonly #out = new RecordingOutbox<PlumtreeMessage<string>, PlumtreeEvent<string>>();

  constructor(config: Partial<PlumtreeConfig>, id = 'me') {
    const self = { id, stream: `${id}~1`, zone: '' };
    this.primitives = new ToySigning(id);
    const all = { ...defaultPlumtreeConfig, ...config };
    this.core = new Plumtree(all, self, new Rng(7), () => 0, this.primitives);
    for (const peer of ['a', 'b', 'o']) {
      this.core.handle(0, { kind: 'command', command: { kind: 'neighborUp', peer, zone: '' } }, this.#out);
    }
    this.#out.take();
  }

  receive(now: number, from: string, message: PlumtreeMessage<string>) {
    this.core.handle(now, { kind: 'message', from, message }, this.#out);
    return this.#said();
  }

  publish(now: number, body: string, ephemeral = false) {
    const command = { kind: 'broadcast', body, wantHeld: false, ephemeral } as const;
    this.core.handle(now, { kind: 'command', command }, this.#out);
    return this.#said();
  }

  tick(now: number) {
    this.core.handle(now, { kind: 'tick' }, this.#out);
    return this.#said();
  }

  #said() {
    const effects = this.#out.take();
    return {
      sent: effects.flatMap((effect) => (effect.kind === 'send' ? [{ to: effect.to, ...effect.message }] : [])),
      events: effects.flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : [])),
    };
  }
}

const signed = { signatures: 'signed' } as const;
const kinds = ({ events }: { readonly events: readonly PlumtreeEvent<string>[] }) => events.map(({ kind }) => kind);
const iHave = (stream: string, seq: number): PlumtreeMessage<string> => ({
  kind: 'iHave',
  items: [{ stream, from: seq, to: seq, round: 2, tree: 0, entry: 0 }],
});

describe('a mesh that signs', () => {
  it('needs what to sign with', () => {
    const self = { id: 'me', stream: 'me~1', zone: '' };
    expect(() => new Plumtree({ ...defaultPlumtreeConfig, ...signed }, self, new Rng(7), () => 1)).toThrow(
      /primitives/,
    );
  });

  it('signs what is published, once for all that is sent in one go, and others take it', () => {
    const bench = new Bench(signed);
    const sent = ['m1', 'm2', 'm3'].flatMap((body) => bench.publish(0, body).sent).filter(({ to }) => to === 'a');
    const other = new Bench(signed, 'other');
    for (const message of sent) expect(kinds(other.receive(1, 'a', message))).toEqual(['delivered']);
    expect(bench.primitives.signed).toBe(1);
    expect(other.primitives.verified).toBe(1);
  });

  it('relays the signature as it came', () => {
    const [message] = signedBatch('x~1', 1, 3) as [Gossip<string>];
    const { sent } = new Bench(signed).receive(1, 'a', message);
    expect(sent.map(({ to }) => to)).toEqual(['b', 'o']);
    for (const relayed of sent) expect(relayed).toMatchObject({ round: 2, signature: message.signature });
  });

  it('relays it though it does not look itself', () => {
    const [message] = signedBatch('x~1', 1, 1) as [Gossip<string>];
    const bench = new Bench({});
    const [relayed] = bench.receive(1, 'a', { ...message, body: 'altered' }).sent;
    expect(relayed).toMatchObject({ body: 'altered', signature: message.signature });
    expect(bench.core.signatureStats).toBeNull();
  });

  it('neither delivers nor relays what a relay altered, blames it, and takes the true one from another', () => {
    const [message] = signedBatch('x~1', 1, 1) as [Gossip<string>];
    const bench = new Bench(signed);
    const { sent, events } = bench.receive(1, 'a', { ...message, body: 'altered' });
    expect(sent).toEqual([]);
    expect(events).toEqual([{ kind: 'protocolViolation', peer: 'a', rule: 'gossip with a wrong signature' }]);
    expect(bench.core.stats).toMatchObject({ unproven: 1, delivered: 0 });
    expect(bench.core.streams.known).toBe(3); // Its own three.
    expect(kinds(bench.receive(2, 'b', message))).toEqual(['delivered']);
  });

  it('looks at the first copy only', () => {
    const [message] = signedBatch('x~1', 1, 1) as [Gossip<string>];
    const bench = new Bench(signed);
    for (const from of ['a', 'b', 'o']) bench.receive(1, from, message);
    expect(bench.core.signatureStats).toMatchObject({ verified: 1, cached: 0 });
    expect(bench.core.stats.duplicates).toBe(2);
  });

  it('refuses what is not signed, and blames nobody: its neighbour may not have been told yet', () => {
    const [message] = signedBatch('x~1', 1, 1) as [Gossip<string>];
    const bench = new Bench(signed);
    expect(bench.receive(1, 'a', { ...message, signature: null })).toEqual({ sent: [], events: [] });
    expect(bench.core.stats.unproven).toBe(1);
  });

  it('while it changes over it takes what is not signed, refuses what is wrongly signed, and blames nobody', () => {
    const [message] = signedBatch('x~1', 1, 1) as [Gossip<string>];
    const bench = new Bench({ signatures: 'prefer' });
    expect(bench.receive(1, 'a', { ...message, body: 'altered' })).toEqual({ sent: [], events: [] });
    expect(kinds(bench.receive(1, 'a', { ...message, signature: null }))).toEqual(['delivered']);
    expect(bench.core.signatureStats).toMatchObject({ unsigned: 1, refusedAltered: 1 });
  });

  it('refuses a replay from before the window without verifying it, and a date cannot be changed to pass', () => {
    const bench = new Bench(signed);
    const now = defaultPlumtreeConfig.acceptOlderMs + 10;
    const [old] = signedBatch('x~1', 1, 1, 5) as [Gossip<string>];
    expect(bench.receive(now, 'a', old)).toEqual({ sent: [], events: [] });
    expect(bench.core.stats.refused).toBe(1);
    expect(bench.primitives.verified).toBe(0);
    expect(kinds(bench.receive(now, 'a', { ...old, publishedAt: now }))).toEqual(['protocolViolation']);
    const [fresh] = signedBatch('x~1', 1, 1, now) as [Gossip<string>];
    expect(kinds(bench.receive(now, 'b', fresh))).toEqual(['delivered']);
  });

  it('lets no forged number silence a stream', () => {
    const [first, second] = signedBatch('x~1', 1, 2) as [Gossip<string>, Gossip<string>];
    const bench = new Bench(signed);
    bench.receive(1, 'a', first);
    bench.receive(1, 'a', { ...second, seq: 1_000_000 });
    expect(kinds(bench.receive(2, 'b', second))).toEqual(['delivered']);
  });
});

describe('an origin that publishes too much', () => {
  const limits = { originWorkPerSecond: 10, originWorkBurst: 20 };
  const flood = (bench: Bench, now: number, from: string, first: number, count: number, stream = 'o~1') =>
    signedBatch(stream, first, count, now).map((message) => kinds(bench.receive(now, from, message)));

  it("is shed beyond its allowance, and blamed for each second's worth when it is the neighbour itself", () => {
    const bench = new Bench(limits);
    const said = flood(bench, 0, 'o', 1, 40);
    expect(said.filter(([kind]) => kind === 'delivered')).toHaveLength(20);
    // By our clock twice; by its own dates, which are all one, for each quarter of a second's worth.
    expect(said.flat().filter((kind) => kind === 'flooded')).toHaveLength(2 + 8);
    expect(bench.core.stats.throttled).toBe(20);
    // What was shed counts, for a second at most: while it goes on nothing of it is passed on.
    expect(flood(bench, 500, 'o', 41, 5).flat()).toEqual([]);
    // After two seconds' rest ten are allowed again, and four too many are no flood yet.
    expect(flood(bench, 2_500, 'o', 46, 14).flat()).toEqual(Array.from({ length: 10 }, () => 'delivered'));
  });

  it('is told by its own dates, however slowly its messages are read', () => {
    const bench = new Bench(limits);
    // Published within 100 ms, and read one every 100 ms, which is what it may send.
    const messages = Array.from({ length: 60 }, (_, i) => signedBatch('o~1', i + 1, 1, 2 * i)).flat();
    const said = messages.flatMap((message, i) => kinds(bench.receive(100 * i, 'o', message)));
    expect(said.filter((kind) => kind === 'delivered')).toHaveLength(60);
    expect(said.filter((kind) => kind === 'flooded').length).toBeGreaterThan(10);
  });

  it('is not blamed at its pace, not even when its clock is set back', () => {
    const bench = new Bench(limits);
    // As fast as it may for ten seconds, in the fifth of which its clock loses four.
    const dates = Array.from({ length: 100 }, (_, i) => 100 * i - (i < 50 ? 0 : 4_000));
    const messages = dates.flatMap((date, i) => signedBatch('o~1', i + 1, 1, date));
    const said = messages.flatMap((message, i) => kinds(bench.receive(100 * i, 'o', message)));
    expect(said).toEqual(Array.from({ length: 100 }, () => 'delivered'));
  });

  it('is not held to account for what others bring of it, nor silenced in its name', () => {
    const bench = new Bench(limits);
    flood(bench, 0, 'a', 1, 60);
    expect(flood(bench, 1_000, 'o', 61, 10).flat()).toEqual(Array.from({ length: 10 }, () => 'delivered'));
  });

  it('is counted over all its streams and lives, and no neighbour is blamed for another origin', () => {
    const bench = new Bench(limits);
    flood(bench, 0, 'a', 1, 15, 'x~1');
    expect(flood(bench, 0, 'a', 1, 15, 'x~2!').flat()).toEqual(Array.from({ length: 5 }, () => 'delivered'));
    expect(flood(bench, 0, 'a', 1, 15, 'y~1').flat()).toHaveLength(15);
  });

  it('is not grafted from others either, and nobody is blamed for having announced it', () => {
    const bench = new Bench(limits);
    bench.receive(0, 'b', iHave('o~1', 30));
    flood(bench, 0, 'o', 1, 30);
    expect(bench.core.stats.throttled).toBe(10);
    bench.receive(1, 'a', iHave('o~1', 29));
    for (let now = 0; now < 400; now += 50) bench.tick(now);
    // Long after both would have been asked for, and their announcers blamed.
    expect(bench.tick(10_000).events).toEqual([]);
    expect(bench.core.stats.graftsSent).toBe(0);
  });

  it('is repaired when it has calmed down: what was shed is announced again, or told by digest', () => {
    const bench = new Bench(limits);
    const messages = signedBatch('o~1', 1, 21);
    for (const message of messages) bench.receive(0, 'o', message);
    expect(bench.core.stats.delivered).toBe(20);
    bench.receive(5_000, 'b', iHave('o~1', 21));
    expect(bench.tick(5_400).sent).toMatchObject([{ to: 'b', kind: 'graft', ranges: [{ from: 21, to: 21 }] }]);
    const [repaired] = messages.slice(20) as [Gossip<string>];
    expect(kinds(bench.receive(5_401, 'b', { ...repaired, repair: true }))).toEqual(['delivered']);
  });

  it('is not pulled from either, until it has calmed down', () => {
    const bench = new Bench(limits);
    flood(bench, 0, 'o', 1, 30);
    const digest = { kind: 'digest', streams: [{ stream: 'o~1', from: 1, seen: 60 }], last: true } as const;
    const pulls = (sent: readonly { readonly kind: string }[]) => sent.filter(({ kind }) => kind === 'pull');
    expect(pulls(bench.receive(1, 'o', digest).sent)).toEqual([]);
    expect(pulls(bench.tick(90).sent)).toEqual([]);
    // Full again, nothing else happened: what is owed is asked for.
    expect(pulls(bench.tick(10_000).sent)).toMatchObject([{ to: 'o', ranges: [{ from: 21, to: 60 }] }]);
  });

  it('pays for its signatures: one for each message costs thirteen times as much', () => {
    const bench = new Bench({ ...limits, ...signed, originWorkBurst: 65, originWorkPerSecond: 60 });
    const lone = Array.from({ length: 10 }, (_, i) => signedBatch('o~1', 1 + i, 1)[0] as Gossip<string>);
    const said = lone.map((message) => kinds(bench.receive(0, 'o', message)));
    expect(said.filter(([kind]) => kind === 'delivered')).toHaveLength(5);
  });

  it('cannot be made one by others in its name', () => {
    const bench = new Bench({ ...limits, ...signed });
    for (const message of signedBatch('x~1', 1, 40)) bench.receive(0, 'a', { ...message, body: 'forged' });
    const [message] = signedBatch('x~1', 1, 1) as [Gossip<string>];
    expect(kinds(bench.receive(0, 'b', message))).toEqual(['delivered']);
  });
});

describe('a publisher', () => {
  const limits = { originWorkPerSecond: 20, originWorkBurst: 50, ownWorkShare: 0.8 };

  it('holds itself to less than its neighbours take of it, and says when the next message fits', () => {
    const bench = new Bench(limits);
    const neighbor = new Bench(limits, 'o');
    const sent = Array.from({ length: 45 }, (_, i) => bench.publish(0, `m${i}`));
    expect(sent.slice(0, 40).flatMap(kinds)).toEqual(Array.from({ length: 40 }, () => 'delivered'));
    // One more at 16 a second.
    expect(sent[40]?.events).toEqual([{ kind: 'overpaced', retryAfterMs: 63 }]);
    expect(sent[40]?.sent).toEqual([]);
    expect(bench.core.stats).toMatchObject({ published: 40, overpaced: 5 });
    expect(kinds(bench.publish(63, 'later'))).toEqual(['delivered']);
    expect(bench.core.paceMs(63)).toBeGreaterThan(0);
    for (const { sent: messages } of sent) {
      for (const message of messages)
        if (message.kind === 'gossip' && message.to === 'o') neighbor.receive(0, 'me', message);
    }
    expect(neighbor.core.stats).toMatchObject({ delivered: 40, throttled: 0 });
  });

  it('counts its signatures, and what the mesh itself has to say, which is never refused', () => {
    const bench = new Bench({ ...limits, ...signed });
    // Each is signed when it is sent: 13 for each.
    const closed = (i: number) => {
      const { sent } = bench.publish(0, `m${i}`);
      for (const message of sent) if (message.kind === 'gossip') void message.signature?.signature;
      return sent.length > 0;
    };
    expect(Array.from({ length: 5 }, (_, i) => closed(i))).toEqual([true, true, true, true, false]);
    expect(kinds(bench.publish(0, 'canary', true))).toEqual(['delivered']);
  });
});
