import type { PeerInfo } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { checkOverlay, checkViews } from './views.ts';

const info = (id: string): PeerInfo => ({ id, address: '', apiAddress: '', incarnation: 1, zone: '', name: '' });
const infos = (ids: string): PeerInfo[] => [...ids].map(info);
const bounds = { activeMax: 2, passiveMax: 3 };

describe('checkViews catches a planted fault', () => {
  it.each([
    ['nothing wrong', 'bc', 'def', null],
    ['too many neighbours', 'bcd', '', /3 neighbours, more than 2/],
    ['too many spares', 'b', 'cdef', /4 spares, more than 3/],
    ['itself as a neighbour', 'ba', '', /own active view/],
    ['itself as a spare', 'b', 'ca', /own passive view/],
    ['a peer in both views', 'bc', 'dc', /c in both views/],
  ])('%s', (_, active, passive, expected) => {
    const found = checkViews('a', infos(active), infos(passive), (id) => active.includes(id), bounds);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatch(expected);
  });
});

describe('checkOverlay catches a planted fault', () => {
  const overlay = (text: string): string[] =>
    checkOverlay(text.split(' ').map(([id, ...neighbors]) => ({ id: id as string, neighbors })));

  it.each([
    ['a whole mesh', 'abc bac cab', []],
    ['a dead neighbour', 'abx ba', ['a keeps x, which is gone']],
    ['a one-sided link', 'abc bac cb', ['a has c as a neighbour, but not the other way round']],
    ['two islands', 'ab ba cd dc', ['4 peers are not one mesh: 2 reach each other']],
    ['a lone peer', 'ab ba c', ['c is alone', '3 peers are not one mesh: 2 reach each other']],
  ])('%s', (_, text, expected) => expect(overlay(text)).toEqual(expected));

  it('leaves a mesh of one in peace', () => expect(overlay('a')).toEqual([]));
});
