import { describe, expect, it } from 'vitest';
import { counted, json, payloadText, printable, shortId, table } from './output.ts';

describe('a table', () => {
  it('has columns as wide as their widest cell, and nothing after the last one', () => {
    expect(
      table(
        ['NAME', 'AT'],
        [
          ['a', '127.0.0.1:1'],
          ['peer-10', ''],
        ],
      ),
    ).toBe('NAME     AT\na        127.0.0.1:1\npeer-10');
  });

  it('has one line a row, whatever a peer calls itself', () => {
    const text = table(['NAME', 'AT'], [['evil\npeer-9  127.0.0.1:9', 'x']]);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toContain('evil\\npeer-9');
  });
});

describe('text of others', () => {
  it.each([
    ['a colour', '\u001b[31mred', '\\u001b[31mred'],
    ['a bell', '\u0007', '\\u0007'],
    ['a C1 control', '\u009b2J', '\\u009b2J'],
    ['a return to the start of the line', 'a\rb', 'a\\rb'],
    ['a second line', 'a\nb', 'a\\nb'],
    ['a direction override', 'a\u202eb', 'a\\u202eb'],
    ['nothing special', 'Größe 🐦 "x" \\n', 'Größe 🐦 "x" \\n'],
  ])('is shown and not obeyed: %s', (_what, text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});

describe('JSON', () => {
  it('has 64-bit numbers as strings and times as ISO 8601', () => {
    expect(json({ sequence: 2n ** 60n, at: new Date(0) })).toBe(
      '{"sequence":"1152921504606846976","at":"1970-01-01T00:00:00.000Z"}',
    );
  });
});

describe('a payload', () => {
  it.each([
    ['text', Buffer.from('hällo'), { text: 'hällo', encoding: 'utf8' }],
    ['nothing', Buffer.alloc(0), { text: '', encoding: 'utf8' }],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0x00]), { text: '/wA=', encoding: 'base64' }],
    ['a cut character', Buffer.from([0xc3]), { text: 'ww==', encoding: 'base64' }],
  ])('of %s', (_what, payload, expected) => {
    expect(payloadText(payload)).toEqual(expected);
  });
});

describe('small words', () => {
  it('count one and many', () => {
    expect([counted(0, 'hit'), counted(1, 'hit'), counted(2, 'hit')]).toEqual(['0 hits', '1 hit', '2 hits']);
  });

  it('shorten ids to ten characters', () => {
    expect(shortId('qv2r5imsljaaaaaa')).toBe('qv2r5imslj');
  });
});
