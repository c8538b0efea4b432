import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { SubscribeRequest, SubscribeResponse } from '@starling/wire';
import { MeshService, SubscribeRequestSchema, toGrpcDefinition } from '@starling/wire';
import { openStream, readStream } from './calls.ts';
import { CursorSet } from './cursor-set.ts';
import { fromStatus } from './error-status.ts';
import { invalidRequest } from './errors.ts';
import { canMove, pause, unlessAborted } from './moving.ts';
import type { PeerConnection } from './peer-pool.ts';
import { SeenIds } from './seen-ids.ts';

/** Where to begin. Default `new`: messages published from now on. */
export type SubscribeFrom = 'new' | 'all' | { readonly since: Date } | { readonly cursors: readonly string[] };

export interface SubscribeOptions {
  /** Topics or patterns: `*` stands for one word, `>` at the end for one or more. From 1 to 64. */
  readonly topics: readonly string[];
  readonly from?: SubscribeFrom;
  /** Ends the subscription. */
  readonly signal?: AbortSignal;
  /** How long no peer may be reachable before the subscription fails with UNREACHABLE, in ms. Default 60,000. */
  readonly giveUpAfterMs?: number;
}

/** A delivered message. */
export interface ReceivedMessage {
  readonly kind: 'message';
  readonly id: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Peer that it was published at. */
  readonly origin: string;
  /** Counts the origin's messages, over all topics, from 1. */
  readonly sequence: bigint;
  /** By the origin's clock. */
  readonly publishedAt: Date;
  /** Links that it crossed. */
  readonly hops: number;
  /** It was held before the subscription began, or was missed while it moved to another peer. */
  readonly replayed: boolean;
}

/** Messages that cannot be delivered any more; some may have been of other topics. */
export interface ReceivedGap {
  readonly kind: 'gap';
  readonly origin: string;
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  readonly reason: string;
}

/** Replay is done: what comes next is new. Comes once, and again after the subscription moved to another peer. */
export interface ReceivedLive {
  readonly kind: 'live';
  /** The peer that serves the subscription. */
  readonly address: string;
}

export type SubscriptionEvent = ReceivedMessage | ReceivedGap | ReceivedLive;

/** What a subscription needs of its client. */
export interface SubscriptionPort {
  /** The client was closed. */
  readonly closed: AbortSignal;
  acquire(deadline: number): Promise<PeerConnection>;
  release(connection: PeerConnection): void;
  /** Names the token that a call carries now. */
  tokenGeneration(): number;
  /** A peer refused that token: the next `acquire` sees to another. False when there is no other. */
  forgetToken(generation: number): boolean;
}

const { subscribe } = toGrpcDefinition(MeshService);
/** Three checkpoints: a peer that says nothing for so long is gone or hung. */
const silenceMs = 15_000;
/** Ids remembered to tell a message that comes again; more than a peer holds for the time that a resume looks back. */
const seenMax = 65_536;
/** The first move is made at once; peers that give nothing are tried ever less often, up to this. */
const pauseMaxMs = 5_000;

/**
 * An endless stream of messages that outlives its peer: when that one goes, or says nothing for 15 s, it goes on at
 * another from where the reader stands. Nothing still held is lost; what comes twice is dropped; what cannot be had any
 * more is a gap. Back-pressure reaches to the peer: what is not read is not fetched.
 */
export class Subscription implements AsyncIterable<SubscriptionEvent> {
  readonly #port: SubscriptionPort;
  readonly #options: SubscribeOptions;
  readonly #cursors: CursorSet;
  readonly #seen = new SeenIds(seenMax);
  readonly #stop = new AbortController();
  /** It was closed, its client was, or its signal says so. */
  readonly #ended: AbortSignal;
  readonly #startedAt = Date.now();
  #liveAt: string | null = null;
  /** Times that it went on at another peer. */
  moves = 0;
  /** Messages that came again and were dropped. */
  duplicates = 0;

  constructor(port: SubscriptionPort, options: SubscribeOptions) {
    this.#port = port;
    this.#options = options;
    const { from = 'new', signal } = options;
    this.#cursors = new CursorSet(typeof from === 'object' && 'cursors' in from ? from.cursors : []);
    this.#ended = AbortSignal.any([this.#stop.signal, port.closed, ...(signal === undefined ? [] : [signal])]);
    if (typeof from === 'object' && 'since' in from && Number.isNaN(from.since.getTime())) {
      throw invalidRequest([{ field: 'since', description: 'is no valid date' }]);
    }
  }

  /** Where the reader stands: give them as `from` to go on later, at any peer. */
  get cursors(): readonly string[] {
    return this.#cursors.list();
  }

  /** Ends the iteration. */
  close(): void {
    this.#stop.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SubscriptionEvent, void, void> {
    const giveUpAfterMs = this.#options.giveUpAfterMs ?? 60_000;
    let lastHeard = Date.now();
    let fruitless = 0;
    let isTokenFresh = false;
    for (let attempt = 0; !this.#ended.aborted; attempt++) {
      let connection: PeerConnection | null = null;
      let generation = 0;
      try {
        connection = await unlessAborted(this.#port.acquire(lastHeard + giveUpAfterMs), this.#ended);
        if (this.#ended.aborted) return;
        generation = this.#port.tokenGeneration();
        if (attempt > 0) this.moves++;
        const call = openStream(connection, subscribe, this.#request(attempt));
        for await (const { event } of readStream(call, { silenceMs, signal: this.#ended })) {
          lastHeard = Date.now();
          fruitless = 0;
          isTokenFresh = false;
          const shown = this.#take(event, connection.address);
          if (shown !== null) yield shown;
        }
      } catch (error) {
        if (this.#ended.aborted) return;
        const isRefused = connection !== null && fromStatus(error).code === 'UNAUTHENTICATED';
        if (isRefused && !isTokenFresh && this.#port.forgetToken(generation)) {
          // Not the peer's fault: it goes on here, once, with another token.
          isTokenFresh = true;
          continue;
        }
        if (connection === null || !canMove(error) || Date.now() - lastHeard > giveUpAfterMs) throw error;
      }
      // The peer ended the stream or broke: it drains, dies or is full.
      if (connection !== null) this.#port.release(connection);
      if (fruitless > 0) await pause(Math.min(pauseMaxMs, 50 * 2 ** fruitless), this.#ended);
      fruitless++;
    }
  }

  #take(event: SubscribeResponse['event'], address: string): SubscriptionEvent | null {
    switch (event.case) {
      case 'message': {
        const { value } = event;
        this.#cursors.passed(value.origin, value.cursor);
        if (!this.#seen.add(value.messageId)) {
          this.duplicates++;
          return null;
        }
        const { seconds = 0n, nanos = 0 } = value.publishTime ?? {};
        return {
          kind: 'message',
          id: value.messageId,
          topic: value.topic,
          payload: value.payload,
          headers: value.headers,
          origin: value.origin,
          sequence: value.sequence,
          publishedAt: new Date(Number(seconds) * 1_000 + nanos / 1e6),
          hops: value.hops,
          replayed: value.replayed,
        };
      }
      case 'gap': {
        const { origin, firstSequence, lastSequence, reason, cursor } = event.value;
        this.#cursors.passed(origin, cursor);
        return { kind: 'gap', origin, firstSequence, lastSequence, reason };
      }
      case 'checkpoint': {
        const { cursor, live } = event.value;
        this.#cursors.checkpoint(cursor);
        const isNews = live && this.#liveAt !== address;
        if (isNews) this.#liveAt = address;
        return isNews ? { kind: 'live', address } : null;
      }
      default:
        // Of a newer peer.
        return null;
    }
  }

  #request(attempt: number): SubscribeRequest {
    const { topics, from = 'new' } = this.#options;
    this.#liveAt = null;
    const request = create(SubscribeRequestSchema, { topics: [...topics], cursors: this.#cursors.list() });
    if (request.cursors.length > 0) return request;
    if (from === 'all') request.replayAll = true;
    else if (typeof from === 'object' && 'since' in from) request.sinceTime = timestampFromMs(from.since.getTime());
    // Its peer went before it said anything: nothing since the beginning may be lost.
    else if (attempt > 0) request.sinceTime = timestampFromMs(this.#startedAt);
    return request;
  }
}
