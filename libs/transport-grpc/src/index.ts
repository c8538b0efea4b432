export {
  defaultGrpcTransportConfig,
  type GrpcTransportConfig,
  insecureCredentials,
  type LinkCredentials,
  type QueueLimits,
} from './config.ts';
export type { TransportCounters } from './counters.ts';
export { GrpcTransport } from './grpc-transport.ts';
export { ListenError, type ListenFailure } from './listen.ts';
