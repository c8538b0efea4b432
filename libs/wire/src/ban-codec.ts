import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Ban } from '@starling/core-bans';
import { timestampMsMax } from '@starling/kernel';
import { BanStatementSchema } from './gen/starling/v1/admin_pb.ts';
import { fromUint64, toUint64 } from './peer-codec.ts';
import { MalformedError } from './proto-reader.ts';

/** Longest texts of a statement, in characters. */
export const banTextLimits = { subject: 64, reason: 256, by: 64 } as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal.
const control = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether text may stand in a statement: short, and nothing that a terminal would obey. */
export function isBanText(text: string, field: keyof typeof banTextLimits): boolean {
  return text.length <= banTextLimits[field] && !control.test(text);
}

/** The bytes that an operator signs. A time that no timestamp names has no end. */
export function encodeBanStatement(mesh: string, ban: Ban): Uint8Array {
  const time = (ms: number) => (ms <= timestampMsMax ? timestampFromMs(Math.round(ms)) : undefined);
  const times = {
    issueTime: time(ban.issuedAt),
    bannedUntil: time(ban.bannedUntil),
    expireTime: time(ban.expiresAt),
  };
  return toBinary(
    BanStatementSchema,
    create(BanStatementSchema, {
      mesh,
      peerId: ban.subject,
      number: toUint64(ban.number),
      ...(times.issueTime && { issueTime: times.issueTime }),
      ...(times.bannedUntil && { bannedUntil: times.bannedUntil }),
      ...(times.expireTime && { expireTime: times.expireTime }),
      reason: ban.reason,
      by: ban.by,
    }),
  );
}

/** What a statement says, whoever signed it. Null for bytes that are none, are for another mesh, or hold what none may. Never throws. */
export function decodeBanStatement(mesh: string, statement: Uint8Array): Ban | null {
  try {
    const proto = fromBinary(BanStatementSchema, statement);
    const { peerId: subject, reason, by } = proto;
    if (proto.mesh !== mesh || proto.issueTime === undefined || subject === '') return null;
    if (!isBanText(subject, 'subject') || !isBanText(reason, 'reason') || !isBanText(by, 'by')) return null;
    return {
      subject,
      number: fromUint64(proto.number),
      issuedAt: msOf(proto.issueTime),
      bannedUntil: msOrNever(proto.bannedUntil),
      expiresAt: msOrNever(proto.expireTime),
      reason,
      by,
    };
  } catch {
    return null;
  }
}

function msOrNever(time: Timestamp | undefined): number {
  return time === undefined ? Number.POSITIVE_INFINITY : msOf(time);
}

/** Throws for what is no time: whoever shows it would throw, at every peer that the record reaches. */
function msOf(time: Timestamp): number {
  const ms = timestampMs(time);
  if (!(ms >= 0 && ms <= timestampMsMax)) throw new MalformedError('time is none');
  return ms;
}
