import { b64encode } from 'k6/encoding';
import exec from 'k6/execution';
import { Client, type ConnectParams, type Response, StatusOK, Stream } from 'k6/net/grpc';
import { clearTimeout, setTimeout } from 'k6/timers';
import { deliveryRatio, duplicates, errors, gaps } from './metrics.ts';
import { authorityFile, token } from './settings.ts';

/** A message as `starling.v1.Message` comes as JSON, as far as the scenarios read it. */
export interface Message {
  readonly topic: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly messageId: string;
}

/** A hit as `starling.v1.QueryHit` comes as JSON. */
export interface Hit {
  readonly document: { readonly id: string };
}

/** The end of a query. */
export interface Summary {
  readonly complete?: boolean;
  readonly peersAsked?: number;
  readonly peersAnswered?: number;
  readonly ranking?: readonly object[];
}

/** A query as it went; times are from just before it was asked. */
export interface Answer {
  readonly hits: readonly Hit[];
  readonly summary: Summary;
  /** Null: there was none. */
  readonly firstHitMs: number | null;
  readonly doneMs: number;
}

interface SubscribeEvent {
  readonly message?: Message;
  readonly gap?: object;
  readonly checkpoint?: { readonly live?: boolean };
}

interface QueryEvent {
  readonly hit?: Hit;
  readonly summary?: Summary;
}

const protoset = '../../libs/wire/starling.binpb';
const callTimeout = '5s';
// k6 opens files in the init context only.
const security: ConnectParams =
  authorityFile === ''
    ? { plaintext: true }
    : { tls: { cacerts: [open(authorityFile)] } as NonNullable<ConnectParams['tls']> };
const metadata: Readonly<Record<string, string>> = token === '' ? {} : { authorization: `Bearer ${token}` };

/**
 * One connection to one peer. Make it in the init context (k6 reads definitions only there) and `connect` on the virtual
 * user's first iteration: k6 has one connection per client and user, and a connection per iteration would measure dialling.
 */
export class Peer {
  readonly #client = new Client();
  #connected = false;

  constructor() {
    this.#client.loadProtoset(protoset);
  }

  /** Connects; later calls do nothing. */
  connect(address: string): void {
    if (this.#connected) return;
    this.#client.connect(address, { ...security, timeout: callTimeout });
    this.#connected = true;
  }

  /** Calls a unary method; an error is returned, not counted. */
  invoke(method: string, request: object): Response {
    return this.#client.invoke(`starling.v1.${method}`, request, { metadata, timeout: callTimeout });
  }

  /** Publishes without waiting for answers to others; resolves to whether the peer took it. Counted in `errors`. */
  async publish(topic: string, payload: string, headers: Readonly<Record<string, string>>): Promise<boolean> {
    const response = await this.#client.asyncInvoke(
      'starling.v1.MeshService/Publish',
      { topic, payload: b64encode(payload), headers },
      { metadata, timeout: callTimeout, tags: { method: 'Publish' } },
    );
    const ok = response.status === StatusOK;
    errors.add(!ok);
    return ok;
  }

  /** Subscribes until `close`; resolves when everything published from now on will come. Rejects when that takes over 5 s. */
  subscribe(topics: readonly string[], onMessage: (message: Message) => void): Promise<void> {
    const stream = new Stream(this.#client, 'starling.v1.MeshService/Subscribe', {
      metadata,
      tags: { method: 'Subscribe' },
    });
    const seen = new Set<string>();
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('no live checkpoint within 5 s')), 5_000);
      stream.on('data', (data) => {
        const event = data as SubscribeEvent;
        if (event.gap !== undefined) gaps.add(1);
        if (event.checkpoint?.live === true) {
          clearTimeout(late);
          resolve();
        }
        if (event.message === undefined) return;
        if (seen.has(event.message.messageId)) {
          duplicates.add(1);
          return;
        }
        seen.add(event.message.messageId);
        onMessage(event.message);
      });
      stream.on('error', (error) => {
        if (!this.#connected) return;
        clearTimeout(late);
        errors.add(true);
        reject(new Error(`Subscribe ended: ${reason(error)}`));
      });
      stream.write({ topics });
    });
  }

  /** Asks every peer, since what was put a moment ago is to be found; resolves with the hits and the summary. */
  query(words: string, limit = 20): Promise<Answer> {
    const stream = new Stream(this.#client, 'starling.v1.SearchService/Query', { metadata, tags: { method: 'Query' } });
    const hits: Hit[] = [];
    let summary: Summary = {};
    let firstHitMs: number | null = null;
    const began = Date.now();
    return new Promise((resolve, reject) => {
      stream.on('data', (data) => {
        const event = data as QueryEvent;
        if (event.hit !== undefined) {
          firstHitMs ??= Date.now() - began;
          hits.push(event.hit);
        }
        if (event.summary !== undefined) summary = event.summary;
      });
      stream.on('error', (error) => {
        errors.add(true);
        reject(new Error(`Query ended: ${reason(error)}`));
      });
      stream.on('end', () => {
        errors.add(false);
        resolve({ hits, summary, firstHitMs, doneMs: Date.now() - began });
      });
      stream.write({ text: words, limit, strategy: 'QUERY_STRATEGY_EXHAUSTIVE', timeout: '3s' });
      stream.end();
    });
  }

  /** Closes the connection, and with it its streams. An iteration has to: k6 ends none whose streams are open. */
  close(): void {
    this.#connected = false;
    this.#client.close();
  }
}

/** Stops the whole run, saying why, unless every address answers. For `setup`: later, k6 would try again for ever. */
export function demandPeers(peer: Peer, addresses: readonly string[]): void {
  for (const address of addresses) {
    try {
      peer.connect(address);
    } catch {
      exec.test.abort(`no peer answers at ${address}: start a mesh (npm start), or set STARLING_ADDRESSES`);
    }
    peer.close();
  }
}

/** Runs an iteration; one that throws counts as an error and as a message that was not heard. */
export async function counted(iteration: () => Promise<void>): Promise<void> {
  try {
    await iteration();
  } catch (error) {
    errors.add(true);
    deliveryRatio.add(false);
    console.error(String(error));
  }
}

/** What k6 says of a stream's end. */
function reason(error: object | undefined): string {
  return (error as { message?: string } | undefined)?.message ?? 'no reason given';
}
