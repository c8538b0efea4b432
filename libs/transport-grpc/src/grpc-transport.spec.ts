import { describeTransport } from '@starling/testing';
import { defaultGrpcTransportConfig } from './config.ts';
import { GrpcTransport } from './grpc-transport.ts';

describeTransport('gRPC', {
  create: async () => {
    const transport = new GrpcTransport({ ...defaultGrpcTransportConfig, host: '127.0.0.1', port: 0 });
    return { transport, address: `127.0.0.1:${await transport.listen()}` };
  },
});
