import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Ban, PeerCondition, PeerState } from '@starling/wire';
import { describe, expect, it } from 'vitest';
import { diagnose, spanOf } from './diagnosis.ts';
import type { Examined, Probed } from './probe.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const names = ['a', 'b', 'c', 'd'];
const member = (name: string) =>
  ({
    id: name,
    name,
    apiAddress: `${name}:1`,
    linkAddress: `${name}:2`,
    version: '1',
    state: PeerState.READY,
  }) as never;

function well(name: string, changes: Partial<Examined> = {}): Probed {
  return {
    ok: true,
    address: `${name}:1`,
    peer: member(name),
    mesh: 'm',
    neighbors: names.filter((other) => other !== name),
    members: names.map(member),
    bans: [],
    operatorKeys: ['k'],
    clockAheadMs: 3,
    clockErrorMs: 5,
    caller: 'me',
    callerRole: 'viewer',
    deliveryRatio: 1,
    certificateValidFrom: now - 4 * hour,
    certificateExpiresAt: now + 20 * hour,
    authorityExpiresAt: now + 1_000 * 24 * hour,
    conditions: [],
    ...changes,
  };
}

const ill = (name: string, changes: Partial<Examined>) => names.map((each) => well(each, each === name ? changes : {}));
const unreached = (message: string, code = 'UNAVAILABLE', reason = 'UNREACHABLE'): Probed => ({
  ok: false,
  address: 'd:1',
  message,
  code,
  reason,
});
const judge = (probed: readonly Probed[], isEncrypted = true) => diagnose(probed, { now, isEncrypted });
const troubles = (probed: readonly Probed[]) => judge(probed).filter(({ level }) => level !== 'ok');
const ban = (peerId: string, number: bigint) => ({ peerId, number, by: 'ann', reason: 'floods' }) as Ban;
const withPeer = (name: string, changes: object) => ({ ...(member(name) as object), ...changes }) as never;

describe('a mesh that is well', () => {
  it('has nothing but good lines', () => {
    const findings = judge(names.map((name) => well(name)));
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      'reachable',
      'encryption',
      'token',
      'certificate',
      'authority',
      'clock',
      'coverage',
      'links',
      'state',
      'version',
      'delivery',
      'neighbors',
      'cache',
      'bans',
    ]);
  });
});

describe('a mesh where something is wrong', () => {
  it.each([
    ['no link', ill('c', { neighbors: [] }), 'links', 'fail', /^c has no link$/],
    ['one link', ill('c', { neighbors: ['a'] }), 'links', 'warn', /^c has a single link/],
    [
      'islands',
      ill('c', { members: [member('c')], neighbors: ['x', 'y'] }),
      'coverage',
      'fail',
      /^c does not know a, b and 1 more$/,
    ],
    ['two versions', ill('b', { peer: withPeer('b', { version: '2' }) }), 'version', 'warn', /2 versions: 1, 2/],
    [
      'a peer that starts',
      ill('b', { peer: withPeer('b', { state: PeerState.STARTING }) }),
      'state',
      'warn',
      /b is not ready/,
    ],
    [
      'a peer that leaves',
      ill('b', { peer: withPeer('b', { state: PeerState.DRAINING }) }),
      'state',
      'note',
      /b is leaving/,
    ],
    [
      'a late certificate',
      ill('b', { certificateValidFrom: now - 21 * hour, certificateExpiresAt: now + 3 * hour }),
      'certificate',
      'warn',
      /at b\) expires in 3 h/,
    ],
    ['an expired certificate', ill('b', { certificateExpiresAt: now - 1 }), 'certificate', 'fail', /at b\) expired at/],
    [
      'an old authority',
      ill('b', { authorityExpiresAt: now + 9 * 24 * hour }),
      'authority',
      'warn',
      /expires in 9 days/,
    ],
    ['a clock ahead', ill('b', { clockAheadMs: 9_000 }), 'clock', 'warn', /b is 9 s ahead of/],
    ['a clock far behind', ill('b', { clockAheadMs: -hour }), 'clock', 'fail', /b is 60 min behind/],
    ['lost canaries', ill('b', { deliveryRatio: 0.98 }), 'delivery', 'warn', /^98 % of the canaries arrive at b$/],
    [
      'neighbours that keep something back',
      ill('b', { conditions: [PeerCondition.NEIGHBORS_BYPASSED] }),
      'neighbors',
      'warn',
      /^neighbours of b do not pass everything on/,
    ],
    ['a full disk', ill('b', { conditions: [PeerCondition.CACHE_UNWRITTEN] }), 'cache', 'warn', /^b cannot write to/],
    ['no tokens', ill('b', { caller: '', callerRole: '' }), 'token', 'warn', /^b asks for no token/],
    ['other tokens', ill('b', { caller: 'you' }), 'token', 'warn', /different callers: me \(viewer\), you \(viewer\)/],
    ['other operators', ill('b', { operatorKeys: [] }), 'operators', 'warn', /different operators/],
  ] as const)('%s: says so, and what to do', (_what, probed, check, level, words) => {
    expect(troubles(probed)).toEqual([
      expect.objectContaining({
        check,
        level,
        text: expect.stringMatching(words),
        ...(level !== 'note' && { advice: expect.any(String) }),
      }),
    ]);
  });

  it.each([
    ['its certificate is refused: certificate has expired', 'UNAVAILABLE', /was not renewed/],
    ['its certificate is refused: self-signed certificate', 'UNAVAILABLE', /check --ca/],
    ['it does not encrypt', 'UNAVAILABLE', /runs without TLS/],
    ['the token is not known', 'UNAUTHENTICATED', /does not take this token/],
    ['connection refused', 'UNAVAILABLE', /is the process running/],
  ])('a peer that cannot be asked: %s', (message, code, advice) => {
    const probed = [...names.slice(0, 3).map((name) => well(name)), unreached(message, code)];
    expect(troubles(probed)).toMatchObject([
      { check: 'reachable', level: 'warn', text: '3 of 4 peers asked answer' },
      { check: 'peer', level: 'fail', text: `d (d:1): ${message}`, advice: expect.stringMatching(advice) },
    ]);
  });

  it('of which nobody answers says no more than that', () => {
    expect(judge([unreached('connection refused')]).map(({ check, level }) => `${check} ${level}`)).toEqual([
      'reachable fail',
      'peer fail',
      'encryption ok',
    ]);
  });

  it('that does not encrypt', () => {
    expect(judge([well('a')], false)).toContainEqual(expect.objectContaining({ check: 'encryption', level: 'warn' }));
  });
});

describe('bans', () => {
  it('in force are told, and who is banned is missed by nobody', () => {
    const known = names.slice(0, 3).map((name) => well(name, { bans: [ban('d', 1n)], neighbors: ['a', 'b'] }));
    expect(troubles([...known, unreached('connection refused')])).toMatchObject([
      { check: 'reachable', level: 'warn' },
      { check: 'peer', level: 'note' },
      { check: 'bans', level: 'note', text: 'd is banned by ann for good: floods' },
    ]);
    const alone = well('d', { neighbors: [], bans: [ban('d', 1n)] });
    expect(troubles([...known, alone]).map(({ check }) => check)).toEqual(['bans']);
  });

  it('that not all know are worth a look', () => {
    const until = timestampFromMs(now);
    const probed = ill('b', { bans: [{ ...ban('x', 1n), until }] });
    expect(troubles(probed)).toMatchObject([
      { level: 'note', text: expect.stringMatching(/^x is banned by ann until 2027-01-15T08:00:00.000Z/) },
      { check: 'bans', level: 'warn', text: 'not all peers know the same bans' },
    ]);
  });
});

it.each([
  [3, '3 ms'],
  [90_000, '90 s'],
  [hour, '60 min'],
  [20 * hour, '20 h'],
  [9 * 24 * hour, '9 days'],
])('%d ms are %s', (ms, text) => expect(spanOf(ms)).toBe(text));
