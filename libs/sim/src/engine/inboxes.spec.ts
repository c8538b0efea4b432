import { describe, expect, it } from 'vitest';
import { Inboxes } from './inboxes.ts';

function drained(inboxes: Inboxes<string, number>, closed: readonly string[] = []): string[] {
  const taken: string[] = [];
  for (;;) {
    const next = inboxes.next((link) => !closed.includes(link));
    if (next === undefined) return taken;
    taken.push(`${next.link}${next.message}`);
  }
}

describe('inboxes', () => {
  it('are read in turn, each in order', () => {
    const inboxes = new Inboxes<string, number>();
    for (const message of [1, 2, 3]) inboxes.add('flooder ', message);
    inboxes.add('a ', 1);
    inboxes.add('b ', 1);
    expect(drained(inboxes)).toEqual(['flooder 1', 'a 1', 'b 1', 'flooder 2', 'flooder 3']);
  });

  it('of links that are gone are not read', () => {
    const inboxes = new Inboxes<string, number>();
    inboxes.add('a ', 1);
    inboxes.add('a ', 2);
    inboxes.add('b ', 1);
    expect(drained(inboxes, ['a '])).toEqual(['b 1']);
  });
});
