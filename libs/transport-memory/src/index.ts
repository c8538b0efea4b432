export { MemoryNetwork } from './memory-network.ts';
export { MemoryTransport } from './memory-transport.ts';
