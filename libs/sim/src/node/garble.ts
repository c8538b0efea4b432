import type { Rng } from '@starling/kernel';
import type { SimMessage } from './mesh-node.ts';

/** Numbers that a decoder passes and no core may trust. */
const wrongNumbers = [-1, 1.5, Number.NaN] as const;

/**
 * A message as a broken neighbour sends it: half of them as bytes that no decoder takes (null), half with one field that
 * cannot be. Kinds and bodies stay: the decoder knows the first, and nobody on the way looks into the second. Nothing
 * plausible is forged: an honest mesh believes its neighbours.
 */
export function garble(message: SimMessage, rng: Rng): SimMessage | null {
  if (rng.below(2) === 0) return null;
  const fields = Object.entries(message.message).filter(([name]) => name !== 'kind' && name !== 'body');
  const picked = fields[rng.below(Math.max(1, fields.length))];
  if (picked === undefined) return message;
  const [name, value] = picked;
  return { ...message, message: { ...message.message, [name]: wrong(value, rng) } } as SimMessage;
}

function wrong(value: unknown, rng: Rng): unknown {
  if (typeof value === 'number') return wrongNumbers[rng.below(wrongNumbers.length)];
  if (typeof value === 'string') return '';
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return value.map((item) => wrong(item, rng));
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    const name = names[rng.below(Math.max(1, names.length))];
    return name === undefined ? value : { ...value, [name]: wrong((value as Record<string, unknown>)[name], rng) };
  }
  return value;
}
