import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DeadlineQueue } from './deadline-queue.ts';

const timeoutMs = 10;
const step = fc.record({
  what: fc.constantFrom('arm', 'arm', 'cancel', 'expire', 'next'),
  key: fc.integer({ min: 0, max: 6 }),
  passMs: fc.nat({ max: 4 }),
});

it('expires what a list without any shortcut expires, in that order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const queue = new DeadlineQueue<number>(timeoutMs);
      let twin: { readonly key: number; readonly at: number }[] = [];
      let now = 0;
      for (const { what, key, passMs } of steps) {
        now += passMs;
        const first = twin[0];
        switch (what) {
          case 'arm':
            queue.arm(now, key);
            twin = [...twin.filter((one) => one.key !== key), { key, at: now + timeoutMs }];
            break;
          case 'cancel':
            expect(queue.cancel(key)).toBe(twin.some((one) => one.key === key));
            twin = twin.filter((one) => one.key !== key);
            break;
          case 'expire': {
            const due = first !== undefined && first.at <= now ? first.key : undefined;
            expect(queue.expire(now)).toBe(due);
            if (due !== undefined) twin = twin.slice(1);
            break;
          }
          case 'next':
            expect(queue.next()).toBe(first?.at ?? Number.POSITIVE_INFINITY);
            break;
        }
        expect(queue.size).toBe(twin.length);
        expect(queue.has(key)).toBe(twin.some((one) => one.key === key));
      }
    }),
  );
});
