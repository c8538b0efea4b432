import type { Ban, BanReader, SignedBan } from '../src/messages.ts';

/** Records whose signature is a word: `good` is an operator's, whatever else is not. The statement is the ban as JSON. */
export function signed(ban: Partial<Ban> & Pick<Ban, 'subject'>, signature = 'good', key = 'operator'): SignedBan {
  const whole: Ban = {
    number: 1,
    issuedAt: 0,
    bannedUntil: Number.POSITIVE_INFINITY,
    expiresAt: Number.POSITIVE_INFINITY,
    reason: 'a reason',
    by: 'ann',
    ...ban,
  };
  const text = JSON.stringify(whole, (_name, value) => (value === Number.POSITIVE_INFINITY ? 'never' : value));
  return { statement: bytesOf(text), signature: bytesOf(signature), key };
}

export const testReader: BanReader = {
  parse: ({ statement }) => {
    try {
      const whole = JSON.parse(textOf(statement), (_name, value) =>
        value === 'never' ? Number.POSITIVE_INFINITY : value,
      ) as Ban;
      return typeof whole === 'object' && whole !== null && typeof whole.subject === 'string' ? whole : null;
    } catch {
      return null;
    }
  },
  verify: ({ signature, key }) =>
    key !== 'operator' ? 'unknownKey' : textOf(signature) === 'good' ? 'valid' : 'forged',
};

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
