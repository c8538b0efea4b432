import { describe, expect, it } from 'vitest';
import { AddressBook } from './address-book.ts';

describe('the address book', () => {
  it('begins with what is configured, in its order', () => {
    expect(new AddressBook(['b:1', 'a:1']).candidates(0)).toEqual(['b:1', 'a:1']);
  });

  it('puts the last that answered first, and learnt ones behind', () => {
    const book = new AddressBook(['a:1', 'b:1']);
    book.learn(['c:1', 'a:1', '']);
    book.succeeded('c:1');
    expect(book.candidates(0)).toEqual(['c:1', 'a:1', 'b:1']);
  });

  it('tries what failed lately last, the longest ago first, and forgives', () => {
    const book = new AddressBook(['a:1', 'b:1', 'c:1']);
    book.failed('b:1', 1_000);
    book.failed('a:1', 2_000);
    expect(book.candidates(2_500)).toEqual(['c:1', 'b:1', 'a:1']);
    expect(book.candidates(10_000)).toEqual(['a:1', 'b:1', 'c:1']);
  });

  it('keeps 256 learnt addresses, the latest', () => {
    const book = new AddressBook([]);
    book.learn(Array.from({ length: 300 }, (_, i) => `peer-${i}:1`));
    expect(book.size).toBe(256);
    expect(book.candidates(0)).toContain('peer-299:1');
    expect(book.candidates(0)).not.toContain('peer-0:1');
  });
});
