import type { Transport } from '@starling/host';
import type { PeerId, PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { meshMessages } from './arbitraries.ts';
import { LinkRecorder } from './link-recorder.ts';

/** Makes transports of one kind that can reach each other. */
export interface TransportFactory {
  /** A transport that has an address but is not started. It will be started as `testPeer(name, …)`. */
  create(name: string): Promise<{ readonly transport: Transport<Uint8Array>; readonly address: string }>;
}

/** One side of a test: a started transport and what it was told. */
export interface Endpoint {
  readonly transport: Transport<Uint8Array>;
  readonly self: PeerInfo;
  readonly heard: LinkRecorder;
}

/** A peer for tests: its id is the name, padded. */
export function testPeer(name: string, address: string, incarnation = 1): PeerInfo {
  return { id: name.padEnd(52, 'x'), address, apiAddress: '', incarnation, zone: '', name };
}

/** A payload whose number is `seq`. */
export function testGossip(seq: number, bytes = 8): MeshMessage<Uint8Array> {
  return {
    area: 'broadcast',
    swarm: 0,
    message: {
      kind: 'gossip',
      stream: 'origin~1',
      seq,
      round: 1,
      publishedAt: 1,
      wantHeld: false,
      repair: false,
      tree: 0,
      entry: 0,
      signature: null,
      body: new Uint8Array(bytes).fill(seq),
    },
  };
}

/** A small control message whose number is `nonce`. */
export function testPing(nonce: number): MeshMessage<Uint8Array> {
  return { area: 'liveness', message: { kind: 'ping', nonce } };
}

/** The number that `testGossip` or `testPing` put in; −1 for anything else. */
export function numberOf({ area, message }: MeshMessage<Uint8Array>): number {
  if (area === 'broadcast' && message.kind === 'gossip') return message.seq;
  return area === 'liveness' && message.kind === 'ping' ? message.nonce : -1;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** What every transport promises its host: the port in libs/host, sentence by sentence. */
export function describeTransport(kind: string, factory: TransportFactory): void {
  describe(`${kind} as a Transport`, () => {
    const started: Transport<Uint8Array>[] = [];

    afterEach(async () => {
      await Promise.all(started.splice(0).map((transport) => transport.stop()));
    });

    async function endpoint(name: string, incarnation = 1): Promise<Endpoint> {
      const { transport, address } = await factory.create(name);
      const self = testPeer(name, address, incarnation);
      const heard = new LinkRecorder();
      await transport.start(self, heard);
      started.push(transport);
      return { transport, self, heard };
    }

    const open = (from: Endpoint, to: Endpoint): void => from.heard.call(() => from.transport.open(to.self));
    const send = (from: Endpoint, to: Endpoint, message: MeshMessage<Uint8Array>): boolean =>
      from.heard.call(() => from.transport.send(to.self.id, message));
    const close = (from: Endpoint, to: PeerId): void => from.heard.call(() => from.transport.close(to));

    async function linked(): Promise<[Endpoint, Endpoint]> {
      const [a, b] = [await endpoint('a'), await endpoint('b')];
      open(a, b);
      await Promise.all([a.heard.untilUp(), b.heard.untilUp()]);
      return [a, b];
    }

    it('tells both sides of a link, once, with what each said about itself', async () => {
      const [a, b] = await linked();
      open(a, b);
      open(b, a);
      expect(send(a, b, testPing(1)) && send(b, a, testPing(2))).toBe(true);
      await Promise.all([a.heard.untilMessages(1), b.heard.untilMessages(1)]);
      expect(a.heard.of('up')).toEqual([{ kind: 'up', peer: b.self }]);
      expect(b.heard.of('up')).toEqual([{ kind: 'up', peer: a.self }]);
      expect(a.heard.reentered || b.heard.reentered).toBe(false);
    });

    it('carries messages both ways, in order', async () => {
      const [a, b] = await linked();
      for (const seq of range(2000)) {
        send(a, b, testGossip(seq));
        send(b, a, testGossip(seq));
      }
      for (const side of [a, b]) expect((await side.heard.untilMessages(2000)).map(numberOf)).toEqual(range(2000));
    });

    it('carries what was sent while dialling, after linkUp', async () => {
      const [a, b] = [await endpoint('a'), await endpoint('b')];
      open(a, b);
      for (const nonce of range(100)) expect(send(a, b, testPing(nonce))).toBe(true);
      expect((await b.heard.untilMessages(100)).map(numberOf)).toEqual(range(100));
      expect(b.heard.events[0]?.kind).toBe('up');
    });

    it('carries every kind of message as it was', async () => {
      const [a, b] = await linked();
      const messages = fc.sample(meshMessages(fc.uint8Array({ maxLength: 2000 })), { numRuns: 200, seed: 7 });
      const sorted = (list: readonly MeshMessage<Uint8Array>[]) => list.map((message) => asText(message)).sort();
      for (const message of messages) expect(send(a, b, message)).toBe(true);
      expect(sorted(await b.heard.untilMessages(200))).toEqual(sorted(messages));
    });

    it('says refused when nobody is there', async () => {
      const [a, gone] = [await endpoint('a'), await endpoint('gone')];
      await gone.transport.stop();
      const before = performance.now();
      open(a, gone);
      expect(await a.heard.untilDown()).toEqual(['refused']);
      expect(performance.now() - before).toBeLessThan(2_000);
      expect(send(a, gone, testPing(1))).toBe(false);
      await expect(a.transport.contact(gone.self.address)).rejects.toMatchObject({ reason: 'unreachable' });
    });

    it('says refused when somebody else is there', async () => {
      const [a, b] = [await endpoint('a'), await endpoint('b')];
      a.transport.open(testPeer('c', b.self.address));
      expect(await a.heard.untilDown()).toEqual(['refused']);
      expect(a.heard.of('up')).toEqual([]);
      expect(b.heard.of('up')).toEqual([]);
    });

    it('says refused for an address that is none', async () => {
      const a = await endpoint('a');
      const addresses = ['', 'nowhere', 'unix:/tmp/x', 'http://h:1', 'h:99999'];
      for (const [index, address] of addresses.entries()) a.transport.open(testPeer(`b${index}`, address));
      expect(await a.heard.untilDown(5)).toEqual(addresses.map(() => 'refused'));
      await expect(a.transport.contact('unix:/tmp/x')).rejects.toMatchObject({ reason: 'unreachable' });
    });

    it('finds out who is at an address, and keeps the link', async () => {
      const [a, b] = [await endpoint('a'), await endpoint('b')];
      expect(await a.transport.contact(b.self.address)).toEqual(b.self);
      expect(a.heard.of('up')).toHaveLength(1);
      await b.heard.untilUp();
      expect(await a.transport.contact(b.self.address)).toEqual(b.self);
      expect(a.heard.events).toHaveLength(1);
    });

    it('refuses to dial itself', async () => {
      const a = await endpoint('a');
      await expect(a.transport.contact(a.self.address)).rejects.toMatchObject({ reason: 'self' });
      open(a, a);
      expect(await a.heard.untilDown()).toEqual(['refused']);
    });

    it('flushes what is queued when it closes, then tells both sides', async () => {
      const [a, b] = await linked();
      for (const seq of range(500)) send(a, b, testGossip(seq, 2_000));
      close(a, b.self.id);
      expect(await a.heard.untilDown()).toEqual(['closed']);
      expect(await b.heard.untilDown()).toEqual(['closed']);
      expect(b.heard.of('message').map((event) => numberOf(event.message))).toEqual(range(500));
      expect(b.heard.events.at(-1)?.kind).toBe('down');
      expect(send(a, b, testPing(1))).toBe(false);
      expect(a.heard.reentered).toBe(false);
    });

    it('gives a dial up when it is closed', async () => {
      const [a, b] = [await endpoint('a'), await endpoint('b')];
      open(a, b);
      close(a, b.self.id);
      expect(await a.heard.untilDown()).toEqual(['closed']);
      open(a, b);
      await a.heard.untilUp();
    });

    it('ends a dialogue and begins another, as often as asked', async () => {
      const [a, b] = await linked();
      for (const round of range(10)) {
        const [closer, other] = round % 2 === 0 ? [a, b] : [b, a];
        send(closer, other, testGossip(round));
        close(closer, other.self.id);
        await Promise.all([a.heard.untilDown(round + 1), b.heard.untilDown(round + 1)]);
        open(closer, other);
        await Promise.all([a.heard.untilUp(round + 2), b.heard.untilUp(round + 2)]);
      }
      for (const side of [a, b]) expect(side.heard.of('down').map((event) => event.reason)).not.toContain('lost');
      expect(a.heard.of('message').length + b.heard.of('message').length).toBe(10);
    });

    it('dials again while the old link is being flushed, and neither loses nor mistakes anything', async () => {
      const [a, b] = await linked();
      for (const seq of range(400)) send(a, b, testGossip(seq, 20_000));
      close(a, b.self.id);
      await a.heard.untilDown();
      open(a, b);
      for (const seq of range(10)) expect(send(a, b, testGossip(400 + seq))).toBe(true);
      expect((await b.heard.untilMessages(410)).map(numberOf)).toEqual(range(410));
      const kinds = b.heard.events.map((event) => event.kind).filter((each) => each !== 'message');
      expect(kinds).toEqual(['up', 'down', 'up']);
      expect(b.heard.of('down').map((event) => event.reason)).toEqual(['closed']);
    });

    it('makes one link of two dials, and loses and repeats nothing: dialled by name', async () => {
      for (let round = 0; round < 30; round++) {
        const [a, b] = [await endpoint('a'), await endpoint('b')];
        await together(a, b, round, async (from, to) => open(from, to));
      }
    });

    it('makes one link of two dials, and loses and repeats nothing: dialled by address', async () => {
      for (let round = 0; round < 30; round++) {
        const [a, b] = [await endpoint('a'), await endpoint('b')];
        await together(a, b, round, (from, to) => from.transport.contact(to.self.address));
      }
    });

    it('makes one link of a dial by name and one by address', async () => {
      for (let round = 0; round < 30; round++) {
        const [a, b] = [await endpoint('a'), await endpoint('b')];
        await together(a, b, round, (from, to) => {
          open(from, to);
          return from.transport.contact(to.self.address);
        });
      }
    });

    /** Both dial, `skew` turns of the event loop apart; both then speak over the link that comes of it. */
    async function together(
      a: Endpoint,
      b: Endpoint,
      skew: number,
      dial: (from: Endpoint, to: Endpoint) => Promise<unknown>,
    ): Promise<void> {
      const first = dial(a, b);
      for (let turn = 0; turn < skew; turn++) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([first, dial(b, a), a.heard.untilUp(), b.heard.untilUp()]);
      for (const seq of range(20)) {
        expect(send(a, b, testGossip(seq))).toBe(true);
        expect(send(b, a, testGossip(seq))).toBe(true);
      }
      // Closing flushes: after it, whatever was going to come has come, and nothing came twice.
      const messages = await Promise.all([a.heard.untilMessages(20), b.heard.untilMessages(20)]);
      for (const received of messages) expect(received.map(numberOf)).toEqual(range(20));
      await Promise.all([a.transport.stop(), b.transport.stop()]);
      for (const { heard } of [a, b]) {
        expect(heard.of('up')).toHaveLength(1);
        expect(heard.of('message')).toHaveLength(20);
        expect(heard.of('down').map((event) => event.reason)).toEqual(['closed']);
      }
    }

    it.each(['dials', 'is dialled'] as const)(
      'refuses a link with a banned peer when it %s, and nobody else’s',
      async (which) => {
        const [judge, banned, other] = [await endpoint('judge'), await endpoint('banned'), await endpoint('other')];
        judge.heard.banned.add(banned.self.id);
        const [from, to] = which === 'dials' ? [banned, judge] : [judge, banned];
        await expect(from.transport.contact(to.self.address)).rejects.toMatchObject({ reason: 'banned' });
        open(from, to);
        expect(await from.heard.untilDown()).toEqual(['refused']);
        await other.transport.contact(judge.self.address);
        await judge.heard.untilUp();
        expect(judge.heard.of('up').map(({ peer }) => peer.id)).toEqual([other.self.id]);
        judge.heard.banned.clear();
        await from.transport.contact(to.self.address);
        await judge.heard.untilUp(2);
      },
    );

    it('says in later hellos what this peer has become', async () => {
      const [a, b] = [await endpoint('a'), await endpoint('b')];
      a.transport.setSelf({ ...a.self, incarnation: 9 });
      open(a, b);
      await b.heard.untilUp();
      expect(b.heard.of('up')[0]?.peer.incarnation).toBe(9);
    });

    it('takes a restarted peer for the same one', async () => {
      const [a, b] = await linked();
      await b.transport.stop();
      await a.heard.untilDown();
      const reborn = await endpoint('b', 2);
      open(reborn, a);
      await a.heard.untilUp(2);
      expect(a.heard.of('up').map((event) => event.peer.incarnation)).toEqual([1, 2]);
    });

    it('stops: the others hear of it, and nothing can be sent', async () => {
      const [a, b] = await linked();
      for (const seq of range(50)) send(a, b, testGossip(seq));
      await a.transport.stop();
      expect(await b.heard.untilDown()).toEqual(['closed']);
      expect(b.heard.of('message')).toHaveLength(50);
      expect(send(a, b, testPing(1))).toBe(false);
      await expect(a.transport.contact(b.self.address)).rejects.toMatchObject({ reason: 'stopped' });
    });

    it('counts what crosses a link', async () => {
      const [a, b] = await linked();
      for (const seq of range(10)) send(a, b, testGossip(seq, 100));
      await b.heard.untilMessages(10);
      expect(b.transport.stats(a.self.id)).toMatchObject({ messagesIn: 10, queuedBytes: 0 });
      expect(a.transport.stats(b.self.id)).toMatchObject({ messagesOut: 10 });
      expect(b.transport.stats(a.self.id)?.bytesIn).toBeGreaterThan(1000);
      expect(a.transport.stats('nobody')).toBeUndefined();
    });
  });
}

/** A message as text, the same for a Buffer and a Uint8Array of the same bytes. */
/** The same text for the same message, in whatever order its fields were set. */
function asText(message: MeshMessage<Uint8Array>): string {
  return JSON.stringify(message, (_, value: unknown) => {
    if (ArrayBuffer.isView(value) || isBufferJson(value)) return Array.from(bytesOf(value));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)));
  });
}

function isBufferJson(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value;
}

function bytesOf(value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return Uint8Array.from((value as { readonly data: readonly number[] }).data);
}
