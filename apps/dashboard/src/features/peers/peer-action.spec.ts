import type { BanFacts, PeerFacts } from '@starling/topology';
import { describe, expect, it } from 'vitest';
import { actionsFor, banCommand, shellWord } from './peer-action.ts';

const peer = { state: 'ready' } as PeerFacts;
const ban: BanFacts = { by: 'ann', reason: 'floods', scope: 'peer', isAutomatic: false, until: null };

describe('what can be done to a peer', () => {
  it.each([
    ['a peer that is well', peer, ['drain', 'ban']],
    ['one that drains', { ...peer, state: 'draining' as const }, ['ban']],
    ['one that is banned by peers', { ...peer, ban }, ['drain', 'unban']],
    ['one that is banned in the mesh', { ...peer, ban: { ...ban, scope: 'mesh' as const } }, ['drain']],
  ])('%s', (_, facts, actions) => {
    expect(actionsFor(facts)).toEqual(actions);
  });
});

describe('the command of a ban in the mesh', () => {
  it('says how long and why', () => {
    expect(banCommand('peer-3', 3_600_000, 'sends rubbish')).toBe(
      "starling ban peer-3 --for 60m --reason 'sends rubbish'",
    );
    expect(banCommand('peer-3', null, '')).toBe('starling ban peer-3 --forever --reason why');
  });

  it('is one that a shell reads as it is meant, whatever the reason is', () => {
    expect(shellWord("it's $(rm) `x`")).toBe("'it'\\''s $(rm) `x`'");
    expect(shellWord('')).toBe("''");
  });
});
