import { createHash } from 'node:crypto';
import { StarlingError } from '@starling/client';
import type { Millis, PeerId } from '@starling/kernel';
import type { MeshEvent } from '@starling/mesh';
import type { MeshPort } from './mesh-port.ts';

export interface PublisherConfig {
  /** Messages that wait to be held at once; more are refused. */
  readonly waitingMax: number;
  /** Request ids remembered; the oldest are forgotten first. 65,536: 500 a second for the time below (guess). */
  readonly requestsMax: number;
  /** How long a request id is remembered. 2 min: as the API says. */
  readonly requestTtlMs: Millis;
}

/** A checked message. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Neighbours that must hold it before it is acknowledged; 0: none. */
  readonly holders: number;
  /** '' when the caller gave none. */
  readonly requestId: string;
}

/** The acknowledgement. */
export interface Published {
  readonly stream: string;
  readonly sequence: number;
  readonly publishedAt: Millis;
  readonly heldBy: number;
  readonly alone: boolean;
}

interface Waiter {
  readonly holders: number;
  readonly resolve: (published: Published) => void;
}

/** A message of this peer whose holders are still of interest. */
interface Tracked {
  readonly stream: string;
  readonly sequence: number;
  readonly publishedAt: Millis;
  readonly alone: boolean;
  readonly heldBy: Set<PeerId>;
  readonly waiters: Set<Waiter>;
  /** A retry may still ask for its holders. */
  isRemembered: boolean;
}

interface Request {
  readonly fingerprint: string;
  /** A promise, so that a retry that comes before the answer joins in too. */
  readonly tracked: Promise<Tracked>;
  readonly at: Millis;
}

type Answer = Extract<MeshEvent, { readonly kind: 'published' | 'publishRefused' }>;

/** Publishes, waits for neighbours to hold what was published, and makes retries harmless. */
export class Publisher {
  readonly #config: PublisherConfig;
  readonly #mesh: MeshPort;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  /** By sequence number. */
  readonly #tracked = new Map<number, Tracked>();
  readonly #requests = new Map<string, Request>();
  #nextRequest = 1;
  #waiting = 0;
  refused = 0;

  constructor(config: PublisherConfig, mesh: MeshPort) {
    this.#config = config;
    this.#mesh = mesh;
    mesh.on((event) => {
      if (event.kind === 'published' || event.kind === 'publishRefused') {
        this.#answers.get(event.requestId)?.(event);
        this.#answers.delete(event.requestId);
      } else if (event.kind === 'held') {
        this.#onHeld(event.seq, event.by);
      }
    });
  }

  /** Messages that wait to be held. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Resolves when this peer holds the message and so many neighbours as asked do. Rejects with TOO_MANY_PUBLISHES,
   * PUBLISHED_TOO_FAST or REQUEST_ID_REUSED (nothing was published), or with NOT_HELD at `deadline` (it was, and stays so).
   */
  async publish(publication: Publication, deadline: Millis): Promise<Published> {
    const { holders, requestId } = publication;
    if (holders > 0 && this.#waiting >= this.#config.waitingMax) {
      this.refused++;
      throw new StarlingError(`${this.#waiting} messages wait to be held already`, {
        reason: 'TOO_MANY_PUBLISHES',
        retryAfterMs: 1_000,
        metadata: { limit: String(this.#config.waitingMax) },
      });
    }
    const tracked = requestId === '' ? await this.#send(publication) : await this.#sendOnce(publication);
    if (tracked.heldBy.size < holders) return this.#wait(tracked, holders, deadline);
    return acknowledge(tracked);
  }

  #sendOnce(publication: Publication): Promise<Tracked> {
    const fingerprint = fingerprintOf(publication);
    const now = this.#mesh.now();
    this.#forgetOldRequests(now);
    const known = this.#requests.get(publication.requestId);
    if (known !== undefined) {
      if (known.fingerprint === fingerprint) return known.tracked;
      const description = 'was used for another message: give each message its own';
      throw new StarlingError(`request_id ${description}`, {
        reason: 'REQUEST_ID_REUSED',
        violations: [{ field: 'request_id', description }],
      });
    }
    const tracked = this.#send(publication);
    const { requestId } = publication;
    const request = { fingerprint, tracked, at: now };
    this.#requests.set(requestId, request);
    // Nothing was published: a retry is a first try.
    tracked.catch(() => {
      if (this.#requests.get(requestId) === request) this.#requests.delete(requestId);
    });
    return tracked;
  }

  #send({ topic, payload, headers, holders, requestId: clientId }: Publication): Promise<Tracked> {
    const requestId = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      this.#answers.set(requestId, (answer) => {
        if (answer.kind === 'publishRefused') {
          this.refused++;
          reject(tooFast(answer.retryAfterMs));
          return;
        }
        const { stream, seq, publishedAt, neighbors } = answer;
        const tracked: Tracked = {
          stream,
          sequence: seq,
          publishedAt,
          alone: neighbors === 0,
          heldBy: new Set(),
          waiters: new Set(),
          isRemembered: clientId !== '',
        };
        // From here on its holders are counted: the first may answer before the caller is told.
        if (holders > 0) this.#tracked.set(seq, tracked);
        resolve(tracked);
      });
      this.#mesh.command({ kind: 'publish', requestId, topic, payload, headers, wantHeld: holders > 0 });
    });
  }

  #wait(tracked: Tracked, holders: number, deadline: Millis): Promise<Published> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        tracked.waiters.delete(waiter);
        this.#waiting--;
        this.#untrack(tracked);
      };
      const waiter: Waiter = {
        holders,
        resolve: (published) => {
          done();
          resolve(published);
        },
      };
      tracked.waiters.add(waiter);
      const timer = setTimeout(
        () => {
          done();
          reject(notHeld(tracked, holders));
        },
        Math.max(0, deadline - this.#mesh.now()),
      );
    });
  }

  #onHeld(sequence: number, by: PeerId): void {
    const tracked = this.#tracked.get(sequence);
    if (tracked === undefined) return;
    tracked.heldBy.add(by);
    for (const waiter of [...tracked.waiters]) {
      if (tracked.heldBy.size >= waiter.holders) waiter.resolve(acknowledge(tracked));
    }
  }

  /** Stops counting holders once nobody waits; a remembered request may still be asked again. */
  #untrack(tracked: Tracked): void {
    if (tracked.waiters.size === 0 && !tracked.isRemembered) this.#tracked.delete(tracked.sequence);
  }

  #forgetOldRequests(now: Millis): void {
    // The map's order is the order of asking.
    for (const [requestId, request] of this.#requests) {
      if (this.#requests.size < this.#config.requestsMax && now - request.at < this.#config.requestTtlMs) break;
      this.#requests.delete(requestId);
      request.tracked.then(
        (tracked) => {
          tracked.isRemembered = false;
          this.#untrack(tracked);
        },
        // Whoever published it was told.
        () => {},
      );
    }
  }
}

function acknowledge({ stream, sequence, publishedAt, heldBy, alone }: Tracked): Published {
  return { stream, sequence, publishedAt, heldBy: heldBy.size, alone: alone && heldBy.size === 0 };
}

function tooFast(retryAfterMs: Millis): StarlingError {
  return new StarlingError(
    'this peer publishes as much as the mesh takes of one origin: publish at another peer, or later',
    {
      reason: 'PUBLISHED_TOO_FAST',
      retryAfterMs,
    },
  );
}

function notHeld(tracked: Tracked, holders: number): StarlingError {
  const { stream, sequence, heldBy, alone } = tracked;
  const why = alone && heldBy.size === 0 ? ': the peer is alone' : '';
  return new StarlingError(
    `the message is accepted here but held by ${heldBy.size} of ${holders} neighbours asked for${why}`,
    {
      reason: 'NOT_HELD',
      metadata: {
        stream,
        sequence: String(sequence),
        held_by: String(heldBy.size),
        alone: String(alone && heldBy.size === 0),
      },
    },
  );
}

/** Tells a retry from another message under the same request id. */
function fingerprintOf({ topic, payload, headers, holders }: Publication): string {
  return createHash('sha256')
    .update(JSON.stringify([topic, holders, Object.entries(headers).sort()]))
    .update(payload)
    .digest('base64');
}
