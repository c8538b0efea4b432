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

interface Outstanding {
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: StarlingError) => void;
}

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

const { publishStream } = toGrpcDefinition(MeshService);

/**
 * Publishes many messages over one call, in order, each acknowledged. When its peer goes, what was not acknowledged is
 * rejected (whether it was published is then not known) and the next message opens a call at another peer.
 */
export class PublishStream {
  readonly #port: PublishStreamPort;
  readonly #outstandingMax: number;
  readonly #outstanding: Outstanding[] = [];
  #waiting: (() => void)[] = [];
  #call: ClientDuplexStream<PublishStreamRequest, PublishStreamResponse> | null = null;
  #opening: Promise<ClientDuplexStream<PublishStreamRequest, PublishStreamResponse>> | null = null;
  #isFull = false;
  #isClosed = false;

  constructor(port: PublishStreamPort, outstandingMax: number) {
    this.#port = port;
    this.#outstandingMax = outstandingMax;
  }

  /**
   * Resolves when the message is acknowledged; waits first while too many are not. Rejects with the peer's refusal, after
   * which the stream goes on.
   */
  async send(message: PublishRequest): Promise<Receipt> {
    const request = create(PublishStreamRequestSchema, { message });
    for (;;) {
      if (this.#isClosed) throw new StarlingError('the publish stream is closed', { reason: 'CANCELLED' });
      const call = this.#call ?? (await this.#opened());
      if (call !== this.#call) continue;
      if (!this.#isFull && this.#outstanding.length < this.#outstandingMax) {
        return new Promise((resolve, reject) => {
          this.#outstanding.push({ resolve, reject });
          if (!call.write(request)) this.#isFull = true;
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends no more; resolves when everything sent is acknowledged or rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const call = this.#call ?? (await this.#opening?.catch(() => null)) ?? null;
    if (call === null) return;
    await new Promise<void>((resolve) => {
      call.once('close', resolve);
      call.end();
    });
  }

  /** One call is being opened at a time, whoever asks. */
  #opened(): Promise<ClientDuplexStream<PublishStreamRequest, PublishStreamResponse>> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<ClientDuplexStream<PublishStreamRequest, PublishStreamResponse>> {
    try {
      const connection = await this.#port.acquire();
      const generation = this.#port.tokenGeneration();
      const call = openDuplex(connection, publishStream);
      call.on('data', (response: PublishStreamResponse) => this.#answered(response));
      call.on('drain', () => {
        this.#isFull = false;
        this.#wake();
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
      return call;
    } finally {
      this.#opening = null;
    }
  }

  #answered({ result }: PublishStreamResponse): void {
    const outstanding = this.#outstanding.shift();
    if (outstanding === undefined) return;
    if (result.case === 'accepted') {
      outstanding.resolve(toReceipt(result.value));
    } else {
      const { message = 'refused', reason = 'OTHER' } = result.value ?? {};
      outstanding.reject(
        new StarlingError(message, { reason: Object.hasOwn(reasons, reason) ? (reason as StarlingReason) : 'OTHER' }),
      );
    }
    this.#wake();
  }

  #ended(
    call: ClientDuplexStream<PublishStreamRequest, PublishStreamResponse>,
    error: unknown,
    generation: number,
  ): void {
    if (this.#call !== call) return;
    this.#call = null;
    const failure = fromStatus(error);
    if (failure.code === 'UNAUTHENTICATED') this.#port.forgetToken(generation);
    for (const { reject } of this.#outstanding.splice(0)) reject(failure);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
