import { create } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  MeshService,
  type PublishRequest,
  type PublishStreamRequest,
  PublishStreamRequestSchema,
  type PublishStreamResponse,
  toGrpcDefinition,
} from '@starling/wire';
import { openDuplex } from './calls.ts';
import { fromStatus } from './error-status.ts';
import { reasons, StarlingError, type StarlingReason } from './errors.ts';
import type { PeerConnection } from './peer-pool.ts';
import { type Receipt, toReceipt } from './receipt.ts';

/** A message that is not acknowledged yet. */
interface Outstanding {
  readonly message: PublishRequest;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: StarlingError) => void;
}

type Call = ClientDuplexStream<PublishStreamRequest, PublishStreamResponse>;

/** What a publish stream needs of its client. */
export interface PublishStreamPort {
  /** The client was closed. */
  readonly closed: AbortSignal;
  acquire(): Promise<PeerConnection>;
  /** Names the token that a call carries now. */
  tokenGeneration(): number;
  /** A peer refused that token: the next call is to carry another. */
  forgetToken(generation: number): void;
}

/** A peer that acknowledges nothing for so long is given up, in ms: longer than it waits for neighbours that hold a message (30 s). */
export const acknowledgeMaxMs = 45_000;

const { publishStream } = toGrpcDefinition(MeshService);

/**
 * Publishes many messages over one call, in the order in which they were given, each acknowledged. When its peer goes, what was not
 * acknowledged is rejected (whether it was published is then not known) and the next message opens a call at another peer.
 */
export class PublishStream {
  readonly #port: PublishStreamPort;
  readonly #outstandingMax: number;
  readonly #silenceMs: number;
  /** Given, and not written yet: the call is being opened, or too many are outstanding. */
  readonly #queue: Outstanding[] = [];
  /** Written, in the order in which the peer answers. */
  readonly #outstanding: Outstanding[] = [];
  #call: Call | null = null;
  #isOpening = false;
  #isFull = false;
  #isClosed = false;
  /** Runs while something is outstanding. */
  #silence: NodeJS.Timeout | undefined;
  /** Called when nothing is left to write or to wait for. */
  #onIdle: () => void = () => {};

  constructor(port: PublishStreamPort, outstandingMax: number, silenceMs = acknowledgeMaxMs) {
    this.#port = port;
    this.#outstandingMax = outstandingMax;
    this.#silenceMs = silenceMs;
  }

  /**
   * Resolves when the message is acknowledged; waits first while too many are not. Rejects with the peer's refusal, after
   * which the stream goes on; with UNREACHABLE when the peer is silent for too long.
   */
  send(message: PublishRequest): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new StarlingError('the publish stream is closed', { reason: 'CANCELLED' }));
        return;
      }
      this.#queue.push({ message, resolve, reject });
      this.#pump();
    });
  }

  /** Takes no more; resolves when everything that it was given is acknowledged or rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#pump();
    });
    const call = this.#call;
    if (call === null) return;
    await new Promise<void>((resolve) => {
      call.once('close', resolve);
      call.end();
    });
  }

  /** Writes what may be written, the first given first. */
  #pump(): void {
    const call = this.#call;
    if (call === null) {
      if (this.#queue.length > 0) void this.#open();
      else this.#onIdle();
      return;
    }
    while (!this.#isFull && this.#outstanding.length < this.#outstandingMax) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#outstanding.push(next);
      this.#silence ??= setTimeout(() => this.#silent(call), this.#silenceMs);
      if (!call.write(create(PublishStreamRequestSchema, { message: next.message }))) this.#isFull = true;
    }
    if (this.#queue.length === 0 && this.#outstanding.length === 0) this.#onIdle();
  }

  /** One call is being opened at a time. */
  async #open(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      const connection = await this.#port.acquire();
      const generation = this.#port.tokenGeneration();
      const call = openDuplex(connection, publishStream);
      call.on('data', (response: PublishStreamResponse) => this.#answered(response));
      call.on('drain', () => {
        this.#isFull = false;
        this.#pump();
      });
      const end = (error: unknown): void => this.#ended(call, error, generation);
      call.on('error', end);
      call.on('end', () => end(new StarlingError('the peer ended the stream', { reason: 'DRAINING' })));
      const { closed } = this.#port;
      const cancel = (): void => call.cancel();
      closed.addEventListener('abort', cancel, { once: true });
      call.once('status', () => closed.removeEventListener('abort', cancel));
      if (closed.aborted) cancel();
      this.#call = call;
      this.#isFull = false;
    } catch (error) {
      const failure = fromStatus(error);
      for (const { reject } of this.#queue.splice(0)) reject(failure);
    } finally {
      this.#isOpening = false;
    }
    this.#pump();
  }

  #answered({ result }: PublishStreamResponse): void {
    const outstanding = this.#outstanding.shift();
    if (outstanding === undefined) return;
    if (this.#outstanding.length === 0) this.#stopWatch();
    else this.#silence?.refresh();
    if (result.case === 'accepted') {
      outstanding.resolve(toReceipt(result.value));
    } else {
      const { message = 'refused', reason = 'OTHER' } = result.value ?? {};
      outstanding.reject(
        new StarlingError(message, { reason: Object.hasOwn(reasons, reason) ? (reason as StarlingReason) : 'OTHER' }),
      );
    }
    this.#pump();
  }

  #silent(call: Call): void {
    this.#ended(
      call,
      new StarlingError(`the peer acknowledged nothing for ${this.#silenceMs} ms`, { reason: 'UNREACHABLE' }),
      this.#port.tokenGeneration(),
    );
    call.cancel();
  }

  #stopWatch(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #ended(call: Call, error: unknown, generation: number): void {
    if (this.#call !== call) return;
    this.#call = null;
    this.#stopWatch();
    const failure = fromStatus(error);
    if (failure.code === 'UNAUTHENTICATED') this.#port.forgetToken(generation);
    for (const { reject } of this.#outstanding.splice(0)) reject(failure);
    this.#pump();
  }
}
