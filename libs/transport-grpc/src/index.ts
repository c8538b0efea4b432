export {
  defaultGrpcTransportConfig,
  type GrpcTransportConfig,
  type LinkCredentials,
  type QueueLimits,
} from './config.ts';
export type { TransportCounters } from './counters.ts';
export { GrpcTransport, insecureCredentials } from './grpc-transport.ts';
export { ListenError, type ListenFailure } from './listen.ts';
