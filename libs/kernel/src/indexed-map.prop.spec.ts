import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IndexedMap } from './indexed-map.ts';

const step = fc.record({
  what: fc.constantFrom('set', 'set', 'delete'),
  key: fc.integer({ min: 0, max: 24 }).map((number) => `p${number}`),
  value: fc.nat(),
});

it('holds what a map holds, with few keys and with many, and lies in the order that its promise decides', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const map = new IndexedMap<string, number>();
      const twin = new Map<string, number>();
      const order: string[] = [];
      for (const { what, key, value } of steps) {
        if (what === 'set') {
          if (!twin.has(key)) order.push(key);
          map.set(key, value);
          twin.set(key, value);
        } else {
          expect(map.delete(key)).toBe(twin.delete(key));
          const at = order.indexOf(key);
          // The last entry moves into the hole.
          const last = at < 0 ? undefined : order.pop();
          if (last !== undefined && at < order.length) order[at] = last;
        }
        expect(map.size).toBe(twin.size);
        expect(map.keys()).toEqual(order);
        expect(map.values()).toEqual(order.map((one) => twin.get(one)));
        expect(map.has(key)).toBe(twin.has(key));
        expect(map.get(key)).toBe(twin.get(key));
      }
    }),
  );
});
