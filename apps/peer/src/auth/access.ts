import { type Metadata, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { StarlingError, toStatus } from '@starling/client';
import type { Millis } from '@starling/kernel';
import type { Logger } from 'pino';
import type { Authenticator } from './authenticator.ts';
import type { Caller } from './caller.ts';
import { GuardedCall } from './guarded-call.ts';
import { type MethodRule, methodPolicy } from './policy.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { allows } from './roles.ts';

/** How often it is looked whether the tokens of open streams still count, and whether requests come. */
const sweepMs = 1_000;
/** A stream that was ended and is not read any more is given this long to take its status; then its connection goes. (guess) */
const endGraceMs = 5_000;
/** Streams of one caller are tried again after so long. */
const streamsRetryMs = 5_000;

/** Why calls are refused or ended here, as the metric names it. */
export const refusalReasons = {
  TOKEN_MISSING: 'token-missing',
  TOKEN_UNKNOWN: 'token-unknown',
  TOKEN_EXPIRED: 'token-expired',
  ISSUER_UNREACHABLE: 'issuer-unreachable',
  ROLE_TOO_LOW: 'role-too-low',
  TOO_MANY_CALLS: 'too-many-calls',
  TOO_MANY_STREAMS: 'too-many-streams',
  METADATA_TOO_LARGE: 'metadata-too-large',
  REQUEST_STALLED: 'request-stalled',
} as const;
type RefusalReason = keyof typeof refusalReasons;

export interface AccessLimits {
  /** Streams that one caller may have open at this peer. */
  readonly streamsPerCallerMax: number;
  /** How long the one message of a call that has one may be on its way, in ms. */
  readonly requestMaxMs: Millis;
  /** Characters of a call's metadata, names and values. */
  readonly metadataCharsMax: number;
}

export interface AccessOptions {
  /** null: everybody may do everything, and nobody's calls are counted. */
  readonly authenticator: Authenticator | null;
  readonly rates: RateLimiter;
  readonly limits: AccessLimits;
  readonly log: Logger;
}

/** What is told of connections: `remote` as grpc-js names it. */
export interface ConnectionEvents {
  /** A call over it was let in. */
  called(remote: string): void;
  /** A call over it was refused. */
  refused(remote: string): void;
  /** It does not take the end of a stream. */
  drop(remote: string, reason: 'stalled'): void;
}

/** A call that was let in and is looked after. */
interface OpenCall {
  readonly caller: Caller;
  readonly isStream: boolean;
  /** When the request must have come, by performance.now(); infinite once it did. */
  requestDue: Millis;
  end(error: StarlingError): void;
}

/** Whoever calls a peer that asks nobody. */
const anybody: Caller = { name: 'anybody', role: 'operator', isValid: () => true };

/**
 * Decides for every call, unary or stream, before one of its messages is read, whether it goes on: who calls, by its token;
 * whether that role may call this method; whether the caller does so too often. Streams end when their token does.
 */
export class Access {
  readonly #options: AccessOptions;
  readonly #open = new Set<OpenCall>();
  readonly #streamsOf = new Map<string, number>();
  /** Calls that were ended from here, and whose clients have not taken the status. */
  readonly #ending = new Map<object, { readonly remote: string; readonly since: Millis }>();
  readonly #callers = new WeakMap<Metadata, Caller>();
  readonly #refused = new Map<RefusalReason, number>();
  #connections: ConnectionEvents = { called: () => {}, refused: () => {}, drop: () => {} };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Whether calls need a token. */
  get isOn(): boolean {
    return this.#options.authenticator !== null;
  }

  /** Streams that are open. */
  get streams(): number {
    return [...this.#streamsOf.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Calls refused, by reason as the metric names it. */
  refused(): Record<string, number> {
    const reasons = Object.entries(refusalReasons) as [RefusalReason, string][];
    return Object.fromEntries(reasons.map(([reason, name]) => [name, this.#refused.get(reason) ?? 0]));
  }

  /** Who makes a call; `metadata` is the call's. */
  callerOf(metadata: Metadata): Caller {
    return this.#callers.get(metadata) ?? anybody;
  }

  /** Begins to look after open calls. */
  start(connections: ConnectionEvents): void {
    this.#connections = connections;
    this.#timer ??= setInterval(() => this.sweep(Date.now(), performance.now()), sweepMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Charges a stream's caller for one message more; `metadata` is the stream's. Says for how many ms to read no further.
   */
  pace(metadata: Metadata): Millis {
    const caller = this.#callers.get(metadata);
    return this.isOn && caller !== undefined ? this.#options.rates.spend(performance.now(), caller.name, 'publish') : 0;
  }

  /** Ends what must not go on. `time` in ms since 1970, `now` by performance.now(). */
  sweep(time: number, now: Millis): void {
    for (const call of this.#open) {
      if (!call.caller.isValid(time)) {
        call.end(new StarlingError('the token has expired, or was taken back', { reason: 'TOKEN_EXPIRED' }));
      } else if (now > call.requestDue) {
        const { requestMaxMs } = this.#options.limits;
        call.end(
          new StarlingError(`the request did not come within ${requestMaxMs} ms`, { reason: 'REQUEST_STALLED' }),
        );
      }
    }
    for (const [call, { remote, since }] of this.#ending) {
      if (now - since < endGraceMs) continue;
      this.#ending.delete(call);
      this.#connections.drop(remote, 'stalled');
    }
  }

  /** Goes after the one that counts calls, so that refusals are counted too. */
  readonly interceptor: ServerInterceptor = (method, call) => {
    const rule = methodPolicy[method.path];
    const hasOneRequest = !method.requestStream;
    const isStream = method.requestStream || method.responseStream;
    const remote = call.getPeer();
    let isOver = false;
    let open: OpenCall | null = null;

    const close = (): void => {
      isOver = true;
      if (open === null) return;
      this.#forget(open);
      open = null;
    };
    const refuse = (error: unknown): void => {
      if (isOver) return;
      close();
      this.#count(error, method.path, remote);
      call.sendStatus(toStatus(error));
      this.#connections.refused(remote);
    };
    const enter = (caller: Caller, metadata: Metadata, proceed: (metadata: Metadata) => void): void => {
      this.#checkRole(caller, rule, method.path);
      if (isOver) return;
      this.#checkCounts(caller, rule, isStream);
      // Nothing behind this line has a use for the secret.
      metadata.remove('authorization');
      this.#callers.set(metadata, caller);
      const requestDue = hasOneRequest
        ? performance.now() + this.#options.limits.requestMaxMs
        : Number.POSITIVE_INFINITY;
      open = { caller, isStream, requestDue, end };
      this.#remember(open);
      this.#connections.called(remote);
      proceed(metadata);
    };
    const guarded: GuardedCall = new GuardedCall(call, {
      start: (next) =>
        next(
          new ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, proceed) => {
              this.#decide(metadata, (caller) => enter(caller, metadata, proceed), refuse);
            })
            .withOnReceiveMessage((message, proceed) => {
              if (open !== null) open.requestDue = Number.POSITIVE_INFINITY;
              proceed(message);
            })
            .withOnCancel(() => {
              close();
              this.#ending.delete(guarded);
            })
            .build(),
        ),
      // What a handler still says after its call was ended from here goes nowhere.
      sendMessage: (message, next) => {
        if (!isOver) next(message);
      },
      sendStatus: (status, next) => {
        if (isOver) return;
        close();
        next(status);
      },
    });
    const end = (error: StarlingError): void => {
      if (isOver) return;
      close();
      this.#count(error, method.path, remote);
      this.#ending.set(guarded, { remote, since: performance.now() });
      call.sendStatus(toStatus(error));
      // The handler is to stop at once, also when the client does not read and the status has to wait.
      guarded.cancel();
    };
    return guarded;
  };

  #decide(metadata: Metadata, enter: (caller: Caller) => void, refuse: (error: unknown) => void): void {
    const { authenticator, limits } = this.#options;
    try {
      if (charsOf(metadata) > limits.metadataCharsMax) {
        throw new StarlingError(`the metadata of the call has more than ${limits.metadataCharsMax} characters`, {
          reason: 'METADATA_TOO_LARGE',
          metadata: { limit: String(limits.metadataCharsMax) },
        });
      }
      const caller = authenticator === null ? anybody : authenticator.authenticate(metadata, Date.now());
      if (caller instanceof Promise) caller.then(enter).catch(refuse);
      else enter(caller);
    } catch (error) {
      refuse(error);
    }
  }

  #checkRole(caller: Caller, rule: MethodRule | undefined, path: string): void {
    if (rule !== undefined && allows(caller.role, rule.role)) return;
    const needed = rule?.role ?? 'nobody';
    throw new StarlingError(`${path.slice(1)} needs the role ${needed}; the token has ${caller.role}`, {
      reason: 'ROLE_TOO_LOW',
      metadata: { role: caller.role, role_needed: needed },
    });
  }

  #checkCounts(caller: Caller, rule: MethodRule | undefined, isStream: boolean): void {
    if (!this.isOn || rule === undefined) return;
    const { rates, limits } = this.#options;
    const { streamsPerCallerMax } = limits;
    if (isStream && (this.#streamsOf.get(caller.name) ?? 0) >= streamsPerCallerMax) {
      throw new StarlingError(`${caller.name} has ${streamsPerCallerMax} streams open at this peer already`, {
        reason: 'TOO_MANY_STREAMS',
        retryAfterMs: streamsRetryMs,
        metadata: { limit: String(streamsPerCallerMax) },
      });
    }
    const waitMs = rates.take(performance.now(), caller.name, rule.class);
    if (waitMs === 0) return;
    throw new StarlingError(`${caller.name} makes too many calls (of the class ${rule.class}) to this peer`, {
      reason: 'TOO_MANY_CALLS',
      retryAfterMs: waitMs,
      metadata: { class: rule.class },
    });
  }

  #remember(call: OpenCall): void {
    this.#open.add(call);
    if (call.isStream) this.#streamsOf.set(call.caller.name, (this.#streamsOf.get(call.caller.name) ?? 0) + 1);
  }

  #forget(call: OpenCall): void {
    this.#open.delete(call);
    if (!call.isStream) return;
    const left = (this.#streamsOf.get(call.caller.name) ?? 1) - 1;
    if (left > 0) this.#streamsOf.set(call.caller.name, left);
    else this.#streamsOf.delete(call.caller.name);
  }

  #count(error: unknown, path: string, from: string): void {
    const { log } = this.#options;
    if (!(error instanceof StarlingError) || !isRefusal(error.reason)) {
      log.error({ err: error, method: path }, 'a call could not be judged, and was refused');
      return;
    }
    this.#refused.set(error.reason, (this.#refused.get(error.reason) ?? 0) + 1);
    // A text for each reason: the limit on repetition counts texts, and one flood must not hide another kind.
    log.warn({ method: path, from }, `a call was refused: ${refusalReasons[error.reason]}`);
  }
}

function charsOf(metadata: Metadata): number {
  let chars = 0;
  for (const [name, value] of Object.entries(metadata.getMap())) chars += name.length + value.length;
  return chars;
}

function isRefusal(reason: string): reason is RefusalReason {
  return Object.hasOwn(refusalReasons, reason);
}
