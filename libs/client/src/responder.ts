import { create } from '@bufbuild/protobuf';
import { RespondRequestSchema, type RespondResponse, SearchService, toGrpcDefinition } from '@starling/wire';
import { AnswerStream, type Question, type Responding } from './answer-stream.ts';
import { openDuplex } from './calls.ts';
import { fromStatus } from './error-status.ts';
import { canMove, pause, unlessAborted } from './moving.ts';
import type { PeerConnection } from './peer-pool.ts';

export interface RespondOptions {
  /** Stands in each hit: 1 to 64 letters, digits, `.`, `-` or `_`. */
  readonly name: string;
  /** Topics of the questions that it answers, with wildcards as in `subscribe`; `>` also takes those without a topic. */
  readonly topics: readonly string[];
  /** Questions that it works on at once. Default 8, at most 256. */
  readonly concurrency?: number;
  /** Detaches the engine. */
  readonly signal?: AbortSignal;
  /** How long no peer may be reachable before it fails with UNREACHABLE, in ms. Default 60,000. */
  readonly giveUpAfterMs?: number;
  /** Hears of each peer that the engine is attached to. */
  readonly onAttached?: (peer: { readonly peerId: string; readonly address: string }) => void;
  /** Hears of answers that failed: what the handler threw, or why the peer refused them. Default: nobody does. */
  readonly onError?: (error: unknown, question: Question) => void;
}

/** What an engine needs of its client. */
export interface ResponderPort {
  /** The client was closed. */
  readonly closed: AbortSignal;
  acquire(deadline: number): Promise<PeerConnection>;
  release(connection: PeerConnection): void;
  tokenGeneration(): number;
  forgetToken(generation: number): boolean;
}

const { respond } = toGrpcDefinition(SearchService);
/** The first move is made at once; peers that do not take the engine are tried ever less often, up to this. */
const pauseMaxMs = 5_000;

/**
 * A search engine of one's own, attached to one peer at a time: when that one goes it attaches to another. What it was
 * answering then is lost, and told to whoever asked as an engine that went.
 */
export class Responder {
  readonly #port: ResponderPort;
  readonly #options: RespondOptions;
  readonly #respond: Responding;
  readonly #stop = new AbortController();
  /** It was closed, its client was, or its signal says so. */
  readonly #ended: AbortSignal;
  /** Resolves when it was closed; rejects when no peer takes it. */
  readonly closed: Promise<void>;
  #address: string | null = null;
  /** Questions that it has answered to the end. */
  answered = 0;
  /** Times that it attached to another peer. */
  moves = 0;

  constructor(port: ResponderPort, options: RespondOptions, respond: Responding) {
    this.#port = port;
    this.#options = options;
    this.#respond = respond;
    const { signal } = options;
    this.#ended = AbortSignal.any([this.#stop.signal, port.closed, ...(signal === undefined ? [] : [signal])]);
    this.closed = this.#run();
    // Whoever does not look at it is told of nothing, and not ended by it.
    this.closed.catch(() => {});
  }

  /** The peer that it is attached to; null when there is none. */
  get address(): string | null {
    return this.#address;
  }

  /** Detaches it. */
  close(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const giveUpAfterMs = this.#options.giveUpAfterMs ?? 60_000;
    const signal = this.#ended;
    let lastAttached = Date.now();
    let fruitless = 0;
    let isTokenFresh = false;
    let hasBeen = false;
    while (!signal.aborted) {
      let connection: PeerConnection | null = null;
      let generation = 0;
      try {
        connection = await unlessAborted(this.#port.acquire(lastAttached + giveUpAfterMs), signal);
        if (signal.aborted) return;
        generation = this.#port.tokenGeneration();
        const { address } = connection;
        await this.#attach(connection, (peerId) => {
          if (hasBeen) this.moves++;
          hasBeen = true;
          this.#address = address;
          fruitless = 0;
          isTokenFresh = false;
          this.#options.onAttached?.({ peerId, address });
        });
      } catch (error) {
        if (signal.aborted) return;
        const isRefused = connection !== null && fromStatus(error).code === 'UNAUTHENTICATED';
        if (isRefused && !isTokenFresh && this.#port.forgetToken(generation)) {
          isTokenFresh = true;
          continue;
        }
        if (connection === null || !canMove(error) || Date.now() - lastAttached > giveUpAfterMs) throw error;
      } finally {
        if (this.#address !== null) lastAttached = Date.now();
        this.#address = null;
      }
      if (connection !== null) this.#port.release(connection);
      if (fruitless > 0) await pause(Math.min(pauseMaxMs, 50 * 2 ** fruitless), signal);
      fruitless++;
    }
  }

  /** Resolves when the peer ends the stream; rejects when it breaks, or the peer does not take the engine. */
  async #attach(connection: PeerConnection, attached: (peerId: string) => void): Promise<void> {
    const { name, topics, concurrency = 0 } = this.#options;
    const signal = this.#ended;
    const call = openDuplex(connection, respond);
    const answers = new AnswerStream(call, this.#respond, {
      answered: () => this.answered++,
      failed: (error, question) => this.#options.onError?.(error, question),
    });
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const attach = { name, topics: [...topics], concurrency };
      call.write(create(RespondRequestSchema, { event: { case: 'attach', value: attach } }));
      for await (const { event } of call as AsyncIterable<RespondResponse>) {
        if (event.case === 'attached') attached(event.value.peerId);
        else if (event.case === 'question') answers.begin(event.value);
        else if (event.case === 'withdrawal') answers.withdraw(event.value);
      }
    } catch (error) {
      throw fromStatus(error);
    } finally {
      signal.removeEventListener('abort', cancel);
      answers.close();
      call.cancel();
      // After the reader is gone the cancellation still arrives as an error: nobody is left to hear it.
      call.on('error', () => {});
    }
  }
}
