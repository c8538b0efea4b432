import { describe, expect, it } from 'vitest';
import { MessageChecker, numberOf, payloadOf } from './messages.ts';

const expiryMs = 1_000;

describe('MessageChecker catches a planted fault', () => {
  it('is content with messages that come once, unaltered, in time', () => {
    const checker = new MessageChecker(expiryMs);
    const number = checker.publish(0, 100);
    for (const life of ['0.0', '1.0', '1.1'] as const) checker.delivered(life, payloadOf(number), 200);
    expect(checker.violations).toEqual([]);
    expect(checker.missing(['0.0', '1.1'], () => true)).toEqual([]);
  });

  it.each([
    ['a message that nobody published', (c: MessageChecker) => c.delivered('1.0', payloadOf(7), 0), /nobody published/],
    ['an altered one', (c: MessageChecker) => c.delivered('1.0', payloadOf(0).fill(9, 5), 0), /altered/],
    ['one that comes twice', (c: MessageChecker) => [0, 1].map((at) => c.delivered('1.0', payloadOf(0), at)), /twice/],
    ['one that comes too late', (c: MessageChecker) => c.delivered('1.0', payloadOf(0), 1_001), /after it expired/],
  ])('%s', (_, plant, expected) => {
    const checker = new MessageChecker(expiryMs);
    checker.publish(0, 0);
    plant(checker);
    expect(checker.violations).toEqual([expect.stringMatching(expected)]);
  });

  it('one that a survivor never got', () => {
    const checker = new MessageChecker(expiryMs);
    for (const atMs of [0, 10, 20]) checker.publish(4, atMs);
    checker.delivered('1.0', payloadOf(1), 15);
    expect(checker.missing(['1.0'], ({ atMs }) => atMs >= 10)).toEqual([
      '1.0 misses 1 messages, first number 2 of peer 4 at 20 ms',
    ]);
  });

  it('keeps a bounded number of sentences', () => {
    const checker = new MessageChecker(expiryMs);
    for (let i = 0; i < 1_000; i++) checker.delivered('1.0', new Uint8Array(3), 0);
    expect(checker.violations).toHaveLength(100);
  });

  it('tells payloads by number', () => {
    for (const number of [0, 1, 0x7fffffff, 0xffffffff]) expect(numberOf(payloadOf(number))).toBe(number);
    expect(numberOf(new Uint8Array(8))).toBe(-1);
  });
});
