export { defaultGrpcTransportConfig, type GrpcTransportConfig, type QueueLimits } from './config.ts';
export type { InboundRefusal, TransportCounters } from './counters.ts';
export { GrpcTransport, type LinkTrouble } from './grpc-transport.ts';
export { ListenError, type ListenFailure } from './listen.ts';
export { type CertifiedPeer, type LinkKeys, MutualTls, type ReadCertificate } from './mutual-tls.ts';
