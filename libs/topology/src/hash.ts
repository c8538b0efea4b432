/** A 32-bit hash of a string (FNV-1a with a final avalanche): the same on every machine. Not for secrets. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // FNV alone leaves neighbours ("peer-1", "peer-2") close together; layouts need them spread.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** `hash32` as a fraction in [0, 1). */
export function hashUnit(text: string): number {
  return hash32(text) / 0x1_0000_0000;
}
