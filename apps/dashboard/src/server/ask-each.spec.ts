import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { askEach } from './ask-each.ts';

const peers = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`p${i}`, `a${i}`]));
const refusal = (code: status) => Object.assign(new Error('no'), { code, details: 'no' });

describe('asking every peer', () => {
  it('counts who did it, and names who did not', async () => {
    const outcome = await askEach(peers(40), async (address) => {
      if (Number(address.slice(1)) % 2 === 1) throw refusal(status.UNAVAILABLE);
    });
    expect(outcome).toMatchObject({ done: 20, asked: 40, left: 0 });
    expect(outcome.failed).toHaveLength(16);
    expect(outcome.failed[0]).toMatchObject({ peer: 'p1', problem: { code: 'UNAVAILABLE', message: 'no' } });
  });

  it('asks nobody else once the first has refused the caller', async () => {
    const asked: string[] = [];
    const ask = async (address: string): Promise<void> => {
      asked.push(address);
      throw refusal(status.PERMISSION_DENIED);
    };
    await expect(askEach(peers(5), ask)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    expect(asked).toEqual(['a0']);
  });

  it('is a failure when not a single peer did it', async () => {
    const ask = (): Promise<void> => Promise.reject(refusal(status.UNAVAILABLE));
    await expect(askEach(peers(3), ask)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('asks some at once, and begins with no more when the time is over', async () => {
    let [now, open, most] = [0, 0, 0];
    const ask = async (): Promise<void> => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      now += 1_000;
      open--;
    };
    const outcome = await askEach(peers(100), ask, () => now);
    expect(most).toBe(8);
    expect(outcome.done).toBeLessThan(100);
    expect(outcome.done + outcome.left).toBe(100);
  });
});
