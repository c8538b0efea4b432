import { type Metadata, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { StarlingError, toStatus } from '@starling/client';
import type { Logger } from 'pino';
import type { Authenticator } from './authenticator.ts';
import type { Caller } from './caller.ts';
import { methodPolicy } from './policy.ts';
import { allows } from './roles.ts';

/** How often it is looked whether the tokens of open streams still count. */
const sweepMs = 1_000;

/** Why calls are refused here, as the metric names it. */
export const refusalReasons = {
  TOKEN_MISSING: 'token-missing',
  TOKEN_UNKNOWN: 'token-unknown',
  TOKEN_EXPIRED: 'token-expired',
  ROLE_TOO_LOW: 'role-too-low',
} as const;
type RefusalReason = keyof typeof refusalReasons;

type ListenerOfCall = Parameters<ServerInterceptingCall['start']>[0];

/** A call that was let in and lasts. */
interface OpenStream {
  readonly caller: Caller;
  end(error: StarlingError): void;
}

/**
 * Decides for every call, unary or stream, before one of its messages is read, whether it goes on: who calls, by its token;
 * and whether that role may call this method. Streams end when their token does.
 */
export class Access {
  readonly #authenticator: Authenticator | null;
  readonly #log: Logger;
  readonly #streams = new Set<OpenStream>();
  readonly #refused = new Map<RefusalReason, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `authenticator` null: everybody may do everything. */
  constructor(authenticator: Authenticator | null, log: Logger) {
    this.#authenticator = authenticator;
    this.#log = log;
  }

  /** Whether calls need a token. */
  get isOn(): boolean {
    return this.#authenticator !== null;
  }

  /** Streams of callers that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Calls refused, by reason as the metric names it. */
  refused(): Record<string, number> {
    const reasons = Object.entries(refusalReasons) as [RefusalReason, string][];
    return Object.fromEntries(reasons.map(([reason, name]) => [name, this.#refused.get(reason) ?? 0]));
  }

  /** Begins to look after open streams. */
  start(): void {
    if (this.isOn) this.#timer ??= setInterval(() => this.sweep(Date.now()), sweepMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Ends the streams whose token has expired or was taken back. */
  sweep(now: number): void {
    for (const stream of this.#streams) {
      if (stream.caller.isValid(now)) continue;
      stream.end(new StarlingError('the token has expired, or was taken back', { reason: 'TOKEN_EXPIRED' }));
    }
  }

  /** Goes after the one that counts calls, so that refusals are counted too. */
  readonly interceptor: ServerInterceptor = (method, call) => {
    const authenticator = this.#authenticator;
    if (authenticator === null) return new ServerInterceptingCall(call);
    const isStream = method.requestStream || method.responseStream;
    let isOver = false;
    let open: OpenStream | null = null;
    const refuse = (error: unknown): void => {
      if (isOver) return;
      isOver = true;
      this.#count(error, method.path, call.getPeer());
      call.sendStatus(toStatus(error));
    };
    const guarded = new GuardedCall(call, {
      start: (next) =>
        next(
          new ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, proceed) => {
              const enter = (caller: Caller): void => {
                this.#checkRole(caller, method.path);
                // Nothing behind this line has a use for the secret.
                metadata.remove('authorization');
                if (isOver) return;
                if (isStream) {
                  open = { caller, end: (error) => finish(error) };
                  this.#streams.add(open);
                }
                proceed(metadata);
              };
              this.#decide(authenticator, metadata, enter, refuse);
            })
            .withOnCancel(() => close())
            .build(),
        ),
      // What a handler still says after its stream was ended here goes nowhere.
      sendMessage: (message, next) => {
        if (!isOver) next(message);
      },
      sendStatus: (status, next) => {
        if (isOver) return;
        close();
        next(status);
      },
    });
    const close = (): void => {
      isOver = true;
      if (open !== null) this.#streams.delete(open);
    };
    const finish = (error: StarlingError): void => {
      close();
      this.#count(error, method.path, call.getPeer());
      call.sendStatus(toStatus(error));
      // The handler is to stop at once, also when the client does not read and the status has to wait.
      guarded.cancel();
    };
    return guarded;
  };

  #decide(
    authenticator: Authenticator,
    metadata: Metadata,
    enter: (caller: Caller) => void,
    refuse: (error: unknown) => void,
  ): void {
    try {
      const caller = authenticator.authenticate(metadata, Date.now());
      if (caller instanceof Promise) caller.then(enter).catch(refuse);
      else enter(caller);
    } catch (error) {
      refuse(error);
    }
  }

  #checkRole(caller: Caller, path: string): void {
    const rule = methodPolicy[path];
    if (rule !== undefined && allows(caller.role, rule.role)) return;
    const needed = rule?.role ?? 'nobody';
    throw new StarlingError(`${path.slice(1)} needs the role ${needed}; the token has ${caller.role}`, {
      reason: 'ROLE_TOO_LOW',
      metadata: { role: caller.role, role_needed: needed },
    });
  }

  #count(error: unknown, path: string, from: string): void {
    if (!(error instanceof StarlingError) || !isRefusal(error.reason)) {
      this.#log.error({ err: error, method: path }, 'a call could not be judged, and was refused');
      return;
    }
    this.#refused.set(error.reason, (this.#refused.get(error.reason) ?? 0) + 1);
    // A text for each reason: the limit on repetition counts texts, and one flood must not hide another kind.
    this.#log.warn({ method: path, from }, `a call was refused: ${refusalReasons[error.reason]}`);
  }
}

/** A call whose handler can be told that it is over. */
class GuardedCall extends ServerInterceptingCall {
  #listener: ListenerOfCall | null = null;

  override start(listener: ListenerOfCall): void {
    let isCancelled = false;
    this.#listener = {
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => {
        if (!isCancelled) listener.onCancel();
        isCancelled = true;
      },
    };
    super.start(this.#listener);
  }

  cancel(): void {
    this.#listener?.onCancel();
  }
}

function isRefusal(reason: string): reason is RefusalReason {
  return Object.hasOwn(refusalReasons, reason);
}
