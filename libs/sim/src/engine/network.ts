import type { Millis } from '@starling/kernel';
import { type Latency, latencies } from './latency.ts';

/**
 * A network of TCP links, as data. A link delivers whole messages in order or breaks: a lost packet shows as delay, and
 * what was under way on a link that broke is gone. There is no order across links.
 */
export interface NetworkModel {
  readonly latency: Latency;
  /** Round trips from a dial to the dialler's `linkUp`: 1 for TCP alone, 2 with a hello. */
  readonly dialRoundTrips: number;
  /** A dial that nobody answers is `refused` after this long. */
  readonly dialTimeoutMs: Millis;
  /** Unanswered data breaks a link after this long: what TCP's user timeout or the transport's keep-alive does. */
  readonly silenceMs: Millis;
  /** A link that its core closed stays this long, so that a second thought costs no dial. */
  readonly lingerMs: Millis;
  /** Chance that a message's packet is lost and sent again, after `resendMs`, doubling. */
  readonly lossProbability: number;
  readonly resendMs: Millis;
  /** Chance that a message's loss breaks its link. */
  readonly resetProbability: number;
  /** Each peer's uplink, in bytes per ms (1 Gb/s is 125,000); needs a size function. */
  readonly uplinkBytesPerMs: number;
}

/** A clean network of the given delays, with the product's own deadlines. */
export function network(latency: Latency, changes: Partial<NetworkModel> = {}): NetworkModel {
  return {
    latency,
    dialRoundTrips: 2,
    // The product's connect deadline (order: at most 1 s).
    dialTimeoutMs: 1_000,
    // Guess: HTTP/2 keep-alive of 10 s with 10 s to answer.
    silenceMs: 20_000,
    // Guess: longer than any exchange over a link that is kept for one answer.
    lingerMs: 2_000,
    lossProbability: 0,
    // RFC 6298 §2.4 asks for 1 s; Linux takes 200 ms.
    resendMs: 200,
    resetProbability: 0,
    uplinkBytesPerMs: Number.POSITIVE_INFINITY,
    ...changes,
  };
}

/** What a cycle engine assumes: nothing takes time, a dead peer refuses at once. */
export const cycleNetwork: NetworkModel = network(latencies.zero, { dialRoundTrips: 0, lingerMs: 0 });
