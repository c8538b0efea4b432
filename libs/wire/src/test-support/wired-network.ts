import { admitAll } from '@starling/core-hyparview';
import type { LookupRecord } from '@starling/core-kademlia';
import type { PeerReport } from '@starling/core-observe';
import { type Input, type Millis, type PeerId, type PeerInfo, Rng } from '@starling/kernel';
import {
  type Body,
  type BodyCodec,
  defaultMeshConfig,
  Mesh,
  type MeshCommand,
  type MeshEvent,
  type MeshMessage,
} from '@starling/mesh';
import { expect } from 'vitest';
import { bodyCodec } from '../body-codec.ts';
import {
  type DecodedFrame,
  defaultFrameLimits,
  encodeHello,
  FrameDecoder,
  FrameEncoder,
  isSendable,
  toOutgoing,
} from '../frame-codec.ts';

type Message = MeshMessage<Uint8Array>;
type MeshInput = Input<Message, MeshCommand>;

/** Not a whole number, so that times carry fractions as they do in a pod. */
const hopMs: Millis = 1.37;

interface Node {
  readonly mesh: Mesh<Uint8Array>;
  readonly events: MeshEvent[];
  state: 'up' | 'hung' | 'gone';
}

/** One direction of a link. */
interface Lane {
  readonly encoder: FrameEncoder;
  readonly decoder: FrameDecoder;
}

interface Delivery {
  readonly at: Millis;
  readonly to: PeerId;
  readonly input: MeshInput;
}

/**
 * Whole brains in one process, virtual time, and the wire between them: whatever crosses a link is written to a frame and
 * read from it, every body and every hello is encoded and decoded, and what comes out must be what went in. It is what
 * comes out that the other side gets.
 */
export class WiredNetwork {
  now: Millis = 1_760_000_000_000.25;
  /** Kinds of messages and of bodies that crossed so far. */
  readonly seen = new Set<string>();
  /** Where frames are kept as they cross; null: nowhere. */
  recorded: Buffer[] | null = null;
  /** A peer whose messages are not what it says: null leaves a message as it is. */
  liar: { readonly id: PeerId; readonly lie: (message: Message) => Message | null } | null = null;
  readonly #nodes = new Map<PeerId, Node>();
  readonly #lanes = new Map<string, Lane>();
  readonly #rng: Rng;
  #queue: Delivery[] = [];

  constructor(seed: number) {
    this.#rng = new Rng(seed);
  }

  add(id: PeerId, contact?: PeerId): void {
    const self = {
      id,
      address: `${id}.peers.example:7400`,
      apiAddress: '[::1]:7401',
      incarnation: Math.floor(this.now),
      zone: 'zone-a',
      name: `Peer ${id}`,
    };
    const mesh = new Mesh({
      // Few links, so that eight peers are more than one hop apart.
      config: {
        ...defaultMeshConfig,
        hyparview: { ...defaultMeshConfig.hyparview, activeCapacity: 3 },
        // As if there were too many peers to know all, and few holders.
        lookup: { ...defaultMeshConfig.lookup, k: 3, fullTableMax: 1 },
      },
      self,
      rng: this.#rng.child(),
      admission: admitAll,
      bodies: this.#bodies,
      verifyRecord: () => true,
    });
    this.#nodes.set(id, { mesh, events: [], state: 'up' });
    const peers = contact === undefined ? [] : [this.#node(contact).mesh.self];
    this.command(id, { kind: 'contacts', peers });
  }

  command(id: PeerId, command: MeshCommand): void {
    this.#handle(id, { kind: 'command', command });
  }

  /** A peer puts a record that is its own. */
  putRecord(id: PeerId, lookupId: string): void {
    const text = (of: string) => Uint8Array.from(Buffer.from(of));
    const record: LookupRecord = {
      kind: 'value',
      ...{ key: text('song'), value: text(id), version: 7, expiresAt: Math.ceil(this.now) + 600_000 },
      ...{ publisher: id, publicKey: text(id), signature: text('signed') },
    };
    this.command(id, { kind: 'putRecord', lookupId, record, paths: 2, timeoutMs: 1_000, keep: true });
  }

  getRecord(id: PeerId, lookupId: string): void {
    const key = Uint8Array.from(Buffer.from('song'));
    const wanted = { recordKind: 'value', publisher: '', answers: 2, limit: 9, paths: 2, timeoutMs: 1_000 } as const;
    this.command(id, { kind: 'getRecord', lookupId, key, ...wanted });
  }

  /** `to` gets a message as if `from` had sent it. */
  inject(to: PeerId, from: PeerId, message: Message): void {
    this.#handle(to, { kind: 'message', from, message });
  }

  events<Kind extends MeshEvent['kind']>(id: PeerId, kind: Kind): Extract<MeshEvent, { readonly kind: Kind }>[] {
    return this.#node(id).events.filter((event) => event.kind === kind) as Extract<
      MeshEvent,
      { readonly kind: Kind }
    >[];
  }

  mesh(id: PeerId): Mesh<Uint8Array> {
    return this.#node(id).mesh;
  }

  /** Peers whose process runs. */
  get living(): PeerId[] {
    return [...this.#nodes].filter(([, { state }]) => state !== 'gone').map(([id]) => id);
  }

  /** Its event loop stands still until `wake`: what is sent to it waits. */
  hang(id: PeerId): void {
    this.#node(id).state = 'hung';
  }

  wake(id: PeerId): void {
    this.#node(id).state = 'up';
  }

  /** The process ends, its links break. */
  end(id: PeerId): void {
    this.#node(id).state = 'gone';
    for (const other of this.#nodes.keys()) {
      if (!this.#cut(id, other)) continue;
      this.#later(other, { kind: 'linkDown', peer: id, reason: 'lost' });
    }
  }

  /** Runs until `now + ms`. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (;;) {
      const deliverable = this.#queue.findIndex(({ to }) => this.#node(to).state !== 'hung');
      const delivery = this.#queue[deliverable];
      const running = [...this.#nodes.values()].filter(({ state }) => state === 'up');
      const tickAt = Math.min(...running.map(({ mesh }) => mesh.nextDeadline()));
      const at = Math.max(this.now, Math.min(delivery?.at ?? Number.POSITIVE_INFINITY, tickAt));
      if (at > end) break;
      this.now = at;
      if (delivery && delivery.at <= tickAt) {
        this.#queue.splice(deliverable, 1);
        this.#handle(delivery.to, delivery.input);
      } else {
        for (const { mesh } of running) if (mesh.nextDeadline() <= at) this.#handle(mesh.self.id, { kind: 'tick' });
      }
    }
    this.now = end;
  }

  readonly #bodies: BodyCodec<Uint8Array> = {
    ...bodyCodec,
    encode: (body) => {
      const encoded = bodyCodec.encode(body);
      expect(comparable(bodyCodec.decode(encoded)), `body ${kindOf(body)}`).toEqual(comparable(body));
      this.seen.add(kindOf(body));
      return encoded;
    },
  };

  #node(id: PeerId): Node {
    const node = this.#nodes.get(id);
    if (!node) throw new Error(`no ${id}`);
    return node;
  }

  #handle(id: PeerId, input: MeshInput): void {
    const node = this.#node(id);
    if (node.state === 'gone') return;
    const outgoing = new Map<PeerId, Message[]>();
    const dialled: PeerInfo[] = [];
    const closed: PeerId[] = [];
    node.mesh.handle(this.now, input, {
      open: (peer) => dialled.push(peer),
      send: (to, message) => {
        const messages = outgoing.get(to);
        if (messages) messages.push(message);
        else outgoing.set(to, [message]);
      },
      close: (peer) => closed.push(peer),
      emit: (event) => this.#onEvent(id, node, event),
    });
    for (const peer of dialled) this.#dial(id, peer);
    for (const [to, messages] of outgoing) this.#cross(id, to, messages);
    for (const peer of closed) this.#close(id, peer);
  }

  #onEvent(id: PeerId, { events }: Node, event: MeshEvent): void {
    events.push(event);
    // What the layer above does: the smallest index, and a report as a peer makes it.
    if (event.kind === 'queryLocal') {
      const { queryId } = event;
      const hits = [{ peer: id, documentId: `${id}/1`, score: 1 / 3, document: '{"title":"über"}' }];
      this.#later(id, { kind: 'command', command: { kind: 'localHits', queryId, hits } });
    }
    if (event.kind === 'rowWanted') {
      const row = { zone: 'zone-a', documents: 1 };
      this.#later(id, { kind: 'command', command: { kind: 'peerRow', queryId: event.queryId, row } });
    }
    if (event.kind === 'measure') {
      this.#later(id, { kind: 'command', command: { kind: 'measured', report: this.#report(id) } });
    }
  }

  #report(id: PeerId): Omit<PeerReport, 'number'> {
    const { mesh } = this.#node(id);
    const rate = 1 / 3;
    return {
      info: mesh.self,
      state: 'ready',
      links: mesh.root.membership.activeView().map(({ id: peer }) => ({
        peer,
        role: 'eager',
        rttMs: -1,
        messagesInPerSecond: rate,
        messagesOutPerSecond: rate,
        bytesInPerSecond: rate,
        bytesOutPerSecond: rate,
        duplicatesPerSecond: 0,
      })),
      deliveredPerSecond: rate,
      publishedPerSecond: rate,
      droppedPerSecond: 0,
      passiveSize: 0,
      documents: 1,
      heapBytes: 123_456_789,
      loopUtilization: rate,
      conditions: [],
    };
  }

  #dial(from: PeerId, { id: to }: PeerInfo): void {
    if (this.#lanes.has(laneOf(from, to))) return;
    if (this.#nodes.get(to)?.state !== 'up') {
      this.#later(from, { kind: 'linkDown', peer: to, reason: 'refused' });
      return;
    }
    for (const lane of [laneOf(from, to), laneOf(to, from)]) {
      this.#lanes.set(lane, {
        encoder: new FrameEncoder(defaultFrameLimits),
        decoder: new FrameDecoder(defaultFrameLimits),
      });
    }
    this.#later(from, { kind: 'linkUp', peer: this.#greeted(to) });
    this.#later(to, { kind: 'linkUp', peer: this.#greeted(from) });
  }

  /** What a peer says about itself in its hello, as the other side reads it. */
  #greeted(id: PeerId): PeerInfo {
    const peer = this.#node(id).mesh.self;
    const hello = { version: 1, versionMin: 1, features: 0n, mesh: 'test', peer, session: 1n, number: 1 };
    const frame = readable(new FrameDecoder(defaultFrameLimits).decode(encodeHello(hello)));
    expect(frame.hello).toEqual(hello);
    return frame.hello?.peer ?? peer;
  }

  /** All that one turn says to one peer is one frame. */
  #cross(from: PeerId, to: PeerId, messages: readonly Message[]): void {
    const lane = this.#lanes.get(laneOf(from, to));
    if (!lane) return;
    const isGossip = (message: Message) => message.area === 'broadcast' && message.message.kind === 'gossip';
    const inOrder = [...messages.filter((message) => !isGossip(message)), ...messages.filter(isGossip)];
    if (this.liar?.id === from) {
      for (const message of inOrder) this.#tell(from, to, this.liar.lie(message) ?? message);
      return;
    }
    for (const message of inOrder) {
      const outgoing = toOutgoing(message);
      expect(isSendable(outgoing, defaultFrameLimits)).toBe(true);
      lane.encoder.add(outgoing);
      this.seen.add(message.message.kind);
    }
    const bytes = lane.encoder.take();
    this.recorded?.push(Buffer.from(bytes));
    const frame = readable(lane.decoder.decode(bytes));
    expect(frame.unknown).toBe(0);
    expect(comparable(frame.messages)).toEqual(comparable(inOrder));
    for (const message of frame.messages) this.#later(to, { kind: 'message', from, message });
  }

  /** Delivers what a decoder makes of it. */
  #tell(from: PeerId, to: PeerId, message: Message): void {
    const encoder = new FrameEncoder(defaultFrameLimits);
    encoder.add(toOutgoing(message));
    const frame = new FrameDecoder(defaultFrameLimits).decode(encoder.take());
    if (frame.kind === 'malformed') return;
    for (const heard of frame.messages) this.#later(to, { kind: 'message', from, message: heard });
  }

  #close(from: PeerId, to: PeerId): void {
    if (!this.#cut(from, to, true)) return;
    this.#later(from, { kind: 'linkDown', peer: to, reason: 'closed' });
    this.#later(to, { kind: 'linkDown', peer: from, reason: 'closed' });
  }

  /** False when there was no link. What was on its way is lost unless `flushed`. */
  #cut(a: PeerId, b: PeerId, flushed = false): boolean {
    if (!this.#lanes.delete(laneOf(a, b))) return false;
    this.#lanes.delete(laneOf(b, a));
    if (!flushed) {
      const isLost = ({ to, input }: Delivery) =>
        input.kind === 'message' && ((to === a && input.from === b) || (to === b && input.from === a));
      this.#queue = this.#queue.filter((delivery) => !isLost(delivery));
    }
    return true;
  }

  /** Every way is equally long, so the queue is in order of time. */
  #later(to: PeerId, input: MeshInput): void {
    this.#queue.push({ at: this.now + hopMs, to, input });
  }
}

const laneOf = (from: PeerId, to: PeerId) => `${from}>${to}`;

function readable(frame: DecodedFrame): Extract<DecodedFrame, { readonly kind: 'frame' }> {
  if (frame.kind === 'malformed') throw new Error(`malformed: ${frame.reason}`);
  return frame;
}

function kindOf(body: Body): string {
  return body.kind === 'directory' || body.kind === 'observe' ? body.message.kind : body.kind;
}

/** Equal bytes are equal, whichever class of array they come in. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item)]));
}
