import { randomBytes } from 'node:crypto';
import { type ChannelCredentials, credentials, Server, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  ContactError,
  type ContactFailure,
  type LinkStats,
  type Transport,
  type TransportHandler,
} from '@starling/host';
import { assert, type LinkDownReason, type PeerId, type PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import {
  encodeConfirm,
  encodeHello,
  encodeRefusal,
  FrameDecoder,
  type Hello,
  isAddress,
  isSendable,
  ProtoWriter,
  type Refusal,
  slabBytes,
  toOutgoing,
} from '@starling/wire';
import { Acceptor } from './acceptor.ts';
import type { GrpcTransportConfig } from './config.ts';
import { type InboundRefusal, newCounters, type TransportCounters } from './counters.ts';
import { Expiries } from './expiries.ts';
import { Flusher } from './flusher.ts';
import { AcceptedStream, channelOptions, DialledStream, exchangeService, type FrameStream } from './frame-stream.ts';
import {
  type Dial,
  type Inbound,
  isStale,
  linkVersion,
  type Own,
  readAnswer,
  readHello,
  winsOver,
} from './handshake.ts';
import { Link, type LinkHandler } from './link.ts';
import type { CertifiedPeer, MutualTls } from './mutual-tls.ts';
import { renewalTime } from './renewal.ts';
import { SendQueue } from './send-queue.ts';
import { type Slot, Slots } from './slots.ts';

/** A connection that came to nothing for want of trust, for a log: somebody should know. */
export interface LinkTrouble {
  readonly direction: 'in' | 'out';
  readonly reason: InboundRefusal | ContactFailure;
  readonly detail: string;
  /** `host:port` of the other side. */
  readonly address: string;
}

const troubles: ReadonlySet<string> = new Set([
  'untrusted',
  'not-certified',
  'tls-mismatch',
  'handshake',
  'wrong-mesh',
  'banned',
]);

/** Dials that failed so say nothing about the peer: it may be there, and had no time, or this one had none. */
const silences: ReadonlySet<ContactFailure> = new Set(['timeout', 'busy', 'stopped']);

/**
 * Links between peers on plain grpc-js, both sides: one bidirectional stream each, many messages to a frame, bounded queues.
 * How a link begins, also when both dial at once, is told in docs/protocols/link.md.
 */
export class GrpcTransport implements Transport<Uint8Array> {
  readonly counters: TransportCounters = newCounters();
  readonly #config: GrpcTransportConfig;
  readonly #tls: MutualTls | null;
  readonly #onTrouble: (trouble: LinkTrouble) => void;
  readonly #server: Server;
  readonly #acceptor: Acceptor;
  readonly #session = randomBytes(8).readBigUInt64LE();
  readonly #writer: ProtoWriter;
  readonly #slots = new Slots();
  readonly #dials = new Set<Dial>();
  readonly #inbounds = new Set<Inbound>();
  readonly #closing = new Map<Link, NodeJS.Timeout>();
  readonly #flusher: Flusher;
  readonly #renewals = new Expiries<Link>((link) => this.#renewLink(link));
  readonly #linkHandler: LinkHandler;
  #self: PeerInfo | null = null;
  #handler: TransportHandler<Uint8Array> | null = null;
  #port: number | null = null;
  #stopping = false;
  #allClosed: (() => void) | null = null;
  #number = 0;
  #streams = 0;

  /** Without `tls`, links are in plain text and a hello is believed: for tests, and for networks that are secured below. */
  constructor(
    config: GrpcTransportConfig,
    tls: MutualTls | null = null,
    onTrouble: (trouble: LinkTrouble) => void = () => {},
  ) {
    this.#config = config;
    this.#tls = tls;
    this.#onTrouble = onTrouble;
    this.#flusher = new Flusher(config);
    this.#writer = ProtoWriter.forFrames(slabBytes(config.frames));
    this.#server = new Server({
      ...channelOptions(config),
      // A connection without a stream is no peer.
      'grpc.max_connection_idle_ms': 10_000,
      // Every dial has a connection of its own.
      'grpc.max_concurrent_streams': 2,
    });
    this.#acceptor = new Acceptor(this.#server, config, tls, {
      refused: (reason, detail, from) => this.#countRefusal(reason, detail, from),
    });
    this.#linkHandler = {
      messages: (link, messages) => this.#onMessages(link, messages),
      violation: (link) => {
        this.counters.malformedFrames++;
        link.abort();
      },
      unknown: (count) => {
        this.counters.unknownMessages += count;
      },
      ended: (link, saidGoodbye) => this.#onLinkEnded(link, saidGoodbye ? 'closed' : 'lost'),
    };
  }

  /** Begins to take connections, without answering any, and says on which port: for those who asked for port 0. Rejects with a `ListenError`. */
  async listen(): Promise<number> {
    if (this.#port === null) {
      this.#server.addService(exchangeService, {
        exchange: (call: ServerDuplexStream<Buffer, Buffer>) => this.#accept(call),
      });
      this.#port = await this.#acceptor.listen();
    }
    return this.#port;
  }

  async start(self: PeerInfo, handler: TransportHandler<Uint8Array>): Promise<void> {
    await this.listen();
    this.#self = self;
    this.#handler = handler;
  }

  setSelf(self: PeerInfo): void {
    this.#self = self;
  }

  open(peer: PeerInfo): void {
    const slot = this.#slots.of(peer.id);
    if (slot.link !== null || slot.dial !== null || slot.reopen !== null) return;
    slot.queue = new SendQueue(this.#config.queues);
    // A dial would reach the other side before it has seen the end of the old link.
    if (slot.closing !== null) slot.reopen = peer;
    else this.#dialFor(slot, peer);
  }

  contact(address: string): Promise<PeerInfo> {
    return new Promise((resolve, reject) => {
      this.#dial(address, null, {
        succeed: resolve,
        fail: (reason, detail) => reject(new ContactError(address, reason, detail)),
      });
    });
  }

  send(to: PeerId, message: MeshMessage<Uint8Array>): boolean {
    const slot = this.#slots.get(to);
    const queue = slot?.link?.queue ?? slot?.queue;
    if (slot === undefined || queue === undefined || queue === null) return false;
    const outgoing = toOutgoing(message);
    if (!isSendable(outgoing, this.#config.frames)) {
      this.counters.oversized++;
      return false;
    }
    const result = queue.push(outgoing);
    if (result === 'queued') {
      if (slot.link !== null) this.#flusher.soon(slot.link);
      return true;
    }
    if (result === 'dropped') this.counters.payloadsDropped++;
    else this.#onOverflow(slot);
    return false;
  }

  close(peer: PeerId): void {
    const slot = this.#slots.get(peer);
    if (slot === undefined) return;
    const { link, dial, reopen } = slot;
    if (link === null && dial === null && reopen === null) return;
    slot.reopen = null;
    slot.queue = null;
    if (dial !== null) {
      slot.dial = null;
      this.#abandon(slot, dial);
    }
    if (link !== null) this.#closeLink(slot, link);
    // The host is told after it has returned from this call.
    queueMicrotask(() => {
      if (slot.link === null) this.#handler?.linkDown(peer, 'closed');
      this.#slots.sweep(slot);
    });
  }

  stats(peer: PeerId): LinkStats | undefined {
    return this.#slots.get(peer)?.link?.stats;
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#acceptor.close();
    this.#renewals.clear();
    for (const dial of [...this.#dials]) this.#failDial(dial, 'stopped', 'the transport is stopping');
    for (const inbound of [...this.#inbounds]) inbound.stream.abort();
    for (const id of this.#slots.linked()) this.close(id);
    if (this.#closing.size > 0) await new Promise<void>((resolve) => (this.#allClosed = resolve));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, this.#config.closeTimeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  // Dialling.

  #dialFor(slot: Slot, peer: PeerInfo): void {
    this.#dial(peer.address, peer.id, {
      started: (dial) => {
        slot.dial = dial;
      },
      succeed: () => {
        slot.dial = null;
      },
      fail: (reason) => {
        slot.dial = null;
        if (slot.link !== null) return;
        slot.queue = null;
        this.#handler?.linkDown(peer.id, silences.has(reason) ? 'unanswered' : 'refused');
        this.#slots.sweep(slot);
      },
    });
  }

  #dial(
    address: string,
    expected: PeerId | null,
    then: Pick<Dial, 'succeed' | 'fail'> & { readonly started?: (dial: Dial) => void },
  ): void {
    const obstacle = this.#obstacle(address);
    if (obstacle !== null) {
      this.counters.dialsFailed[obstacle[0]]++;
      queueMicrotask(() => then.fail(...obstacle));
      return;
    }
    this.counters.dials++;
    const hello = this.#hello();
    const stream = new DialledStream(
      address,
      this.#credentialsFor(expected, () => dial),
      this.#config,
      this.#opened(),
    );
    const dial: Dial = {
      address,
      expected,
      number: hello.number,
      stream,
      decoder: new FrameDecoder(this.#config.frames),
      timer: afterReading(() => this.#onConnectTimeout(dial), this.#config.connectTimeoutMs),
      succeed: then.succeed,
      fail: then.fail,
      state: 'calling',
      answer: null,
      certified: null,
      problem: null,
    };
    this.#dials.add(dial);
    then.started?.(dial);
    stream.handler = {
      frame: (bytes) => this.#onAnswer(dial, bytes),
      ended: (detail) => this.#onDialEnded(dial, detail),
    };
    stream.write(encodeHello(hello));
  }

  #credentialsFor(expected: PeerId | null, dialOf: () => Dial): ChannelCredentials {
    if (this.#tls === null) return credentials.createInsecure();
    return this.#tls.dialCredentials(expected, {
      proved: (peer) => {
        dialOf().certified = peer;
      },
      failed: (problem) => {
        dialOf().problem = problem;
      },
    });
  }

  /** What keeps this peer from dialling at all. */
  #obstacle(address: string): [ContactFailure, string] | null {
    if (this.#self === null || this.#stopping) return ['stopped', 'the transport is not running'];
    if (!isAddress(address)) return ['unreachable', 'not an address'];
    if (this.#streams >= this.#config.streamsMax) return ['busy', 'too many streams'];
    return null;
  }

  #onAnswer(dial: Dial, bytes: Buffer): void {
    if (dial.state !== 'calling') return;
    const answer = readAnswer(dial.decoder.decode(bytes), this.#own(), dial.expected, dial.certified);
    if (answer.kind === 'failed') {
      this.#failDial(dial, answer.reason, answer.detail);
      return;
    }
    if (this.#isBanned(answer.hello)) {
      this.#failDial(dial, 'banned', `${answer.hello.peer.id} is banned here`);
      return;
    }
    const slot = this.#slots.of(answer.hello.peer.id);
    dial.answer = answer.hello;
    dial.state = answer.kind;
    slot.waiting.add(dial);
    this.#decide(slot, dial);
  }

  /** Confirms a dial, gives it up, or lets it wait for a stream of the other side. */
  #decide(slot: Slot, dial: Dial): void {
    if (slot.link !== null) {
      this.#settle(slot, dial, slot.link.peer);
      return;
    }
    if (dial.state !== 'answered') return;
    const own = { id: this.#own().id, number: dial.number };
    for (const inbound of slot.inbounds) if (!winsOver(own, inbound, slot.id)) return;
    this.#confirm(slot, dial);
  }

  #confirm(slot: Slot, dial: Dial): void {
    const { stream, decoder, answer } = dial;
    assert(answer !== null, 'a dial is confirmed after its answer');
    this.#retire(slot, dial);
    stream.write(encodeConfirm());
    this.#adopt(slot, stream, decoder, answer, dial.certified);
    dial.succeed(answer.peer);
  }

  #onConnectTimeout(dial: Dial): void {
    if (dial.state === 'calling' && dial.stream.isConnected) {
      dial.timer = afterReading(() => this.#onDialTimeout(dial), this.#config.answerTimeoutMs);
    } else this.#onDialTimeout(dial);
  }

  #onDialTimeout(dial: Dial): void {
    const slot = dial.answer === null ? undefined : this.#slots.get(dial.answer.peer.id);
    // The stream of the other side did not come in time, so this one is as good as any.
    if (dial.state === 'answered' && slot !== undefined && slot.link === null) this.#confirm(slot, dial);
    else this.#failDial(dial, 'timeout', 'no answer in time');
  }

  #onDialEnded(dial: Dial, detail: string): void {
    // A refusal ends the stream, but what it was refused for may still come.
    if (dial.state === 'yielded' || dial.state === 'over') return;
    this.#failDial(dial, dial.problem?.reason ?? 'unreachable', dial.problem?.detail ?? detail);
  }

  #failDial(dial: Dial, reason: ContactFailure, detail: string): void {
    if (dial.state === 'over') return;
    const slot = dial.answer === null ? undefined : this.#slots.get(dial.answer.peer.id);
    this.#abandon(slot, dial);
    this.counters.dialsFailed[reason]++;
    if (troubles.has(reason)) this.#onTrouble({ direction: 'out', reason, detail, address: dial.address });
    dial.fail(reason, detail);
  }

  /** The dial has led to a link, if not over its own stream. */
  #settle(slot: Slot, dial: Dial, peer: PeerInfo): void {
    this.#abandon(slot, dial);
    dial.succeed(peer);
  }

  #abandon(slot: Slot | undefined, dial: Dial): void {
    this.#retire(slot, dial);
    dial.stream.abort();
  }

  #retire(slot: Slot | undefined, dial: Dial): void {
    dial.state = 'over';
    clearTimeout(dial.timer);
    this.#dials.delete(dial);
    slot?.waiting.delete(dial);
  }

  // Accepting.

  #accept(call: ServerDuplexStream<Buffer, Buffer>): void {
    const stream = new AcceptedStream(call, this.#opened());
    const inbound: Inbound = {
      stream,
      decoder: new FrameDecoder(this.#config.frames),
      proof: this.#acceptor.proofOf(stream.from),
      timer: setTimeout(() => this.#onAcceptTimeout(inbound), this.#config.acceptTimeoutMs),
      hello: null,
      number: 0,
    };
    this.#inbounds.add(inbound);
    stream.handler = {
      frame: (bytes) => this.#onInboundFrame(inbound, bytes),
      ended: () => this.#dropInbound(inbound),
    };
    if (this.#self === null || this.#stopping || this.#streams > this.#config.streamsMax) {
      this.#refuse(inbound, { reason: 'busy', detail: 'not taking links' }, null);
    }
  }

  #onInboundFrame(inbound: Inbound, bytes: Buffer): void {
    if (!this.#inbounds.has(inbound)) return;
    const frame = inbound.decoder.decode(bytes);
    if (inbound.hello === null) {
      const { hello, refusal } = readHello(frame, this.#own(), inbound.proof);
      if (hello === null) this.#refuse(inbound, refusal, null);
      else if (this.#isBanned(hello)) {
        this.#refuse(inbound, { reason: 'banned', detail: `${hello.peer.id} is banned here` }, null);
      } else this.#answer(inbound, hello);
    } else if (frame.kind === 'frame' && frame.confirm) {
      const slot = this.#slots.of(inbound.hello.peer.id);
      this.#dropInbound(inbound);
      const link = this.#adopt(slot, inbound.stream, inbound.decoder, inbound.hello, certifiedBy(inbound));
      link.deliver(frame);
    } else {
      this.#refuse(inbound, { reason: 'bad-hello', detail: 'a confirmation comes second' }, null);
    }
  }

  #answer(inbound: Inbound, hello: Hello): void {
    const slot = this.#slots.of(hello.peer.id);
    const answer = this.#hello();
    if (slot.link !== null && isStale(hello, slot.link)) {
      this.#refuse(inbound, { reason: 'duplicate', detail: 'there is a link already' }, answer);
      return;
    }
    inbound.hello = hello;
    inbound.number = answer.number;
    inbound.timer.refresh();
    slot.inbounds.add(inbound);
    inbound.stream.write(encodeHello(answer));
  }

  #onAcceptTimeout(inbound: Inbound): void {
    this.counters.acceptTimeouts++;
    inbound.stream.abort();
  }

  #refuse(inbound: Inbound, refusal: Refusal, hello: Hello | null): void {
    // What a connection has not proved was counted when it came.
    if (inbound.proof.ok) this.#countRefusal(refusal.reason, refusal.detail, inbound.stream.from);
    this.#dropInbound(inbound);
    inbound.stream.handler = { frame: () => {}, ended: () => {} };
    inbound.stream.write(encodeRefusal(refusal, hello));
    inbound.stream.end();
  }

  /** Forgets a stream that is decided or gone. Dials that waited for it need not any more. */
  #dropInbound(inbound: Inbound): void {
    if (!this.#inbounds.delete(inbound)) return;
    clearTimeout(inbound.timer);
    if (inbound.hello === null) return;
    const slot = this.#slots.get(inbound.hello.peer.id);
    if (slot === undefined) return;
    slot.inbounds.delete(inbound);
    if (inbound.stream.over) {
      for (const dial of [...slot.waiting]) if (dial.state !== 'over') this.#decide(slot, dial);
      this.#slots.sweep(slot);
    }
  }

  // Links.

  /** A stream is confirmed: it is the link from now on. The other side confirms a second one only when it has lost the first. */
  #adopt(slot: Slot, stream: FrameStream, decoder: FrameDecoder, hello: Hello, certified: CertifiedPeer | null): Link {
    const before = slot.link;
    const queue = slot.queue ?? new SendQueue(this.#config.queues);
    const link = new Link(
      this.#config,
      hello,
      { stream, queue, decoder, writer: this.#writer, totals: this.counters },
      this.#linkHandler,
    );
    slot.link = link;
    slot.queue = null;
    slot.reopen = null;
    if (before !== null) {
      before.abort();
      this.counters.linksLost++;
      this.#handler?.linkDown(slot.id, 'lost');
    }
    this.counters.linksUp++;
    if (certified !== null) this.#renewals.add(link, renewalTime(certified.expiresAt, Date.now(), Math.random()));
    if (!queue.empty) this.#flusher.soon(link);
    this.#handler?.linkUp(hello.peer);
    for (const dial of [...slot.waiting]) if (dial.state !== 'over') this.#settle(slot, dial, hello.peer);
    return link;
  }

  /** A link lasts no longer than the certificate that it began with: it is dialled anew before, and the other side shows its newest. */
  #renewLink(link: Link): void {
    const slot = this.#slots.get(link.peer.id);
    if (slot?.link !== link || this.#stopping) return;
    this.counters.linksRenewed++;
    this.#closeLink(slot, link);
    slot.reopen = link.peer;
    slot.queue = new SendQueue(this.#config.queues);
    this.#handler?.linkDown(slot.id, 'closed');
  }

  #onMessages(link: Link, messages: readonly MeshMessage<Uint8Array>[]): void {
    const slot = this.#slots.get(link.peer.id);
    const handler = this.#handler;
    if (handler === null) return;
    handler.batch(() => {
      for (const message of messages) {
        // One of them may have ended the link for this peer.
        if (slot?.link !== link) return;
        handler.message(link.peer.id, message);
      }
    });
  }

  #onLinkEnded(link: Link, reason: LinkDownReason): void {
    this.#flusher.forget(link);
    this.#renewals.delete(link);
    const slot = this.#slots.get(link.peer.id);
    this.#onClosed(link, slot);
    if (slot === undefined) return;
    if (slot.link === link) {
      slot.link = null;
      if (reason === 'lost') this.counters.linksLost++;
      this.#handler?.linkDown(slot.id, reason);
    }
    this.#slots.sweep(slot);
  }

  #closeLink(slot: Slot, link: Link): void {
    slot.link = null;
    slot.closing = link;
    this.#closing.set(
      link,
      setTimeout(() => link.abort(), this.#config.closeTimeoutMs),
    );
    link.close();
  }

  #onClosed(link: Link, slot: Slot | undefined): void {
    clearTimeout(this.#closing.get(link));
    this.#closing.delete(link);
    if (this.#closing.size === 0) this.#allClosed?.();
    if (slot?.closing !== link) return;
    slot.closing = null;
    const peer = slot.reopen;
    slot.reopen = null;
    if (peer !== null) this.#dialFor(slot, peer);
  }

  #onOverflow(slot: Slot): void {
    this.counters.queueOverflows++;
    const { link, dial } = slot;
    // The host is in the middle of a call; it is told afterwards.
    queueMicrotask(() => {
      if (link !== null) link.abort();
      else if (dial !== null) this.#failDial(dial, 'busy', 'too much to say before the link is up');
    });
  }

  #countRefusal(reason: InboundRefusal, detail: string, address: string): void {
    this.counters.refused[reason]++;
    if (troubles.has(reason)) this.#onTrouble({ direction: 'in', reason, detail, address });
  }

  /** Judged after the hello: only a certificate says who somebody is. */
  #isBanned({ peer }: Hello): boolean {
    return this.#handler?.isBanned?.(peer.id) ?? false;
  }

  #own(): Own {
    assert(this.#self !== null, 'the transport is started');
    return { id: this.#self.id, mesh: this.#config.mesh };
  }

  #hello(): Hello {
    assert(this.#self !== null, 'the transport is started');
    return {
      version: linkVersion.max,
      versionMin: linkVersion.min,
      features: 0n,
      mesh: this.#config.mesh,
      peer: this.#self,
      session: this.#session,
      number: ++this.#number,
    };
  }

  /** Counts a stream; what it returns counts it off. */
  #opened(): () => void {
    this.#streams++;
    return () => {
      this.#streams--;
    };
  }
}

/** A timer that fires after what has come in meanwhile is read: a process that stalled finds its timers due before its sockets. */
function afterReading(then: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(() => setImmediate(then), ms);
}

function certifiedBy({ proof }: Inbound): CertifiedPeer | null {
  return proof.ok ? proof.peer : null;
}
