import { defaultFrameLimits, FrameDecoder } from '@starling/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Inbound, isStale, winsOver } from './handshake.ts';
import { unsecured } from './mutual-tls.ts';
import { rawHello } from './test-support/raw-peer.ts';

/** A stream of the other side that this peer has answered with its hello number `number`. */
function answered(number: number): Inbound {
  const stream = {
    from: '127.0.0.1:1',
    handler: { frame() {}, ended() {} },
    over: false,
    write() {},
    end() {},
    hangUp() {},
    abort() {},
  };
  const timer = setTimeout(() => {}, 0);
  clearTimeout(timer);
  return { stream, decoder: new FrameDecoder(defaultFrameLimits), timer, proof: unsecured, hello: null, number };
}

describe('two peers that have dialled each other', () => {
  it('choose the same stream when each dialled before it answered: that of the lower id', () => {
    const numbers = fc
      .uniqueArray(fc.nat(), { minLength: 2, maxLength: 2 })
      .map(([a = 0, b = 0]) => [Math.min(a, b), Math.max(a, b)]);
    fc.assert(
      fc.property(numbers, numbers, ([aDial = 0, aAnswer = 0], [bDial = 0, bAnswer = 0]) => {
        expect(winsOver({ id: 'a', number: aDial }, answered(aAnswer), 'b')).toBe(true);
        expect(winsOver({ id: 'b', number: bDial }, answered(bAnswer), 'a')).toBe(false);
      }),
    );
  });

  it('let the other win when the own dial began after it was answered: it may be confirmed already', () => {
    expect(winsOver({ id: 'a', number: 6 }, answered(5), 'b')).toBe(false);
  });
});

describe('a hello that comes while there is a link', () => {
  it.each([
    ['the same life, said before the hello of the link: it crossed it', 7n, 4, true],
    ['the same life, said after: the link is lost over there', 7n, 6, false],
    ['another life: numbers began anew', 8n, 4, false],
  ])('%s', (_, session, number, stale) => {
    expect(isStale(rawHello('b', { session, number }), { session: 7n, number: 5 })).toBe(stale);
  });
});
