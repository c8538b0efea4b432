import { describe, expect, test } from 'vitest';
import { admitAll } from './admission.ts';
import { Bench, info, sent } from './bench.test-support.ts';
import type { HyParViewMessage, NeighborPriority } from './messages.ts';
import { Rank } from './rank.ts';

const config = { rankedPlaces: true, activeCapacity: 4, highPrioritySlots: 1, attemptsMax: 8, favoursMax: 2 };
const self = new Rank(info('self'), config.activeCapacity);
const everybody = Array.from({ length: 400 }, (_, i) => `p${i}`);

/** From best to worst at one place. */
const ranked = (place: number) => everybody.toSorted((a, b) => self.at(place, info(a)) - self.at(place, info(b)));

const places = [0, 1, 2, 3];
const rightful = places.map((place) => ranked(place)[1] as string);
/** Best of all at one place. */
const better = ranked(0)[0] as string;
const worse = everybody.filter((id) => places.every((place) => ranked(place).indexOf(id) > 100));

const neighbor = (id: string, priority: NeighborPriority): HyParViewMessage => ({
  kind: 'neighbor',
  sender: info(id),
  priority,
  dropping: null,
});

/** A peer that is no newcomer any more and whose neighbours all hold their places by right. */
function settled(): Bench {
  const bench = new Bench(config).neighbors(...rightful);
  bench.now = 600_000;
  expect(bench.active()).toHaveLength(4);
  return bench;
}

describe('ranked places', () => {
  test('however often and urgently it is asked, nobody who deserves its place has to go', () => {
    const bench = settled();
    for (let i = 0; i < 50; i++) {
      for (const id of worse.slice(0, 100)) {
        bench.hear(id, neighbor(id, 'high'));
        bench.hear(id, { kind: 'join', sender: info(id) });
        bench.hear(id, neighbor(id, 'near'));
        bench.hear(id, neighbor(id, 'low'));
      }
      bench.now += 1_000;
    }
    expect(bench.active()).toEqual(expect.arrayContaining(rightful));
    expect(bench.core.stats.undeserved).toBeGreaterThan(1_000);
    expect(bench.core.stats.favours).toBeLessThanOrEqual(config.favoursMax + 1);
  });

  test('a favour is taken back with the next claim', () => {
    const bench = settled();
    const [guest = ''] = worse;
    bench.hear(guest, neighbor(guest, 'high'));
    expect(bench.active()).toContain(guest);
    const effects = bench.runTo(bench.now + 12_000);
    expect(sent(effects, 'disconnect').map(({ to }) => to)).toEqual([guest]);
    expect(bench.active().toSorted()).toEqual(rightful.toSorted());
  });

  test('who ranks better takes the place of who does not hold one any more', () => {
    const bench = settled();
    bench.hear(better, neighbor(better, 'near'));
    expect(bench.active()).toContain(better);
    expect(bench.active()).toHaveLength(4);
  });

  test('a refusal names somebody else to ask', () => {
    const bench = settled();
    const [asker = ''] = worse;
    const [reply] = sent(bench.hear(asker, neighbor(asker, 'low')), 'neighborReply');
    expect(reply?.message.accepted).toBe(false);
    expect(rightful).toContain(reply?.message.dropped?.id);
  });

  test('a refusal names nobody who is said to be dead', () => {
    const [asker = '', ...others] = worse;
    const named = (isDoubted: (id: string) => boolean) => {
      const bench = new Bench(config, { policy: { ...admitAll, isDoubted } }).neighbors(...rightful);
      bench.now = 600_000;
      bench.contacts(...others.slice(0, 16));
      return sent(bench.hear(asker, neighbor(asker, 'low')), 'neighborReply')[0]?.message.dropped?.id;
    };
    const best = named(() => false);
    expect(others).toContain(best);
    expect(named((id) => id !== best)).toBe(best);
    const second = named((id) => id === best);
    expect(second).not.toBe(best);
    expect([...others, ...rightful]).toContain(second);
    expect(rightful).toContain(named((id) => !rightful.includes(id)));
  });

  test('without a neighbour the one who was named is asked next, and each only once a round', () => {
    const bench = new Bench(config);
    bench.contacts('a');
    const next = bench.hear('a', { kind: 'neighborReply', accepted: false, dropped: info('b') });
    expect(sent(next, 'join').map(({ to }) => to)).toEqual(['b']);
    const again = bench.hear('b', { kind: 'neighborReply', accepted: false, dropped: info('a') });
    expect(sent(again, 'join')).toEqual([]);
  });

  test('who was heard of from the layer above is asked when it deserves a place', () => {
    const bench = settled();
    bench.command({ kind: 'heard', peers: [better, ...worse].map((id) => info(id)) });
    const asked = sent(bench.runTo(bench.now + 12_000), 'neighbor');
    expect(asked.map(({ to, message }) => [to, message.priority])).toEqual([[better, 'near']]);
  });
});
