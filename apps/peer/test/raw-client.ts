import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { GrpcMethod } from '@starling/wire';

/** A plain gRPC client: what an application without the SDK would use, mistakes included. */
export class RawClient {
  readonly #client: Client;

  readonly #token: string | undefined;

  /** `token`: what each call carries as its authorization; anything, also what is no token. */
  constructor(address: string, token?: string) {
    this.#token = token;
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
    });
  }

  unary<I, O>(method: GrpcMethod<I, O>, request: I, deadline = Date.now() + 10_000): Promise<O> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(),
        { deadline },
        (error: ServiceError | null, response) => {
          if (error !== null || response === undefined) reject(error);
          else resolve(response);
        },
      );
    });
  }

  stream<I, O>(method: GrpcMethod<I, O>, request: I): ClientReadableStream<O> {
    return this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.#metadata(),
    );
  }

  duplex<I, O>(method: GrpcMethod<I, O>): ClientDuplexStream<I, O> {
    return this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#metadata(),
    );
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#token !== undefined) metadata.set('authorization', this.#token);
    return metadata;
  }

  close(): void {
    this.#client.close();
  }
}

/** Everything that a stream gives until it ends; its error when it fails. */
export function collect<O>(call: ClientReadableStream<O>): Promise<O[]> {
  return new Promise((resolve, reject) => {
    const items: O[] = [];
    call.on('data', (item: O) => items.push(item));
    call.on('end', () => resolve(items));
    call.on('error', reject);
  });
}
