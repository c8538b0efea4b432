import type { Millis, Outbox, PeerId } from '@starling/kernel';
import type { BatchSignatures } from './batch-signatures.ts';
import { type Gossip, isEphemeral, type PlumtreeEvent, type PlumtreeMessage } from './messages.ts';
import { type OriginLimits, workOf } from './origin-limits.ts';
import type { PlumtreeStats } from './stats.ts';
import type { StreamState } from './stream-table.ts';

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;

interface Config {
  readonly acceptOlderMs: Millis;
  readonly acceptNewerMs: Millis;
}

/**
 * Which messages are let in: those of whom they name, of an origin within its allowance, and of now. Nothing is noted of one that is not: its
 * number stays free for the true one, and for a calmer moment.
 */
export class Admission<B> {
  readonly #config: Config;
  readonly #limits: OriginLimits;
  /** Null: members are trusted. */
  readonly #signatures: BatchSignatures<B> | null;
  readonly #stats: PlumtreeStats;
  readonly #sizeOf: (body: B) => number;

  constructor(
    config: Config,
    limits: OriginLimits,
    signatures: BatchSignatures<B> | null,
    stats: PlumtreeStats,
    sizeOf: (body: B) => number,
  ) {
    this.#config = config;
    this.#limits = limits;
    this.#signatures = signatures;
    this.#stats = stats;
    this.#sizeOf = sizeOf;
  }

  /**
   * Judges a message that was not seen yet, and counts it. What is let in comes back, for it may share its signature with others of its batch;
   * `shed`: true as it may be, its origin is over its allowance.
   */
  judge(
    now: Millis,
    from: PeerId,
    message: Gossip<B>,
    known: StreamState | undefined,
    out: Out<B>,
  ): Gossip<B> | 'shed' | 'refused' {
    const { stream, signature } = message;
    if (known?.isOwn) return this.#violated(from, 'gossip of a message never published', out);
    const allowance = this.#limits.of(stream, now);
    const isOrigin = allowance.origin === from;
    const bytes = this.#sizeOf(message.body);
    const work = workOf(bytes, false);
    // Ephemeral messages are few, and nobody's pace.
    if (isOrigin && !isEphemeral(stream) && this.#limits.outpaced(allowance, work, message.publishedAt)) {
      out.emit({ kind: 'flooded', peer: from });
    }
    // What was asked for by digest is taken, and counts: while an origin is over its allowance nothing of it is asked for.
    const isPulled = known?.repair?.pulledFrom === from;
    if (!isPulled && this.#limits.isUsedUp(allowance, now)) {
      this.#stats.throttled++;
      allowance.shedAt = now;
      if (isOrigin && this.#limits.exceeded(allowance, work)) out.emit({ kind: 'flooded', peer: from });
      return 'shed';
    }
    const signatures = this.#signatures;
    if (signatures === null) {
      this.#limits.use(allowance, work, now);
      return message;
    }
    // Not marked as seen either: by its date alone anybody could keep the true one out.
    if (!this.isInWindow(now, message)) return 'refused';
    const verdict = signatures.judge(message);
    if (verdict === 'forged' || (verdict === 'unsigned' && signatures.isStrict)) {
      this.#stats.unproven++;
      // Who sends what is not signed may be a peer that was told not to; who sends what is signed wrongly cannot have looked.
      if (verdict === 'forged' && signatures.isStrict) this.#violated(from, 'gossip with a wrong signature', out);
      return 'refused';
    }
    this.#limits.use(allowance, workOf(bytes, verdict === 'verified'), now);
    if (verdict !== 'cached' || signature === null) return message;
    const canonical = signatures.canonical(stream, signature);
    return canonical === signature ? message : { ...message, signature: canonical };
  }

  /** Neither a replay nor dated ahead of what clocks may differ; counted when it is. */
  isInWindow(now: Millis, { publishedAt }: Gossip<B>): boolean {
    if (publishedAt < now - this.#config.acceptOlderMs) this.#stats.refused++;
    else if (publishedAt > now + this.#config.acceptNewerMs) this.#stats.early++;
    else return true;
    return false;
  }

  #violated(peer: PeerId, rule: string, out: Out<B>): 'refused' {
    this.#stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
    return 'refused';
  }
}
