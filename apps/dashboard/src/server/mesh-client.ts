import { type DescService, fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { type Dialling, type DiallingOf, plainDialling } from '@starling/client';
import {
  AdminService,
  BadRequestSchema,
  ErrorInfoSchema,
  LookupCostSchema,
  LookupService,
  MeshService,
  SearchService,
  StatusSchema,
  toGrpcDefinition,
} from '@starling/wire';
import type { LookupCost } from '../features/console/lookup-answer.ts';
import { AddressBook } from './address-book.ts';
import { costFacts } from './lookup-from-wire.ts';
import { addressProblem, diagnose, PeerTrouble } from './trouble.ts';

/** The public API's methods as grpc-js wants them. */
export const api = {
  admin: toGrpcDefinition(AdminService as typeof AdminService & DescService),
  lookup: toGrpcDefinition(LookupService as typeof LookupService & DescService),
  mesh: toGrpcDefinition(MeshService as typeof MeshService & DescService),
  search: toGrpcDefinition(SearchService as typeof SearchService & DescService),
};

/** Open channels at most; the longest unused is closed. Guess: a console that asks around. */
const channelsMax = 16;
/** A peer that does not take a connection within this is as good as gone. Design: connect deadline at most 1 s. */
const connectMs = 1_000;

const channelOptions: grpc.ChannelOptions = {
  // A hung host must be noticed before a person notices it.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
};

/** A refusal or failure of the mesh, for people and for the browser's code. */
export interface MeshProblem {
  /** A canonical code's name, such as `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly message: string;
  /** The stable reason of google.rpc.ErrorInfo; empty when there is none. */
  readonly reason: string;
  readonly fields: readonly { readonly field: string; readonly description: string }[];
  /** Where in the text of a question the fault is, in UTF-16 units from 0; left out when none is named. */
  readonly place?: { readonly at: number; readonly end: number };
  /** What a lookup that came to nothing took; left out of all else. */
  readonly lookupCost?: LookupCost;
}

type Method<Q, A> = Pick<grpc.MethodDefinition<Q, A>, 'path' | 'requestSerialize' | 'responseDeserialize'>;

interface Channel {
  readonly client: grpc.Client;
  readonly dialling: Dialling;
}

/** Channels to whichever peers answer. Every call that this process makes is made by `unary` or `stream`. */
export class MeshClient {
  readonly book: AddressBook;
  readonly #channels = new Map<string, Channel>();
  readonly #dialling: () => DiallingOf;

  /** `dialling` is asked for each new channel, so that authorities that are replaced are in use from then on. */
  constructor(addresses: readonly string[], dialling: () => DiallingOf = () => plainDialling) {
    this.book = new AddressBook(addresses);
    this.#dialling = dialling;
  }

  /** One request, one answer, at an address or (null) at any. Rejects with what `problemOf` reads. */
  async unary<Q, A>(
    address: string | null,
    method: Method<Q, A>,
    request: Q,
    metadata: grpc.Metadata,
    timeoutMs: number,
  ): Promise<A> {
    const channel = await this.#connectAny(address);
    const { path, requestSerialize, responseDeserialize } = method;
    return await new Promise<A>((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      const onAnswer: grpc.requestCallback<A> = (error, value) => {
        if (error !== null || value === undefined) reject(error ?? new Error('empty answer'));
        else resolve(value);
      };
      channel.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, onAnswer);
    });
  }

  /** One request, a stream of answers, likewise. It ends when the caller cancels it or the peer ends it. */
  async stream<Q, A>(
    address: string | null,
    method: Method<Q, A>,
    request: Q,
    metadata: grpc.Metadata,
  ): Promise<grpc.ClientReadableStream<A>> {
    const channel = await this.#connectAny(address);
    const { path, requestSerialize, responseDeserialize } = method;
    return channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
  }

  /** A channel that is connected; rejects with `PeerTrouble` when nobody listens, or after a second. */
  async #connect(address: string): Promise<grpc.Client> {
    const problem = addressProblem(address);
    if (problem !== null) throw new PeerTrouble('bad-address', problem);
    let channel = this.#channels.get(address);
    if (channel === undefined) {
      const dialling = this.#dialling()(address);
      const client = new grpc.Client(address, dialling.credentials, { ...channelOptions, ...dialling.options });
      channel = { client, dialling };
    }
    this.#channels.delete(address);
    this.#channels.set(address, channel);
    for (const [oldest, unused] of this.#channels) {
      if (this.#channels.size <= channelsMax) break;
      this.#channels.delete(oldest);
      unused.client.close();
    }
    try {
      await ready(channel.client, Date.now() + connectMs);
    } catch {
      // The channel of a dead peer would dial for ever.
      this.#forget(address);
      const { credentials, problem } = channel.dialling;
      throw await diagnose(address, { problem: problem(), isEncrypted: credentials._isSecure() });
    }
    this.book.succeeded(address);
    return channel.client;
  }

  async #connectAny(preferred: string | null): Promise<grpc.Client> {
    if (preferred !== null) return await this.#connect(preferred);
    let mistrust: PeerTrouble | null = null;
    for (const address of this.book.candidates(Date.now())) {
      try {
        return await this.#connect(address);
      } catch (error) {
        if (error instanceof PeerTrouble && error.trouble === 'tls') mistrust ??= error;
        this.book.failed(address, Date.now());
      }
    }
    const why = mistrust === null ? '.' : `: ${mistrust.message}.`;
    throw new PeerTrouble(mistrust?.trouble ?? 'unreachable', `No peer answers${why}`);
  }

  #forget(address: string): void {
    this.#channels.get(address)?.client.close();
    this.#channels.delete(address);
  }
}

/** Waits until a channel is connected; rejects at once when all its addresses refuse, else at `deadline` (ms since 1970). */
function ready(client: grpc.Client, deadline: number): Promise<void> {
  const channel = client.getChannel();
  const { READY, TRANSIENT_FAILURE, SHUTDOWN } = grpc.connectivityState;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const state = channel.getConnectivityState(true);
      if (state === READY) resolve();
      else if (state === TRANSIENT_FAILURE || state === SHUTDOWN) reject(new Error('does not answer'));
      else channel.watchConnectivityState(state, deadline, (error) => (error ? reject(error) : look()));
    };
    look();
  });
}

/** Reads what a failed call says; never throws, whatever the peer sent. */
export function problemOf(error: unknown): MeshProblem {
  const { code, details, metadata, message } = error as Partial<grpc.ServiceError>;
  const fields: { field: string; description: string }[] = [];
  let reason = '';
  let place: MeshProblem['place'];
  let lookupCost: LookupCost | undefined;
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  if (bytes instanceof Buffer) {
    try {
      for (const detail of fromBinary(StatusSchema, bytes).details) {
        const info = anyUnpack(detail, ErrorInfoSchema);
        reason = info?.reason ?? reason;
        place = placeOf(info?.metadata) ?? place;
        const cost = anyUnpack(detail, LookupCostSchema);
        if (cost !== undefined) lookupCost = costFacts(cost);
        fields.push(...(anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? []).map(violationFacts));
      }
    } catch {
      // Details that cannot be read are details that we do not have.
    }
  }
  return {
    code: grpc.status[code ?? grpc.status.UNKNOWN] ?? 'UNKNOWN',
    message: details || message || 'The peer gave no reason.',
    reason,
    fields,
    ...(place !== undefined && { place }),
    ...(lookupCost !== undefined && { lookupCost }),
  };
}

function placeOf(metadata: Readonly<Record<string, string>> = {}): MeshProblem['place'] {
  const [at, end] = [Number(metadata.text_at), Number(metadata.text_end)];
  return Number.isSafeInteger(at) && Number.isSafeInteger(end) && at >= 0 && end >= at ? { at, end } : undefined;
}

function violationFacts({ field, description }: { field: string; description: string }): MeshProblem['fields'][number] {
  return { field, description };
}

/** The HTTP status that stands for a canonical code. */
export function httpStatusOf(problem: MeshProblem): number {
  switch (problem.code) {
    case 'INVALID_ARGUMENT':
    case 'FAILED_PRECONDITION':
    case 'OUT_OF_RANGE':
      return 400;
    case 'UNAUTHENTICATED':
      return 401;
    case 'PERMISSION_DENIED':
      return 403;
    case 'NOT_FOUND':
      return 404;
    case 'RESOURCE_EXHAUSTED':
      return 429;
    case 'UNAVAILABLE':
      return 503;
    case 'DEADLINE_EXCEEDED':
      return 504;
    default:
      return 502;
  }
}
