import type { AggregateMessage, AggregateTally } from './messages.ts';
import type { GroupData } from './partial.ts';

/** Tag, length and place in a frame of a message, and its numbers. */
const messageBytes = 16;
const lostBytes = 58;

/** About how many bytes a message takes on a link. The wire's tests compare it with what is really encoded. */
export function estimatedBytes(message: AggregateMessage): number {
  const { length } = message.queryId;
  switch (message.kind) {
    case 'aggregateQuery':
      return messageBytes + 8 + length + message.text.length;
    case 'aggregateAnswer': {
      const { partial, tally } = message;
      const groups = partial === null ? [] : [...partial.groups, ...(partial.other === null ? [] : [partial.other])];
      return messageBytes + length + tallyBytes(tally) + groups.reduce((sum, group) => sum + bytesOf(group), 0);
    }
    case 'aggregateDecline':
    case 'aggregateCancel':
      return messageBytes - 8 + length;
  }
}

function tallyBytes({ lost }: AggregateTally): number {
  return 12 + lostBytes * lost.length;
}

function bytesOf({ key, cells }: GroupData): number {
  let bytes = 6;
  for (const value of key) bytes += typeof value === 'string' ? 4 + value.length : 11;
  for (const { least, most, sketch, count } of cells) {
    bytes += 4 + (count > 0 ? 2 + least.length + most.length : 0);
    if (least === '' && most === '' && count > 0) bytes += 25;
    if (sketch === null) continue;
    // A gap is a byte, mostly.
    bytes += 8;
    for (const bin of sketch.counts) bytes += bin < 128 ? 2 : 3;
  }
  return bytes;
}
