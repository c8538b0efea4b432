import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseTokenList, TokenList, tokensMax } from './token-list.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const line = (role: string, name: string, token: string, more = ''): string =>
  `${role} ${name} sha256:${hashOf(token)}${more}`;

function listOf(text: string): TokenList {
  const result = parseTokenList(text);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return new TokenList(result.entries);
}

function problemsOf(text: string): readonly string[] {
  const result = parseTokenList(text);
  return result.ok ? [] : result.problems;
}

describe('a list of tokens', () => {
  it('finds a token by its hash, with its role and name, and nothing else', () => {
    const list = listOf(
      `# the dashboard\n${line('viewer', 'dashboard', 'one')}\r\n\n  ${line('operator', 'ann@example', 'two')}\n`,
    );
    expect(list.size).toBe(2);
    expect(list.find('one')).toMatchObject({ role: 'viewer', name: 'dashboard', expiresAt: Number.POSITIVE_INFINITY });
    expect(list.find('two')).toMatchObject({ role: 'operator', name: 'ann@example' });
    for (const wrong of ['', 'One', 'three', hashOf('one'), `sha256:${hashOf('one')}`]) {
      expect(list.find(wrong)).toBeNull();
    }
  });

  it('takes hashes in capitals and reads when a token ends', () => {
    const text = `client ci sha256:${hashOf('x').toUpperCase()} expires:2027-01-31T00:00:00Z`;
    expect(listOf(text).find('x')).toMatchObject({ expiresAt: Date.UTC(2027, 0, 31) });
  });

  it('says of an entry of an older list whether it still stands, with the same rights', () => {
    const entry = listOf(line('client', 'a', 'x')).find('x');
    if (entry === null) throw new Error('not found');
    expect(listOf(line('client', 'renamed', 'x')).holds(entry)).toBe(true);
    expect(listOf(line('viewer', 'a', 'x')).holds(entry)).toBe(false);
    expect(listOf(line('client', 'a', 'x', ' expires:2027-01-31T00:00:00Z')).holds(entry)).toBe(false);
    expect(listOf(line('client', 'a', 'y')).holds(entry)).toBe(false);
  });

  it.each([
    [
      'a role that there is none of',
      `root x sha256:${hashOf('x')}`,
      'line 1: the role must be viewer, responder, client, operator',
    ],
    ['a name with a space after it', 'client a b', 'line 1: the third word must be sha256: and 64'],
    ['a token instead of its hash', '\nclient a starling_client_x', 'line 2: the third word must be sha256: and 64'],
    ['a hash cut short', 'client a sha256:abcd', 'line 1: the third word'],
    ['a name with a quote', `client "a" sha256:${hashOf('x')}`, 'line 1: the name must be'],
    ['an end that is no time', line('client', 'a', 'x', ' expires:tomorrow'), 'line 1: the fourth word'],
    ['an end that is no day', line('client', 'a', 'x', ' expires:2027-02-31T99:00:00Z'), 'line 1: the fourth word'],
    ['more words', line('client', 'a', 'x', ' expires:2027-01-31T00:00:00Z y z'), 'line 1: there are 2 words too many'],
    [
      'a token twice',
      `${line('client', 'a', 'x')}\n${line('viewer', 'b', 'x')}`,
      'line 2: the same token as in line 1',
    ],
  ])('refuses %s, with its line', (_what, text, expected) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(expected)]);
  });

  it('never repeats what may be a secret', () => {
    const secret = 'starling_client_0123456789abcdef';
    expect(problemsOf(`${secret} a b\nclient a ${secret}\nclient ${secret}! c`).join('\n')).not.toContain('0123456789');
  });

  it('refuses more tokens than are looked after', () => {
    const lines = Array.from({ length: tokensMax + 1 }, (_, i) => line('client', 'a', String(i)));
    expect(problemsOf(lines.join('\n'))).toEqual([`${tokensMax + 1} tokens: at most ${tokensMax} are read`]);
  });
});
