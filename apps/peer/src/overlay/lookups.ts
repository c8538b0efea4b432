import { StarlingError } from '@starling/client';
import type { LookupRecord, LookupResult, RecordKind } from '@starling/core-kademlia';
import type { PeerId } from '@starling/kernel';
import type { MeshPort } from './mesh-port.ts';

export interface Wanted {
  readonly recordKind: RecordKind;
  readonly key: Uint8Array;
  readonly publisher: PeerId;
  readonly answers: number;
  readonly limit: number;
  readonly paths: number;
  readonly timeoutMs: number;
}

export interface LookupsOptions {
  /** Hears of every lookup that ends, for metrics. */
  readonly ended: (kind: 'get' | 'put', result: LookupResult) => void;
}

interface Open {
  readonly kind: 'get' | 'put';
  readonly resolve: (result: LookupResult) => void;
}

/** Lookups of this peer's clients. How many there may be is the mesh's to say. */
export class Lookups {
  readonly #mesh: MeshPort;
  readonly #options: LookupsOptions;
  readonly #open = new Map<string, Open>();
  #number = 0;

  constructor(mesh: MeshPort, options: LookupsOptions) {
    this.#mesh = mesh;
    this.#options = options;
    mesh.on((event) => {
      if (event.kind !== 'lookupFinished') return;
      const open = this.#open.get(event.lookupId);
      if (open === undefined) return;
      this.#open.delete(event.lookupId);
      this.#options.ended(open.kind, event.result);
      open.resolve(event.result);
    });
  }

  /** Resolves however it ends, but for want of room: then it rejects with TOO_MANY_LOOKUPS. `signal`: the caller has gone. */
  get(wanted: Wanted, signal?: AbortSignal): Promise<LookupResult> {
    return this.#start('get', signal, (lookupId) => this.#mesh.command({ kind: 'getRecord', lookupId, ...wanted }));
  }

  /** The record is published again and again by this peer until it expires. */
  put(record: LookupRecord, paths: number, timeoutMs: number, signal?: AbortSignal): Promise<LookupResult> {
    return this.#start('put', signal, (lookupId) => {
      this.#mesh.command({ kind: 'putRecord', lookupId, record, paths, timeoutMs, keep: true });
    });
  }

  async #start(
    kind: Open['kind'],
    signal: AbortSignal | undefined,
    command: (lookupId: string) => void,
  ): Promise<LookupResult> {
    const lookupId = String(++this.#number);
    const cancel = (): void => this.#mesh.command({ kind: 'cancelLookup', lookupId });
    const result = await new Promise<LookupResult>((resolve) => {
      this.#open.set(lookupId, { kind, resolve });
      command(lookupId);
      signal?.addEventListener('abort', cancel, { once: true });
    });
    signal?.removeEventListener('abort', cancel);
    if (result.outcome !== 'overloaded') return result;
    throw new StarlingError('too many lookups are under way at this peer', {
      reason: 'TOO_MANY_LOOKUPS',
      retryAfterMs: 1_000,
    });
  }
}
