export type { Answer, Question, Responding } from './answer-stream.ts';
export { connect, type OutgoingMessage, type PublishOptions, StarlingClient } from './client.ts';
export { errorDomain, fromStatus, type StatusAnswer, toAnswer, toStatus } from './error-status.ts';
export {
  type ErrorDetails,
  type FieldViolation,
  invalidRequest,
  reasons,
  type StarlingCode,
  StarlingError,
  type StarlingReason,
} from './errors.ts';
export { pause } from './moving.ts';
export type { CallOptions, ConnectOptions } from './peer-calls.ts';
export type { OutgoingDocument, PutProgress } from './put-documents.ts';
export type { QueryHit, QueryOptions, QuerySummary, RankedHit } from './query.ts';
export {
  type PeersAnswer,
  type PeersColumn,
  type PeersCoverage,
  type PeersRow,
  type QueryPeersOptions,
  toPeersAnswer,
} from './query-peers.ts';
export { type QueryStrategyName, queryStrategies, strategyName } from './query-strategy.ts';
export { type QuerySpan, type QueryTrace, toQueryTrace } from './query-trace.ts';
export type { Receipt } from './receipt.ts';
export { Responder, type RespondOptions } from './responder.ts';
export {
  type ReceivedGap,
  type ReceivedLive,
  type ReceivedMessage,
  type SubscribeFrom,
  type SubscribeOptions,
  Subscription,
  type SubscriptionEvent,
} from './subscription.ts';
export { type Dialling, type DiallingOf, plainDialling, type TlsOptions, tlsDialling } from './tls.ts';
export type { Token } from './token-source.ts';
