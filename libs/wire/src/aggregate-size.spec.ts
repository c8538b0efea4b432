import { type AggregateMessage, estimatedBytes, type PartialData } from '@starling/core-aggregate';
import { describe, expect, it } from 'vitest';
import { outgoingBytes, toOutgoing } from './frame-codec.ts';

const peer = 'a'.repeat(52);
const queryId = `${peer}/12`;
const text = 'zone, count(*), p99(rtt), max(version) where version != 1.4 group by zone';
const number = { count: 412, sum: 1_830.25, min: 0.25, max: 41.5, least: '', most: '' };
const bins = Array.from({ length: 60 }, (_, at) => at - 20);
const sketch = { zeros: 0, indexes: bins, counts: bins.map(() => 7) };
const version = { count: 58, sum: 0, min: 0, max: 0, least: '1.3.9', most: '1.10.0-rc.1', sketch: null };
const group = (zone: string) => ({ key: [zone], peers: 58, cells: [{ ...number, sketch }, version] });
const partial: PartialData = {
  groups: [group('eu-west-1'), group('eu-west-2'), group('us-east-1')],
  cut: ['us-west-1'],
  other: { ...group(''), key: [] },
};
const tally = { answered: 232, missing: 1, messages: 460, bytes: 90_000, lost: [{ peer, reason: 'late' as const }] };

const messages: readonly [string, AggregateMessage][] = [
  ['a question', { kind: 'aggregateQuery', queryId, wave: 0, text, timeoutMs: 4_750.5, hops: 3, tree: 7 }],
  ['an answer with groups', { kind: 'aggregateAnswer', queryId, wave: 1, partial, tally }],
  [
    'an answer of a leaf',
    {
      kind: 'aggregateAnswer',
      queryId,
      wave: 0,
      partial: {
        groups: [{ key: ['eu-west-1'], peers: 1, cells: [{ ...number, sketch: null }] }],
        cut: null,
        other: null,
      },
      tally: { answered: 1, missing: 0, messages: 0, bytes: 0, lost: [] },
    },
  ],
  ['a decline', { kind: 'aggregateDecline', queryId, wave: 1 }],
  ['a cancel', { kind: 'aggregateCancel', queryId }],
];

describe('what a question about peers says that it cost in bytes', () => {
  it.each(messages)('%s is estimated to a fifth', (_, message) => {
    const encoded = outgoingBytes(toOutgoing({ area: 'aggregate', message }));
    expect(estimatedBytes(message) / encoded).toBeGreaterThan(0.8);
    expect(estimatedBytes(message) / encoded).toBeLessThan(1.2);
  });
});
