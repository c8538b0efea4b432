import { networkInterfaces } from 'node:os';

/**
 * Where others reach a port of this peer: as configured, else the host it listens on, else the machine's first address
 * that is not its own loop.
 */
export function advertisedAddress(advertise: string, host: string, port: number): string {
  if (advertise !== '') return advertise;
  const isAny = host === '0.0.0.0' || host === '::' || host === '';
  const address = isAny ? outsideAddress() : host;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function outsideAddress(): string {
  const addresses = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && !one.address.startsWith('fe80'));
  // IPv4 first: in a pod with both families it is the one that everything understands.
  const best = addresses.find((one) => one?.family === 'IPv4') ?? addresses[0];
  return best?.address ?? '127.0.0.1';
}
