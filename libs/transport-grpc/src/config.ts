import { defaultFrameLimits, type FrameLimits } from '@starling/wire';

/** Bytes that may wait in one link's queues; see `SendQueue` for what each class is. */
export interface QueueLimits {
  /** Beyond it the link is closed: a peer that does not take control messages is no neighbour. Default: thousands of messages (guess). */
  readonly controlBytesMax: number;
  /** The same, for announcements, grafts and digests. Default: guess. */
  readonly repairBytesMax: number;
  /** Beyond it a payload's copy for this link is dropped and counted; digests repair that. Default: several seconds of a slow link (guess). */
  readonly payloadBytesMax: number;
  /** The same for payloads that were asked for. Default: guess. */
  readonly bulkBytesMax: number;
}

export interface GrpcTransportConfig {
  /** Where links are taken: an IP address, `0.0.0.0` or `::` for all. */
  readonly host: string;
  /** 0: any free port; see `listen`. */
  readonly port: number;
  /** Peers of another mesh are refused. */
  readonly mesh: string;
  /** From dial to connection: TCP, TLS and the other side's HTTP/2 settings. A process that hangs sends none. */
  readonly connectTimeoutMs: number;
  /** From connection to link. Whoever took the connection is alive; when half of a mesh is gone the others are too busy to answer within a second (ADR 40). */
  readonly answerTimeoutMs: number;
  /** How long a stream that was accepted may take to say hello, and then again to confirm. */
  readonly acceptTimeoutMs: number;
  /** How long closing flushes what is queued. */
  readonly closeTimeoutMs: number;
  /** HTTP/2 pings that find a dead connection under a link that nobody uses; the failure detector is faster. 2 min: every 20 s cost an idle peer 40 B/s (computed). */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Links and streams on the way to become one, in both directions. More are refused. */
  readonly streamsMax: number;
  /** Connections of others, whatever came of them. More are closed at once. Default: twice the streams, so that strangers who say nothing leave room (guess). */
  readonly connectionsMax: number;
  /** Frames handed to grpc-js and not yet written, per link: while they are, messages gather for the next one. Default: measured (bench/link.ts: 2 leaves the connection idle between large frames, 8 gains nothing). */
  readonly framesInFlightMax: number;
  /** Flushes a second, of all links together, up to which a message leaves in the turn in which it was queued. 250: a flush each 4 ms; guess. */
  readonly promptFlushesPerSecond: number;
  /** Above it, flushes are at least so far apart, unless a frame is full before. 4 ms: measured (bench/mesh.ts --against: a fifth less CPU per delivery). */
  readonly gatherMs: number;
  /** HTTP/2 window of a link: what the other side may send before this one has read it. Default: 40 MB a second over 100 ms (computed). */
  readonly windowBytes: number;
  readonly queues: QueueLimits;
  readonly frames: FrameLimits;
}

export const defaultGrpcTransportConfig: GrpcTransportConfig = {
  host: '0.0.0.0',
  port: 7400,
  mesh: 'default',
  connectTimeoutMs: 1_000,
  answerTimeoutMs: 2_000,
  acceptTimeoutMs: 2_000,
  closeTimeoutMs: 1_000,
  keepaliveIntervalMs: 120_000,
  keepaliveTimeoutMs: 5_000,
  streamsMax: 256,
  connectionsMax: 512,
  framesInFlightMax: 4,
  promptFlushesPerSecond: 250,
  gatherMs: 4,
  windowBytes: 4 * 1024 * 1024,
  queues: {
    controlBytesMax: 2 * 1024 * 1024,
    repairBytesMax: 2 * 1024 * 1024,
    payloadBytesMax: 8 * 1024 * 1024,
    bulkBytesMax: 32 * 1024 * 1024,
  },
  frames: defaultFrameLimits,
};
