import type { BanReader } from '@starling/core-bans';
import { admitAll } from '@starling/core-hyparview';
import { parsePattern } from '@starling/core-pubsub';
import { fingerprintsOf, hashTerm } from '@starling/digest';
import { type Input, type Millis, type PeerId, type PeerInfo, Rng } from '@starling/kernel';
import type { MeshCommand, MeshEvent } from './api.ts';
import { defaultMeshConfig, type MeshConfig } from './config.ts';
import { Mesh } from './mesh.ts';
import type { Body, BodyCodec, MeshMessage } from './messages.ts';

/** Bodies travel as they are. */
const bodies: BodyCodec<Body> = {
  encode: (body) => body,
  decode: (body) => body,
  sizeOf: (body) => (body.kind === 'user' ? body.payload.length + 64 : 64),
};

type MeshInput = Input<MeshMessage<Body>, MeshCommand>;

interface Node {
  readonly mesh: Mesh<Body>;
  readonly info: PeerInfo;
  readonly events: MeshEvent[];
  isUp: boolean;
}

interface Delivery {
  readonly at: Millis;
  readonly order: number;
  readonly to: PeerId;
  readonly input: MeshInput;
}

/** A handful of meshes in one process: 1 ms per hop, virtual time, links that open and break. For this library's specs. */
export class Network {
  now: Millis = 0;
  readonly nodes = new Map<PeerId, Node>();
  /** Whether a peer keeps back what it was to send. */
  keepsBack: (from: PeerId, message: MeshMessage<Body>) => boolean = () => false;
  readonly #rng: Rng;
  readonly #config: MeshConfig;
  readonly #bans: BanReader | undefined;
  readonly #links = new Set<string>();
  readonly #words = new Map<PeerId, Set<string>>();
  #queue: Delivery[] = [];
  #order = 0;

  constructor(seed: number, config: Partial<MeshConfig> = {}, bans?: BanReader) {
    this.#rng = new Rng(seed);
    this.#bans = bans;
    this.#config = { ...defaultMeshConfig, ...config };
  }

  add(id: PeerId, contact?: PeerId, incarnation = 1): Node {
    const info = { id, address: `${id}:1`, apiAddress: '', incarnation, zone: '', name: id };
    const mesh = new Mesh<Body>({
      config: this.#config,
      self: info,
      rng: this.#rng.child(),
      admission: admitAll,
      bodies,
      verifyRecord: () => true,
      signRecord: (record) => ({ ...record, publisher: id, publicKey: new Uint8Array(), signature: new Uint8Array() }),
      ...(this.#bans && { bans: this.#bans }),
    });
    const node: Node = { mesh, info, events: [], isUp: true };
    this.nodes.set(id, node);
    const peers = contact === undefined ? [] : [this.#node(contact).info];
    this.command(id, { kind: 'contacts', peers });
    return node;
  }

  command(id: PeerId, command: MeshCommand): void {
    this.#handle(id, { kind: 'command', command });
  }

  /** What a peer sends that no core of it would. */
  say(from: PeerId, to: PeerId, message: MeshMessage<Body>): void {
    this.#later(to, { kind: 'message', from, message });
  }

  /** Gives a peer an index of one document with these words, instead of the one it had. */
  put(id: PeerId, ...words: readonly string[]): void {
    this.#words.set(id, new Set(words));
    this.command(id, { kind: 'indexChanged' });
  }

  publish(id: PeerId, topic: string, text: string, wantHeld = false): void {
    const payload = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    this.command(id, { kind: 'publish', requestId: 1, topic, payload, headers: {}, wantHeld });
  }

  /** The process ends without a word. Its links break at once. */
  crash(id: PeerId): void {
    this.#node(id).isUp = false;
    for (const key of [...this.#links]) {
      const [a, b] = key.split('|') as [PeerId, PeerId];
      if (a === id) this.#break(a, b, b);
      if (b === id) this.#break(a, b, a);
    }
  }

  /** Runs until `now + ms`. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.nodes.values()]
        .filter((node) => node.isUp)
        .map((node) => ({ node, at: node.mesh.nextDeadline() }));
      const nextTick = Math.min(...due.map(({ at }) => at));
      const next = this.#queue[0];
      const at = Math.max(this.now, Math.min(next?.at ?? Number.POSITIVE_INFINITY, nextTick));
      if (at > end) break;
      this.now = at;
      if (next && next.at <= nextTick) {
        this.#queue.shift();
        if (this.#node(next.to).isUp) this.#handle(next.to, next.input);
      } else {
        for (const { node, at } of due) if (at <= this.now) this.#handle(node.info.id, { kind: 'tick' });
      }
    }
    this.now = end;
  }

  read(id: PeerId, subscription: { read(max: number): readonly unknown[] }): unknown[] {
    this.#node(id);
    return [...subscription.read(1_000)];
  }

  subscribe(id: PeerId, pattern: string) {
    const parsed = parsePattern(pattern);
    if (!parsed.ok) throw new Error(parsed.problem);
    const options = { patterns: [parsed.value], cursors: [], since: null, replayAll: true };
    const subscription = this.#node(id).mesh.pubsub.open(this.now, options);
    if (!subscription) throw new Error('no room for the subscription');
    return subscription;
  }

  /** Sizes of the connected parts among the living, by their neighbour relation. */
  parts(): number[] {
    const left = new Set([...this.nodes.values()].filter((node) => node.isUp).map((node) => node.info.id));
    const sizes: number[] = [];
    for (const first of left) {
      const part = [first];
      left.delete(first);
      for (const id of part) {
        for (const { id: other } of this.#node(id).mesh.root.membership.activeView()) {
          if (left.delete(other)) part.push(other);
        }
      }
      sizes.push(part.length);
    }
    return sizes.sort((a, b) => b - a);
  }

  #node(id: PeerId): Node {
    const node = this.nodes.get(id);
    if (!node) throw new Error(`no ${id}`);
    return node;
  }

  #handle(id: PeerId, input: MeshInput): void {
    const node = this.#node(id);
    node.mesh.handle(this.now, input, {
      open: (peer) => this.#dial(id, peer.id),
      send: (to, message) => {
        if (this.keepsBack(id, message)) return;
        if (this.#links.has(keyOf(id, to))) this.#later(to, { kind: 'message', from: id, message });
      },
      close: (peer) => {
        if (!this.#links.has(keyOf(id, peer))) return;
        this.#links.delete(keyOf(id, peer));
        this.#later(id, { kind: 'linkDown', peer, reason: 'closed' });
        this.#later(peer, { kind: 'linkDown', peer: id, reason: 'closed' });
      },
      emit: (event) => {
        node.events.push(event);
        // The layer above has an empty index and nothing to report but itself, unless it was given one document of words.
        if (event.kind === 'queryLocal') {
          const words = this.#words.get(id);
          const isHit = words === undefined || event.text.split(' ').every((word) => words.has(word));
          const hits = isHit ? [{ peer: id, documentId: id, score: 1, document: '{}' }] : [];
          this.#later(id, { kind: 'command', command: { kind: 'localHits', queryId: event.queryId, hits } });
        }
        if (event.kind === 'indexSnapshot') {
          const words = this.#words.get(id) ?? [];
          const terms = { fingerprints: fingerprintsOf(words, hashTerm), documents: 1, words: 2 };
          this.#later(id, { kind: 'command', command: { kind: 'indexTerms', ...terms } });
        }
      },
    });
  }

  #dial(from: PeerId, to: PeerId): void {
    const target = this.nodes.get(to);
    if (!target?.isUp) {
      this.#later(from, { kind: 'linkDown', peer: to, reason: 'refused' });
      return;
    }
    if (this.#links.has(keyOf(from, to))) return;
    this.#links.add(keyOf(from, to));
    this.#later(from, { kind: 'linkUp', peer: target.info });
    this.#later(to, { kind: 'linkUp', peer: this.#node(from).info });
  }

  #break(a: PeerId, b: PeerId, survivor: PeerId): void {
    this.#links.delete(keyOf(a, b));
    this.#later(survivor, { kind: 'linkDown', peer: survivor === a ? b : a, reason: 'lost' });
  }

  #later(to: PeerId, input: MeshInput): void {
    this.#queue.push({ at: this.now + 1, order: this.#order++, to, input });
  }
}

function keyOf(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
