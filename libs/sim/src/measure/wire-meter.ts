import type { Millis } from '@starling/kernel';
import type { SimMessage } from '../node/mesh-node.ts';
import { frameOverheadBytes, messageBytes, segmentBytes } from './wire-bytes.ts';

/** One direction of a link. */
interface Direction {
  /** When its last frame was written. */
  frameAt: Millis;
  /** Since when what came the other way waits for its acknowledgement; Infinity when nothing does. */
  owesAckSince: Millis;
}

/** How long TCP waits for data to carry an acknowledgement. 40 ms: Linux, TCP_DELACK_MIN. */
const delayedAckMs = 40;

/**
 * Counts what a link carries as a capture of its packets would: messages of one turn share a frame, as the transport writes
 * them, and each segment is acknowledged, by data that goes back within 40 ms or by an empty segment.
 *
 * Seen with `ss -ti` on Linux 6: of a question and its answer once a second the answer carries the first acknowledgement and
 * an empty segment is the second. When the two ends take turns with the question, half of the answers do not carry it.
 */
export class WireMeter {
  /** Bytes by area; a frame is its first message's. `acks`: empty segments. */
  readonly bytes = {
    membership: 0,
    broadcast: 0,
    liveness: 0,
    directory: 0,
    search: 0,
    aggregate: 0,
    bans: 0,
    summaries: 0,
    holders: 0,
    lookup: 0,
    acks: 0,
  };
  messages = 0;
  frames = 0;
  readonly #directions = new Map<string, Direction>();

  sent(from: number, to: number, message: SimMessage, now: Millis): void {
    const there = this.#direction(from, to);
    this.messages++;
    this.bytes[message.area] += messageBytes(message);
    if (there.frameAt === now) return;
    this.frames++;
    this.bytes[message.area] += frameOverheadBytes;
    there.frameAt = now;
    if (now - there.owesAckSince > delayedAckMs) this.bytes.acks += segmentBytes;
    there.owesAckSince = Number.POSITIVE_INFINITY;
    const back = this.#direction(to, from);
    // What came within the delay is acknowledged together.
    if (now - back.owesAckSince > delayedAckMs) this.bytes.acks += segmentBytes;
    else if (back.owesAckSince !== Number.POSITIVE_INFINITY) return;
    back.owesAckSince = now;
  }

  /** Everything so far, in bytes. Acknowledgements of the last 40 ms are not in it. */
  get total(): number {
    return Object.values(this.bytes).reduce((sum, bytes) => sum + bytes, 0);
  }

  #direction(from: number, to: number): Direction {
    const key = `${from}>${to}`;
    const known = this.#directions.get(key);
    if (known !== undefined) return known;
    const made = { frameAt: Number.NEGATIVE_INFINITY, owesAckSince: Number.POSITIVE_INFINITY };
    this.#directions.set(key, made);
    return made;
  }
}
