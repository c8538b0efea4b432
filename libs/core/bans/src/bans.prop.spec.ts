import { type PeerId, RecordingOutbox } from '@starling/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signed, testReader } from '../spec/records.ts';
import { Bans } from './bans.ts';
import { defaultBansConfig } from './config.ts';
import type { BansEvent, BansMessage, SignedBan } from './messages.ts';

const time = fc.constantFrom(0, 100, 500, 900, Number.POSITIVE_INFINITY);
const record: fc.Arbitrary<SignedBan> = fc
  .record({
    subject: fc.constantFrom('x', 'y', 'z'),
    number: fc.integer({ min: 1, max: 4 }),
    bannedUntil: time,
    expiresAt: time,
    reason: fc.constantFrom('a', 'b'),
    signature: fc.constantFrom('good', 'good', 'good', 'bad'),
  })
  .map(({ signature, expiresAt, ...ban }) =>
    signed({ ...ban, expiresAt: Math.max(expiresAt, ban.bannedUntil) }, signature),
  );

function told(records: readonly SignedBan[], now: number): Bans {
  const core = new Bans(defaultBansConfig, testReader);
  const out = new RecordingOutbox<BansMessage, BansEvent>();
  for (const each of records) {
    core.handle(now, { kind: 'message', from: 'a', message: { kind: 'bansRecords', records: [each] } }, out);
  }
  return core;
}

const held = (core: Bans) =>
  core
    .records()
    .map(({ ban }) => ban)
    .sort((a, b) => (a.subject < b.subject ? -1 : 1));

test('whatever the order, and however often each comes, the same records are held, and they are the newest signed ones', () => {
  fc.assert(
    fc.property(
      fc
        .array(record, { maxLength: 20 })
        .chain((records) =>
          fc.tuple(
            fc.constant(records),
            fc.shuffledSubarray([...records, ...records, ...records], { minLength: records.length * 3 }),
          ),
        ),
      ([records, shuffled]) => {
        const once = held(told(records, 50));
        expect(held(told(shuffled, 50))).toEqual(once);
        for (const subject of ['x', 'y', 'z']) {
          const valid = records
            .filter((each) => testReader.verify(each) === 'valid')
            .map((each) => testReader.parse(each))
            .filter((ban) => ban?.subject === subject && ban.expiresAt > 50)
            .map((ban) => ban?.number ?? 0);
          const kept = once.find((ban) => ban.subject === subject)?.number;
          expect(kept).toBe(valid.length === 0 ? undefined : Math.max(...valid));
        }
      },
    ),
  );
});

test('two peers that were told different things agree once they have linked', () => {
  fc.assert(
    fc.property(fc.array(record), fc.array(record), (mine, theirs) => {
      const cores = new Map<PeerId, Bans>([
        ['a', told(mine, 50)],
        ['b', told(theirs, 50)],
      ]);
      const queue: { from: PeerId; to: PeerId; message: BansMessage }[] = [];
      const drive = (id: PeerId, input: Parameters<Bans['handle']>[1]) => {
        cores.get(id)?.handle(50, input, {
          open: () => {},
          close: () => {},
          emit: () => {},
          send: (to, message) => void queue.push({ from: id, to, message }),
        });
      };
      for (const [id, other] of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const) {
        const peer = { id: other, address: '', apiAddress: '', incarnation: 1, zone: '', name: '' };
        drive(id, { kind: 'linkUp', peer });
        drive(id, { kind: 'command', command: { kind: 'neighborUp', peer: other } });
      }
      for (let steps = 0; queue.length > 0; steps++) {
        expect(steps).toBeLessThan(100);
        const { from, to, message } = queue.shift() as (typeof queue)[number];
        drive(to, { kind: 'message', from, message });
      }
      expect(held(cores.get('a') as Bans)).toEqual(held(cores.get('b') as Bans));
    }),
  );
});

const bytes = fc.uint8Array({ maxLength: 32 });
const wild: fc.Arbitrary<BansMessage> = fc.oneof(
  fc.record({ kind: fc.constant('bansDigest' as const), hash: fc.nat() }),
  fc.record({
    kind: fc.constant('bansList' as const),
    bans: fc.array(fc.record({ subject: fc.string(), number: fc.nat(), hash: fc.nat() })),
    reply: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('bansRecords' as const),
    records: fc.array(
      fc.oneof(record, fc.record({ statement: bytes, signature: bytes, key: fc.constantFrom('operator', '') })),
      { maxLength: 40 },
    ),
  }),
);

test('whatever a neighbour says: nothing throws, the table keeps its bound, and only what was signed bans', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ waitMs: fc.nat(400), message: wild })), (steps) => {
      const core = new Bans({ ...defaultBansConfig, recordsMax: 2 }, testReader);
      const out = new RecordingOutbox<BansMessage, BansEvent>();
      core.handle(
        0,
        { kind: 'linkUp', peer: { id: 'a', address: '', apiAddress: '', incarnation: 1, zone: '', name: '' } },
        out,
      );
      const signedSubjects = new Set<PeerId>();
      let now = 0;
      for (const { waitMs, message } of steps) {
        now += waitMs;
        if (message.kind === 'bansRecords') {
          for (const each of message.records) {
            if (testReader.verify(each) === 'valid') signedSubjects.add(testReader.parse(each)?.subject ?? '');
          }
        }
        core.handle(now, { kind: 'message', from: 'a', message }, out);
        expect(core.records().length).toBeLessThanOrEqual(2);
        expect(core.nextDeadline()).toBeGreaterThan(now);
        for (const { ban } of core.records()) expect(signedSubjects).toContain(ban.subject);
      }
    }),
  );
});
