const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** RFC 4648 §5, without padding. Written out, for this library runs where there is neither `Buffer` nor `btoa`. */
export function encodeBase64Url(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[group >>> 18] as string;
    text += alphabet[(group >>> 12) & 63] as string;
    if (i + 1 < bytes.length) text += alphabet[(group >>> 6) & 63] as string;
    if (i + 2 < bytes.length) text += alphabet[group & 63] as string;
  }
  return text;
}

/** Null when the text is no unpadded base64url. */
export function decodeBase64Url(text: string): number[] | null {
  if (text.length % 4 === 1) return null;
  const bytes: number[] = [];
  let group = 0;
  let bits = 0;
  for (const char of text) {
    const value = alphabet.indexOf(char);
    if (value < 0) return null;
    group = ((group << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((group >>> bits) & 255);
    }
  }
  // The bits left over carry nothing: only zero is canonical, so that one cursor has one text.
  return (group & ((1 << bits) - 1)) === 0 ? bytes : null;
}
