import { createServer } from 'node:net';

/** The ports of peer `index` when the first peer's links are at `basePort`. */
export function portsOf(basePort: number, index: number) {
  const link = basePort + 10 * index;
  return { link, api: link + 1, http: link + 2 };
}

/** Resolves with true when nothing listens on the port of 127.0.0.1. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** The first of the ports that something else holds; undefined when all are free. */
export async function firstTaken(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (!(await isPortFree(port))) return port;
  return undefined;
}
