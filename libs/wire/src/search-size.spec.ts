import { estimatedBytes, type SearchMessage } from '@starling/core-search';
import { describe, expect, it } from 'vitest';
import { outgoingBytes, toOutgoing } from './frame-codec.ts';

const peer = 'a'.repeat(52);
const queryId = `${peer}/${peer}/123`;
const hit = { peer, documentId: 'product-4711', score: 7.25, document: `{"title":"${'murmuration '.repeat(20)}"}` };
const counts = { asked: 12, answered: 11, messages: 300, bytes: 40_000, missing: 1 };

const messages: readonly SearchMessage[] = [
  { kind: 'query', queryId, wave: 1, text: 'murmuration at dusk', limit: 20, timeoutMs: 4_750.5, hops: 3, tree: 7 },
  { kind: 'answer', queryId, wave: 1, hits: [hit, hit, hit], done: counts },
  { kind: 'decline', queryId, wave: 1 },
  { kind: 'cancel', queryId },
  {
    kind: 'seek',
    queryId,
    strategy: 'walk',
    round: 2,
    text: 'murmuration at dusk',
    limit: 20,
    timeoutMs: 4_750.5,
    roundMs: 900.5,
    hops: 3,
    steps: 4,
    walkers: 2,
    budget: 24,
    terms: [[1, 2, 3_000_000_000], [4]],
    resume: true,
  },
  { kind: 'found', queryId, round: 2, hits: [hit], done: { ...counts, declined: false, walkers: 2, edges: 4 } },
  { kind: 'found', queryId, round: 2, hits: [], done: null },
];

describe('what a query says that it cost in bytes', () => {
  it.each(messages.map((message) => [message.kind, message] as const))('%s is estimated to a fifth', (_, message) => {
    const encoded = outgoingBytes(toOutgoing({ area: 'search', message }));
    expect(estimatedBytes(message)).toBeGreaterThan(0.8 * encoded);
    expect(estimatedBytes(message)).toBeLessThan(1.2 * encoded);
  });
});
