/** Characters, or bytes before they are text, that a browser is sent of a payload or a record's value. */
const previewMax = 4_096;

/** What people are shown of bytes: their text, cut; or, when they are none, the first of them in hexadecimal. */
export interface Preview {
  readonly preview: string;
  readonly isText: boolean;
  /** Of the whole. */
  readonly bytes: number;
}

/** Never throws. */
export function previewOf(bytes: Uint8Array): Preview {
  const text = textOf(bytes.subarray(0, previewMax));
  return {
    preview: text ?? Buffer.from(bytes.subarray(0, 256)).toString('hex'),
    isText: text !== null,
    bytes: bytes.byteLength,
  };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    // `stream` forgives a character that the cut went through.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}
