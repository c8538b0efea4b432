import { describeTransport } from '@starling/testing';
import { MemoryNetwork } from './memory-network.ts';
import { MemoryTransport } from './memory-transport.ts';

const network = new MemoryNetwork<Uint8Array>();

describeTransport('memory', {
  create: async () => ({
    transport: new MemoryTransport(network, (body) => body.length),
    address: network.freeAddress(),
  }),
});
