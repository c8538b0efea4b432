import { describe, expect, it } from 'vitest';
import { BatchSignatures, type SignatureMode } from './batch-signatures.ts';
import { batchMessagesMax, digestBytes, type Gossip } from './messages.ts';
import { copyOf, signedBatch, ToySigning } from './signing.test-support.ts';

function signatures(mode: SignatureMode = 'signed', bounds = {}) {
  const primitives = new ToySigning('me');
  const config = { signatures: mode, verifiedStreamsMax: 4, verifiedPerStreamMax: 2, ...bounds };
  return { core: new BatchSignatures(config, primitives), primitives };
}

const own = (seq: number, stream = 'me~1') => ({ stream, seq, publishedAt: 5, tree: 0, body: `m${seq}` });

describe('signing', () => {
  it('puts under one signature what was published until somebody looks', () => {
    const { core, primitives } = signatures();
    const [a, b, c] = [1, 2, 3].map((seq) => core.sign(own(seq)));
    expect([b, c]).toEqual([a, a]);
    expect(primitives.signed).toBe(0);
    expect(a?.signature).toBe(c?.signature);
    expect(a).toMatchObject({ first: 1, key: primitives.key });
    expect(a?.digests).toHaveLength(3 * digestBytes);
    const later = core.sign(own(4));
    expect(later).not.toBe(a);
    expect(later.first).toBe(4);
    expect(later.signature.length).toBeGreaterThan(0);
    expect(primitives.signed).toBe(2);
    expect(core.stats).toMatchObject({ signed: 4, batches: 2 });
  });

  it('ends a batch at 64 messages, and keeps one for each stream', () => {
    const { core } = signatures();
    for (let seq = 1; seq <= batchMessagesMax; seq++) core.sign(own(seq));
    expect(core.sign(own(batchMessagesMax + 1)).first).toBe(batchMessagesMax + 1);
    expect(core.sign(own(1, 'me~1!')).first).toBe(1);
    expect(core.sign(own(batchMessagesMax + 2)).first).toBe(batchMessagesMax + 1);
  });

  it('makes what others find good', () => {
    const { core } = signatures();
    const messages = [1, 2, 3].map((seq) => ({ part: own(seq), signature: core.sign(own(seq)) }));
    const other = signatures().core;
    const verdicts = messages.map(({ part, signature }) =>
      other.judge({ ...(signedBatch('me~1', 1, 1)[0] as Gossip<string>), ...part, signature }),
    );
    expect(verdicts).toEqual(['verified', 'cached', 'cached']);
  });
});

describe('judging', () => {
  it('verifies a batch once, whatever the order and the links that its messages come by', () => {
    const { core, primitives } = signatures();
    const batch = signedBatch('o~1', 7, 8);
    const order = [3, 0, 7, 1, 2, 4, 5, 6].map((i) => batch[i] as Gossip<string>);
    const verdicts = order.map((message, i) => {
      const signature = message.signature && (i % 2 === 0 ? message.signature : copyOf(message.signature));
      return core.judge({ ...message, signature });
    });
    expect(verdicts).toEqual(['verified', ...Array.from({ length: 7 }, () => 'cached')]);
    expect(primitives.verified).toBe(1);
    expect(core.stats).toMatchObject({ verified: 1, cached: 7 });
  });

  it('gives one object for a signature, so that held messages share it', () => {
    const { core } = signatures();
    const [first, second] = signedBatch('o~1', 1, 2) as [Gossip<string>, Gossip<string>];
    core.judge(first);
    if (second.signature === null) throw new Error('signed');
    const came = copyOf(second.signature);
    expect(core.canonical('o~1', came)).toBe(first.signature);
    expect(core.canonical('p~1', came)).toBe(came);
  });

  const [good, next] = signedBatch('o~1', 1, 2) as [Gossip<string>, Gossip<string>];
  const [others] = signedBatch('p~1', 1, 2) as [Gossip<string>];
  const change = (part: 'key' | 'digests' | 'signature'): Gossip<string> => {
    const signature = copyOf(good.signature as NonNullable<Gossip<string>['signature']>);
    const bytes = signature[part];
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    return { ...good, signature };
  };
  it.each([
    ['another body', { ...good, body: 'other' }],
    ['another time', { ...good, publishedAt: 1 }],
    ['another tree', { ...good, tree: 1 }],
    ['another number', { ...good, seq: 2 }],
    ['a number before the batch', { ...next, signature: { ...next.signature, first: 3 } as typeof next.signature }],
    ['a number after it', { ...good, seq: 3 }],
    ['another stream of the same origin', { ...good, stream: 'o~2' }],
    ['an ephemeral stream', { ...good, stream: 'o~1!' }],
    ["another origin's stream", { ...good, stream: 'p~1' }],
    ["another origin's signature", { ...good, signature: others.signature }],
    ['another key', change('key')],
    ['other digests', change('digests')],
    ['another signature', change('signature')],
    ['no digests', { ...good, signature: { ...others.signature, digests: new Uint8Array() } as typeof good.signature }],
    [
      'a digest that is cut off',
      { ...good, signature: { ...good.signature, digests: good.signature?.digests.slice(1) } as typeof good.signature },
    ],
    ['more digests than a batch has', signedBatch('o~1', 1, batchMessagesMax + 1)[0] as Gossip<string>],
  ])('refuses %s', (_, message) => {
    const { core } = signatures();
    // Also when the true one is known.
    for (const knows of [false, true]) {
      if (knows) expect(core.judge(good)).toBe('verified');
      expect(core.judge(message)).toBe('forged');
    }
    expect(core.stats.refusedForged + core.stats.refusedAltered).toBe(2);
  });

  it('costs no verification when the message is altered', () => {
    const { core, primitives } = signatures();
    core.judge({ ...good, body: 'other' });
    expect(primitives.verified).toBe(0);
    expect(core.stats).toMatchObject({ refusedAltered: 1, refusedForged: 0 });
  });

  it('takes what is not signed while signatures are only preferred, and counts it', () => {
    for (const [mode, stats] of [
      ['prefer', { unsigned: 1, refusedUnsigned: 0 }],
      ['signed', { unsigned: 0, refusedUnsigned: 1 }],
    ] as const) {
      const { core } = signatures(mode);
      expect(core.judge({ ...good, signature: null })).toBe('unsigned');
      expect(core.stats).toMatchObject(stats);
    }
  });

  it('remembers so many streams, and batches of each; what is forgotten is verified anew', () => {
    const { core } = signatures();
    const batch = (stream: string, first: number) => signedBatch(stream, first, 2) as [Gossip<string>, Gossip<string>];
    const [a, b] = batch('o~1', 1);
    core.judge(a);
    core.judge(batch('o~1', 3)[0]);
    expect(core.judge(b)).toBe('cached');
    core.judge(batch('o~1', 5)[0]);
    expect(core.judge(b)).toBe('verified');
    const [x, y] = batch('p~1', 1);
    core.judge(x);
    for (const other of ['q~1', 'r~1', 's~1', 't~1']) core.judge(batch(other, 1)[0]);
    expect(core.verifiedStreams).toBe(4);
    expect(core.judge(y)).toBe('verified');
  });
});
