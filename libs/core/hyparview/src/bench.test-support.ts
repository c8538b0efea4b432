import { type Effect, type Input, type Millis, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { admitAll } from './admission.ts';
import { defaultHyParViewConfig, type HyParViewConfig } from './config.ts';
import { HyParView } from './hyparview.ts';
import type { AdmissionPolicy, HyParViewCommand, HyParViewEvent, HyParViewMessage } from './messages.ts';

export type HyParViewInput = Input<HyParViewMessage, HyParViewCommand>;
export type HyParViewEffect = Effect<HyParViewMessage, HyParViewEvent>;

/** A peer named `id`, first life, zone unknown. */
export function info(id: string, more: Partial<PeerInfo> = {}): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id, ...more };
}

/** One membership core, its clock and what it decided. */
export class Bench {
  readonly core: HyParView;
  now: Millis = 0;
  readonly #out = new RecordingOutbox<HyParViewMessage, HyParViewEvent>();

  constructor(
    config: Partial<HyParViewConfig> = {},
    {
      self = info('self'),
      policy = admitAll,
      seed = 1,
    }: { self?: PeerInfo; policy?: AdmissionPolicy; seed?: number } = {},
  ) {
    // The paper's membership, unless a test asks for ranked places.
    const base = { ...defaultHyParViewConfig, rankedPlaces: false, jitter: 0 };
    this.core = new HyParView({ ...base, ...config }, self, new Rng(seed), policy);
  }

  feed(input: HyParViewInput): HyParViewEffect[] {
    this.core.handle(this.now, input, this.#out);
    return this.#out.take();
  }

  hear(from: string, message: HyParViewMessage): HyParViewEffect[] {
    return this.feed({ kind: 'message', from, message });
  }

  command(command: HyParViewCommand): HyParViewEffect[] {
    return this.feed({ kind: 'command', command });
  }

  contacts(...ids: string[]): HyParViewEffect[] {
    return this.command({ kind: 'contacts', peers: ids.map((id) => info(id)) });
  }

  /** `ids` ask for a place, urgently. */
  neighbors(...ids: string[]): this {
    for (const id of ids) {
      this.hear(id, { kind: 'neighbor', sender: info(id), priority: 'high', dropping: null });
    }
    return this;
  }

  /** Ticks at every deadline up to `atMs`. */
  runTo(atMs: Millis): HyParViewEffect[] {
    const effects: HyParViewEffect[] = [];
    while (this.core.nextDeadline() <= atMs) {
      this.now = Math.max(this.now, this.core.nextDeadline());
      effects.push(...this.feed({ kind: 'tick' }));
    }
    this.now = atMs;
    return effects;
  }

  active(): string[] {
    return this.core
      .activeView()
      .map(({ id }) => id)
      .sort();
  }

  passive(): string[] {
    return this.core
      .passiveView()
      .map(({ id }) => id)
      .sort();
  }
}

/** The messages of one kind among `effects`, with their receivers. */
export function sent<K extends HyParViewMessage['kind']>(
  effects: readonly HyParViewEffect[],
  kind: K,
): { readonly to: string; readonly message: Extract<HyParViewMessage, { kind: K }> }[] {
  const found: { to: string; message: Extract<HyParViewMessage, { kind: K }> }[] = [];
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== kind) continue;
    found.push({ to: effect.to, message: effect.message as Extract<HyParViewMessage, { kind: K }> });
  }
  return found;
}

/** The events among `effects`. */
export function emitted(effects: readonly HyParViewEffect[]): HyParViewEvent[] {
  return effects.flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : []));
}
