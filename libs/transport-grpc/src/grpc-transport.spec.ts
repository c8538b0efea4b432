import { describeTransport } from '@starling/testing';
import { beforeAll } from 'vitest';
import { defaultGrpcTransportConfig } from './config.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { TestAuthority } from './test-support/test-authority.ts';

// Closing flushes for long enough on a busy machine, too.
const config = { ...defaultGrpcTransportConfig, host: '127.0.0.1', port: 0, closeTimeoutMs: 30_000 };

describeTransport('gRPC', {
  create: async () => {
    const transport = new GrpcTransport(config);
    return { transport, address: `127.0.0.1:${await transport.listen()}` };
  },
});

let authority: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
});

describeTransport('gRPC with mutual TLS', {
  create: async (name) => {
    const transport = new GrpcTransport(config, await authority.mutualTls(name));
    return { transport, address: `127.0.0.1:${await transport.listen()}` };
  },
});
