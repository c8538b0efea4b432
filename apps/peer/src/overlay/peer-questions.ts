import { StarlingError } from '@starling/client';
import type { AggregateResult } from '@starling/core-aggregate';
import type { Millis } from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import type { MeshPort } from './mesh-port.ts';

export interface PeersAnswer {
  readonly result: AggregateResult;
  readonly elapsedMs: Millis;
}

export interface PeerQuestionsOptions {
  /** What this peer knows of itself beside what the mesh does. */
  readonly row: () => PeerRow;
  /** Hears of every question of a client that ends, for metrics. */
  readonly ended: (answer: PeersAnswer) => void;
}

/** Questions of this peer's clients about all peers, and its own row for everybody's. How many there may be is the mesh's to say. */
export class PeerQuestions {
  readonly #mesh: MeshPort;
  readonly #options: PeerQuestionsOptions;
  readonly #open = new Map<string, (result: AggregateResult) => void>();
  #number = 0;

  constructor(mesh: MeshPort, options: PeerQuestionsOptions) {
    this.#mesh = mesh;
    this.#options = options;
    mesh.on((event) => {
      if (event.kind === 'rowWanted') {
        mesh.command({ kind: 'peerRow', queryId: event.queryId, row: options.row() });
      } else if (event.kind === 'peersAnswered') {
        this.#open.get(event.queryId)?.(event.result);
        this.#open.delete(event.queryId);
      }
    });
  }

  /** `text` must be understood. Rejects with TOO_MANY_QUERIES, QUERY_TOO_COSTLY or CANCELLED. `signal`: the caller has gone. */
  async ask(text: string, timeoutMs: Millis, messagesMax: number, signal: AbortSignal): Promise<PeersAnswer> {
    const startedAt = this.#mesh.now();
    const queryId = String(++this.#number);
    const cancel = (): void => this.#mesh.command({ kind: 'cancelQueryPeers', queryId });
    const result = await new Promise<AggregateResult>((resolve) => {
      this.#open.set(queryId, resolve);
      this.#mesh.command({ kind: 'queryPeers', queryId, text, timeoutMs, messagesMax });
      signal.addEventListener('abort', cancel, { once: true });
    });
    signal.removeEventListener('abort', cancel);
    const answer = { result, elapsedMs: this.#mesh.now() - startedAt };
    this.#options.ended(answer);
    ensureAnswered(result);
    return answer;
  }
}

function ensureAnswered({ reason, retryAfterMs, messagesNeeded }: AggregateResult): void {
  switch (reason) {
    case 'overloaded':
      throw new StarlingError('too many questions about peers are under way here', {
        reason: 'TOO_MANY_QUERIES',
        retryAfterMs: Math.ceil(retryAfterMs),
      });
    case 'budget':
      throw new StarlingError(`asking all peers costs about ${messagesNeeded} messages, which is above the budget`, {
        reason: 'QUERY_TOO_COSTLY',
        metadata: { messages: String(messagesNeeded) },
      });
    case 'cancelled':
      throw new StarlingError('the caller gave up', { reason: 'CANCELLED' });
    default:
  }
}
