import type { Rng } from '@starling/kernel';
import type { SimMessage } from './mesh-node.ts';

/** Numbers that a decoder passes and no core may trust. */
const wrongNumbers = [-1, 1.5, Number.NaN] as const;

/** Words of a closed set on the wire: a decoder refuses any other, so none reaches a core. */
const closedSets = new Set(['kind', 'priority', 'reason', 'state', 'role']);

/**
 * A message as a broken neighbour sends it: half of them as bytes that no decoder takes (null), half with one field that
 * cannot be. Bodies stay, for nobody on the way looks into them. Nothing
 * plausible is forged: an honest mesh believes its neighbours.
 */
export function garble(message: SimMessage, rng: Rng): SimMessage | null {
  if (rng.below(2) === 0) return null;
  const fields = Object.entries(message.message).filter(([name]) => !closedSets.has(name) && name !== 'body');
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
    const names = Object.keys(value).filter((name) => !closedSets.has(name));
    const name = names[rng.below(Math.max(1, names.length))];
    return name === undefined ? value : { ...value, [name]: wrong((value as Record<string, unknown>)[name], rng) };
  }
  return value;
}
