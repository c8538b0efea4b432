import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holds } from './condition.ts';
import { parsePeersQuery } from './parse.ts';

const pieces = [
  ...[
    'zone',
    'rtt',
    'version',
    'active',
    'count(*)',
    'p99(rtt)',
    'where',
    'group by',
    'order by',
    'limit',
    'and',
    'or',
  ],
  ...['not', 'in', 'like', 'prefix', '=', '!=', '<', '(', ')', ',', '*', "'", '"', '5', '1.4', '50ms', 'x', '💥', ' '],
];
const texts = fc.oneof(
  fc.array(fc.constantFrom(...pieces)).map((parts) => parts.join(' ')),
  fc.string(),
);

it('any text is a question or a problem with a place inside it', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const result = parsePeersQuery(text);
      if (result.ok) {
        if (result.query.where !== null) expect(typeof holds(result.query.where, {})).toBe('boolean');
        return;
      }
      expect(result.at).toBeGreaterThanOrEqual(0);
      expect(result.end).toBeGreaterThanOrEqual(result.at);
      expect(result.end).toBeLessThanOrEqual(Math.max(text.length, result.at));
      expect(result.problem).not.toBe('');
    }),
  );
});
