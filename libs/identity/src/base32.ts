const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 §6 base32, lower case and without padding: safe in a DNS label, a path and a label value. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >>> bits) & 31];
    }
    // Keep only the bits not yet written, so that the shift above never leaves 32 bits.
    buffer &= (1 << bits) - 1;
  }
  if (bits > 0) text += alphabet[(buffer << (5 - bits)) & 31];
  return text;
}
