import { type PeerId, type PeerInfo, RecordingOutbox } from '@starling/kernel';
import { beforeEach, describe, expect, test } from 'vitest';
import { signed, testReader } from '../spec/records.ts';
import { Bans } from './bans.ts';
import { type BansConfig, defaultBansConfig } from './config.ts';
import type { BanReader, BansCommand, BansEvent, BansMessage, SignedBan } from './messages.ts';

const info = (id: PeerId): PeerInfo => ({ id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id });

class Bench {
  now = 1_000;
  verified = 0;
  readonly core: Bans;
  readonly #out = new RecordingOutbox<BansMessage, BansEvent>();

  constructor(config: Partial<BansConfig> = {}, reader: BanReader = testReader) {
    this.core = new Bans(
      { ...defaultBansConfig, ...config },
      {
        parse: (record) => reader.parse(record),
        verify: (record) => {
          this.verified++;
          return reader.verify(record);
        },
      },
    );
  }

  command(command: BansCommand) {
    this.core.handle(this.now, { kind: 'command', command }, this.#out);
    return this.#split();
  }

  meet(...ids: PeerId[]) {
    for (const id of ids) this.core.handle(this.now, { kind: 'linkUp', peer: info(id) }, this.#out);
    for (const id of ids)
      this.core.handle(this.now, { kind: 'command', command: { kind: 'neighborUp', peer: id } }, this.#out);
    return this.#split();
  }

  submit(record: SignedBan) {
    const { events, sent } = this.command({ kind: 'submit', requestId: 7, record });
    const answer = events.find((event) => event.kind === 'submitted');
    return { outcome: answer?.outcome, ban: answer?.ban, events, sent };
  }

  hear(from: PeerId, message: BansMessage) {
    this.core.handle(this.now, { kind: 'message', from, message }, this.#out);
    return this.#split();
  }

  bring(from: PeerId, ...records: SignedBan[]) {
    return this.hear(from, { kind: 'bansRecords', records });
  }

  at(now: number) {
    this.now = now;
    this.core.handle(now, { kind: 'tick' }, this.#out);
    return this.#split();
  }

  #split() {
    const effects = this.#out.take();
    return {
      events: effects.flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : [])),
      sent: effects.flatMap((effect) => (effect.kind === 'send' ? [{ to: effect.to, ...effect.message }] : [])),
    };
  }
}

const kinds = (events: readonly BansEvent[]) => events.map(({ kind }) => kind);
const violations = (events: readonly BansEvent[]) =>
  events.flatMap((event) => (event.kind === 'protocolViolation' ? [`${event.peer}: ${event.rule}`] : []));

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('a record that a client brings', () => {
  test('bans, is handed on to every neighbour, and is lifted by a newer one', () => {
    bench.meet('a', 'b');
    const record = signed({ subject: 'x', number: 5 });
    const { outcome, events, sent } = bench.submit(record);
    expect(outcome).toBe('taken');
    expect(kinds(events)).toEqual(['banned', 'recordsChanged', 'submitted']);
    expect(sent).toEqual(['a', 'b'].map((to) => ({ to, kind: 'bansRecords', records: [record] })));
    expect(bench.core.isBanned(bench.now, 'x')).toBe(true);
    const lifting = bench.submit(signed({ subject: 'x', number: 6, issuedAt: 1_000, bannedUntil: 1_000 }));
    expect(kinds(lifting.events)).toEqual(['lifted', 'recordsChanged', 'submitted']);
    expect(bench.core.isBanned(bench.now, 'x')).toBe(false);
    expect(bench.core.size).toBe(0);
    expect(bench.core.records()).toHaveLength(1);
  });

  test.each([
    ['forged', signed({ subject: 'x' }, 'bad')],
    ['unknownKey', signed({ subject: 'x' }, 'good', 'somebody')],
    ['expired', signed({ subject: 'x', bannedUntil: 900, expiresAt: 1_000 })],
    ['malformed', { statement: new Uint8Array([1, 2, 3]), signature: new Uint8Array(), key: 'operator' }],
    ['malformed', signed({ subject: '' })],
    ['malformed', signed({ subject: 'x', number: 0 })],
    ['malformed', signed({ subject: 'x', number: 1.5 })],
    ['malformed', signed({ subject: 'x', bannedUntil: 5_000, expiresAt: 4_000 })],
    ['malformed', signed({ subject: 'x', reason: 'r'.repeat(3_000) })],
  ] as const)('is refused when it is %s, and nothing changes', (reason, record) => {
    bench.meet('a');
    const { outcome, sent, events } = bench.submit(record);
    expect(outcome).toBe(reason);
    expect(sent).toEqual([]);
    expect(events[0]).toEqual({ kind: 'refused', from: null, reason });
    expect(bench.core.records()).toEqual([]);
    expect(bench.core.stats.refused[reason]).toBe(1);
  });

  test('is refused when a newer one is held, and says which', () => {
    bench.submit(signed({ subject: 'x', number: 9 }));
    expect(bench.submit(signed({ subject: 'x', number: 8 }))).toMatchObject({ outcome: 'stale', ban: { number: 9 } });
    expect(bench.submit(signed({ subject: 'x', number: 9 }))).toMatchObject({ outcome: 'known' });
  });
});

describe('a record that a peer brings', () => {
  beforeEach(() => void bench.meet('a', 'b', 'c'));

  test('is handed on to the others once it is found true', () => {
    const record = signed({ subject: 'x' });
    expect(bench.bring('a', record).sent.map(({ to }) => to)).toEqual(['b', 'c']);
    expect(bench.bring('b', record)).toEqual({ events: [], sent: [] });
    expect(bench.verified).toBe(1);
  });

  test('is held against who brings it when nobody signed it, and no other of that message is looked at', () => {
    const { events, sent } = bench.bring('a', signed({ subject: 'x' }, 'bad'), signed({ subject: 'y' }, 'bad'));
    expect(violations(events)).toEqual(['a: ban that nobody signed']);
    expect(sent).toEqual([]);
    expect(bench.verified).toBe(1);
  });

  test('by operators unknown here is held against nobody', () => {
    expect(violations(bench.bring('a', signed({ subject: 'x' }, 'good', 'somebody')).events)).toEqual([]);
  });

  test('is a replay when what replaced it was here for long; a moment after, it was on its way', () => {
    const old = signed({ subject: 'x', number: 1 });
    bench.bring('a', signed({ subject: 'x', number: 2, bannedUntil: 0 }));
    expect(violations(bench.bring('b', old).events)).toEqual([]);
    bench.now += defaultBansConfig.raceMs + 1;
    expect(violations(bench.bring('b', old).events)).toEqual(['b: ban that was replaced long ago']);
    expect(bench.core.isBanned(bench.now, 'x')).toBe(false);
  });

  test('is a replay when it expired longer ago than clocks may differ', () => {
    const old = signed({ subject: 'x', bannedUntil: 2_000, expiresAt: 2_000 });
    bench.now = 2_001;
    expect(violations(bench.bring('a', old).events)).toEqual([]);
    bench.now += defaultBansConfig.skewMs;
    expect(violations(bench.bring('a', old).events)).toEqual(['a: ban that expired long ago']);
  });

  test('is one of too many', () => {
    const records = Array.from({ length: 33 }, (_, i) => signed({ subject: `x${i}` }));
    expect(violations(bench.bring('a', ...records).events)).toEqual(['a: too many bans in one message']);
    expect(bench.core.records()).toEqual([]);
  });
});

describe('time', () => {
  test('ends a ban, and later the record', () => {
    bench.submit(signed({ subject: 'x', bannedUntil: 5_000, expiresAt: 9_000 }));
    expect(bench.core.nextDeadline()).toBe(5_000);
    expect(bench.core.isBanned(4_999, 'x')).toBe(true);
    expect(kinds(bench.at(5_000).events)).toEqual(['lifted']);
    expect(bench.core.isBanned(5_000, 'x')).toBe(false);
    expect(bench.core.nextDeadline()).toBe(9_000);
    expect(kinds(bench.at(9_000).events)).toEqual(['recordsChanged']);
    expect(bench.core.records()).toEqual([]);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test('does not end a revocation', () => {
    bench.submit(signed({ subject: 'x' }));
    bench.at(1e15);
    expect(bench.core.isBanned(1e15, 'x')).toBe(true);
  });
});

describe('comparing', () => {
  test('costs nothing while there is nothing to compare', () => {
    expect(bench.meet('a').sent).toEqual([]);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test('a newcomer is offered to compare, lists nothing, and is sent everything', () => {
    const record = signed({ subject: 'x' });
    bench.submit(record);
    const [digest] = bench.meet('late').sent;
    expect(digest).toMatchObject({ to: 'late', kind: 'bansDigest' });
    const newcomer = new Bench();
    newcomer.meet('old');
    const [list] = newcomer.hear('old', { kind: 'bansDigest', hash: (digest as { hash: number }).hash }).sent;
    expect(list).toMatchObject({ to: 'old', kind: 'bansList', bans: [], reply: false });
    const { sent } = bench.hear('late', { kind: 'bansList', bans: [], reply: false });
    expect(sent).toEqual([{ to: 'late', kind: 'bansRecords', records: [record] }]);
    newcomer.bring('old', record);
    expect(newcomer.core.isBanned(newcomer.now, 'x')).toBe(true);
    expect(newcomer.hear('old', { kind: 'bansDigest', hash: (digest as { hash: number }).hash }).sent).toEqual([]);
  });

  test('who lacks something answers a list with its own, once', () => {
    bench.submit(signed({ subject: 'x', number: 3 }));
    bench.meet('a');
    const theirs = [
      { subject: 'x', number: 4, hash: 1 },
      { subject: 'y', number: 1, hash: 2 },
    ];
    expect(bench.hear('a', { kind: 'bansList', bans: theirs, reply: false }).sent).toMatchObject([
      { kind: 'bansList', reply: true },
    ]);
    bench.now += 2_000;
    expect(bench.hear('a', { kind: 'bansList', bans: theirs, reply: true }).sent).toEqual([]);
  });

  test('a peer that asks again and again is answered once a second, and offered to compare then', () => {
    bench.submit(signed({ subject: 'x' }));
    bench.meet('a');
    const ask = () => bench.hear('a', { kind: 'bansList', bans: [], reply: false }).sent.length;
    expect([ask(), ask(), ask()]).toEqual([1, 0, 0]);
    expect(bench.core.nextDeadline()).toBe(2_000);
    expect(bench.at(2_000).sent).toMatchObject([{ to: 'a', kind: 'bansDigest' }]);
  });

  test('goes round the neighbours while there are records', () => {
    bench.meet('a', 'b');
    bench.submit(signed({ subject: 'x' }));
    const rounds = [1, 2, 3].map((n) =>
      bench.at(1_000 + n * defaultBansConfig.digestIntervalMs).sent.map(({ to }) => to),
    );
    expect(rounds).toEqual([['a'], ['b'], ['a']]);
  });

  test('a list longer than any peer holds is refused', () => {
    bench.meet('a');
    const bans = Array.from({ length: 5_000 }, (_, i) => ({ subject: `x${i}`, number: 1, hash: 1 }));
    expect(violations(bench.hear('a', { kind: 'bansList', bans, reply: false }).events)).toEqual([
      'a: list of bans too long',
    ]);
  });
});

describe('at its bound', () => {
  test('what expires first makes room; what expires before everything held is refused', () => {
    bench = new Bench({ recordsMax: 2 });
    bench.submit(signed({ subject: 'x', bannedUntil: 5_000, expiresAt: 5_000 }));
    bench.submit(signed({ subject: 'y', bannedUntil: 6_000, expiresAt: 6_000 }));
    expect(bench.submit(signed({ subject: 'z', bannedUntil: 4_000, expiresAt: 4_000 })).outcome).toBe('full');
    const { outcome, events } = bench.submit(signed({ subject: 'z' }));
    expect(outcome).toBe('taken');
    expect(events).toContainEqual({ kind: 'lifted', subject: 'x' });
    expect(bench.core.stats.evicted).toBe(1);
  });
});

describe('operators’ keys', () => {
  test('that count no longer take their bans along', () => {
    let isTrusted = true;
    bench = new Bench(
      {},
      { parse: testReader.parse, verify: (record) => (isTrusted ? testReader.verify(record) : 'unknownKey') },
    );
    bench.submit(signed({ subject: 'x' }));
    isTrusted = false;
    expect(kinds(bench.command({ kind: 'keysChanged' }).events)).toEqual(['lifted', 'recordsChanged']);
    expect(bench.core.isBanned(bench.now, 'x')).toBe(false);
  });

  test('are asked about records of an earlier life', () => {
    const { events } = bench.command({
      kind: 'restore',
      records: [signed({ subject: 'x' }), signed({ subject: 'y' }, 'bad')],
    });
    expect(kinds(events)).toEqual(['banned', 'recordsChanged', 'refused']);
    expect(violations(events)).toEqual([]);
  });
});
