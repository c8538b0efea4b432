import { create, toBinary } from '@bufbuild/protobuf';
import type { Ban } from '@starling/core-bans';
import { timestampMsMax } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { decodeBanStatement, encodeBanStatement } from './ban-codec.ts';
import { BanStatementSchema } from './gen/starling/v1/admin_pb.ts';

const ban: Ban = {
  subject: 'p',
  number: 7,
  issuedAt: 1_795_694_000_000,
  bannedUntil: 1_795_694_600_000,
  expiresAt: 1_795_780_400_000,
  reason: 'floods',
  by: 'ann',
};

describe('the statement of a ban', () => {
  it.each([
    ['with an end', ban],
    ['for good', { ...ban, bannedUntil: Number.POSITIVE_INFINITY, expiresAt: Number.POSITIVE_INFINITY }],
    ['until the last moment that there is', { ...ban, bannedUntil: timestampMsMax, expiresAt: timestampMsMax }],
  ])('%s says the same to whoever reads it', (_what, made) => {
    expect(decodeBanStatement('m', encodeBanStatement('m', made))).toEqual(made);
  });

  it('that would last longer than there are dates has no end', () => {
    expect(decodeBanStatement('m', encodeBanStatement('m', { ...ban, bannedUntil: 8.64e16 }))).toMatchObject({
      bannedUntil: Number.POSITIVE_INFINITY,
    });
  });

  // Every peer that such a record reached would throw where it tells the time.
  it.each(['issueTime', 'bannedUntil', 'expireTime'] as const)('whose %s is no date is none', (field) => {
    const times = { issueTime: { seconds: 1n }, bannedUntil: { seconds: 2n }, expireTime: { seconds: 3n } };
    const bytes = (seconds: bigint) =>
      toBinary(
        BanStatementSchema,
        create(BanStatementSchema, { mesh: 'm', peerId: 'p', number: 1n, ...times, [field]: { seconds } }),
      );
    expect(decodeBanStatement('m', bytes(4n))).not.toBeNull();
    for (const seconds of [253_402_300_800n, 86_400_000_000_000n, 2n ** 63n - 1n, -1n, -(2n ** 63n)]) {
      expect(decodeBanStatement('m', bytes(seconds))).toBeNull();
    }
  });
});
