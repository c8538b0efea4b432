import { describe, expect, it } from 'vitest';
import { previewOf } from './preview.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('what people are shown of bytes', () => {
  it('is their text, cut between characters', () => {
    expect(previewOf(bytesOf('grüße'))).toEqual({ preview: 'grüße', isText: true, bytes: 7 });
    const long = previewOf(bytesOf(`a${'ü'.repeat(4_000)}`));
    expect(long).toEqual({ preview: `a${'ü'.repeat(2_047)}`, isText: true, bytes: 8_001 });
  });

  it('or the first of them, when they are no text', () => {
    expect(previewOf(Uint8Array.of(0xff, 0x00))).toEqual({ preview: 'ff00', isText: false, bytes: 2 });
    expect(previewOf(new Uint8Array(1_000).fill(0xff)).preview).toHaveLength(512);
  });
});
