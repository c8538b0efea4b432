/**
 * The library that writes certificates and requests. Loaded when the first one is written: a peer that has its certificate
 * only reads, which Node does itself.
 */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  // tsyringe, below it, asks for this at once.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Of all keys here. */
export const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
