import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SmallMap } from './small-map.ts';

const step = fc.record({
  what: fc.constantFrom('set', 'set', 'set', 'delete', 'get', 'clear'),
  key: fc.integer({ min: 0, max: 40 }).map(String),
  rare: fc.nat({ max: 30 }),
});

it('holds what a Map holds, in the same order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const map = new SmallMap<number>();
      const twin = new Map<string, number>();
      for (const [i, { what, key, rare }] of steps.entries()) {
        if (what === 'set') {
          map.set(key, i);
          twin.set(key, i);
        } else if (what === 'delete') expect(map.delete(key)).toBe(twin.delete(key));
        else if (what === 'clear' && rare === 0) {
          map.clear();
          twin.clear();
        }
        expect(map.get(key)).toBe(twin.get(key));
        expect(map.has(key)).toBe(twin.has(key));
        expect(map.size).toBe(twin.size);
      }
      expect(map.keys()).toEqual([...twin.keys()]);
      expect(map.values()).toEqual([...twin.values()]);
    }),
  );
});
