import { messageBytes, type SimMessage } from '@starling/sim';
import { bodyCodec, defaultFrameLimits, FrameEncoder, toOutgoing } from '@starling/wire';
import { describe, expect, it } from 'vitest';

// The simulator counts bytes without the codec, which it may not know; here is the one place that knows both.

const id = (n: number): string => `${'abcdefghijklmnopqrstuvwxyz234567'.repeat(2).slice(n, n + 51)}q`;
const info = (n: number) => ({
  id: id(n),
  address: `10.42.17.${100 + n}:7400`,
  apiAddress: `10.42.17.${100 + n}:7401`,
  incarnation: 1_764_093_000_000 + n,
  zone: 'europe-west4-a',
  name: `starling-peer-${n}`,
});
const stream = (n: number): string => `${id(n)}~${1_764_093_000_000 + n}!!`;

const messages: readonly [string, SimMessage][] = [
  ['ping', { area: 'liveness', message: { kind: 'ping', nonce: 9_000 } }],
  ['ack', { area: 'liveness', message: { kind: 'ack', nonce: 9_000 } }],
  ['watchers', { area: 'liveness', message: { kind: 'watchers', peers: [1, 2, 3, 4, 5, 6].map(info) } }],
  [
    'shuffle',
    {
      area: 'membership',
      swarm: 0,
      message: { kind: 'shuffle', origin: info(1), ttl: 5, sample: [2, 3, 4, 5, 6, 7, 8].map(info) },
    },
  ],
  [
    'iHave',
    {
      area: 'broadcast',
      swarm: 0,
      message: {
        kind: 'iHave',
        items: [1, 2].map((n) => ({ stream: stream(n), from: 4, to: 4, round: 6, tree: 0, entry: 0 })),
      },
    },
  ],
  ...(
    [
      { kind: 'canary', number: 7, refreshMs: 500_000 },
      { kind: 'directory', message: { kind: 'announce', info: info(1), refreshMs: 500_000 } },
      { kind: 'directory', message: { kind: 'accuse', id: id(2), incarnation: 1_764_093_000_000, accuser: id(3) } },
    ] as const
  ).map((body): [string, SimMessage] => [
    body.kind === 'canary' ? 'canary' : body.message.kind,
    {
      area: 'broadcast',
      swarm: 0,
      message: {
        ...{ kind: 'gossip', stream: stream(1), seq: 4, round: 6, publishedAt: 1_764_093_500_000.25 },
        ...{ wantHeld: false, repair: false, tree: 0, entry: 0, signature: null, body },
      },
    },
  ]),
];

describe('the bytes that the simulator counts', () => {
  it.each(messages)('for %s are about those that the product writes', (_, message) => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    const carried =
      message.area === 'broadcast' && message.message.kind === 'gossip'
        ? { ...message, message: { ...message.message, body: bodyCodec.encode(message.message.body) } }
        : message;
    encoder.add(toOutgoing(carried as Parameters<typeof toOutgoing>[0]));
    const written = encoder.take().length;
    const counted = messageBytes(message);
    expect(counted).toBeGreaterThanOrEqual(written - 4);
    expect(counted).toBeLessThanOrEqual(written * 1.12 + 4);
  });
});
