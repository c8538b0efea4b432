import type { ContactFailure } from '@starling/host';
import type { RefusalWord } from '@starling/wire';

/** Beside what is said on the wire: one side encrypts and the other does not; a TLS handshake that came to nothing. */
export type InboundRefusal = RefusalWord | 'tls-mismatch' | 'handshake';

/** Counters of a transport since it was made. */
export interface TransportCounters {
  dials: number;
  /** Dials that came to nothing, by reason. */
  readonly dialsFailed: Record<ContactFailure, number>;
  /** Connections and streams of others that were refused, by reason. */
  readonly refused: Record<InboundRefusal, number>;
  /** Streams of others that did not say hello, or did not confirm, in time. */
  acceptTimeouts: number;
  /** Links that came up. */
  linksUp: number;
  /** Links that went without a word from either side. */
  linksLost: number;
  /** Links dialled anew before the certificate that the other side had shown expires. */
  linksRenewed: number;
  /** Bytes of frames, over all links that there were. */
  bytesIn: number;
  bytesOut: number;
  /** Frames that held those bytes. Messages per frame say how well a link batches. */
  framesIn: number;
  framesOut: number;
  /** Links ended because the other side sent what cannot be read. */
  malformedFrames: number;
  /** Messages and fields of a later version, ignored. */
  unknownMessages: number;
  /** Links ended because the other side took no control messages. */
  queueOverflows: number;
  /** Copies of payloads dropped because a link's queue was full. Digests repair them. */
  payloadsDropped: number;
  /** Messages that no peer would take, not sent. */
  oversized: number;
}

export function newCounters(): TransportCounters {
  return {
    dials: 0,
    dialsFailed: {
      unreachable: 0,
      timeout: 0,
      self: 0,
      'wrong-peer': 0,
      'wrong-mesh': 0,
      'wrong-version': 0,
      'bad-hello': 0,
      untrusted: 0,
      'not-certified': 0,
      'tls-mismatch': 0,
      banned: 0,
      busy: 0,
      stopped: 0,
    },
    refused: {
      'wrong-mesh': 0,
      'wrong-version': 0,
      self: 0,
      duplicate: 0,
      busy: 0,
      'bad-hello': 0,
      untrusted: 0,
      'not-certified': 0,
      banned: 0,
      'tls-mismatch': 0,
      handshake: 0,
    },
    acceptTimeouts: 0,
    linksUp: 0,
    linksLost: 0,
    linksRenewed: 0,
    bytesIn: 0,
    bytesOut: 0,
    framesIn: 0,
    framesOut: 0,
    malformedFrames: 0,
    unknownMessages: 0,
    queueOverflows: 0,
    payloadsDropped: 0,
    oversized: 0,
  };
}
