import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { BanSchema, BanScope, BanSource, ListBansResponseSchema } from '@starling/wire';
import { describe, expect, it } from 'vitest';
import { BanCollector } from './ban-collector.ts';

const says = (bans: readonly MessageInitShape<typeof BanSchema>[], operatorKeys: readonly string[] = ['k']) =>
  create(ListBansResponseSchema, { bans: bans.map((ban) => create(BanSchema, ban)), operatorKeys: [...operatorKeys] });
const byAnn = { peerId: 'x', scope: BanScope.PEER, source: BanSource.OPERATOR, by: 'ann', reason: 'floods' };
const verdict = { peerId: 'x', scope: BanScope.PEER, source: BanSource.AUTOMATIC, by: 'c', reason: 'violation' };

describe('what many peers say of bans', () => {
  it('is one row for one decision, with all who have it and the first and the last end', () => {
    const collector = new BanCollector();
    collector.add('a', says([{ ...byAnn, issueTime: timestampFromMs(100), until: timestampFromMs(900) }]));
    collector.add('b', says([{ ...byAnn, issueTime: timestampFromMs(90), until: timestampFromMs(905) }]));
    collector.add('c', says([verdict]));
    expect(collector.result()).toEqual({
      more: 0,
      bans: [
        {
          ...{ peer: 'x', scope: 'peer', isAutomatic: false, by: 'ann', reason: 'floods', since: 90, count: 2 },
          ...{ untilFirst: 900, untilLast: 905 },
          at: [
            { peer: 'a', until: 900 },
            { peer: 'b', until: 905 },
          ],
        },
        {
          ...{ peer: 'x', scope: 'peer', isAutomatic: true, by: '', reason: 'violation', since: 0, count: 1 },
          ...{ untilFirst: null, untilLast: null },
          at: [{ peer: 'c', until: null }],
        },
      ],
    });
  });

  it('has those of the mesh first, none that was lifted, and counts who knows no key', () => {
    const collector = new BanCollector();
    const mesh = { ...byAnn, peerId: 'y', scope: BanScope.MESH };
    collector.add('a', says([byAnn, { ...mesh, peerId: 'z', lifted: true }], []));
    collector.add('b', says([byAnn, mesh]));
    expect(collector.result().bans.map(({ peer, scope }) => [peer, scope])).toEqual([
      ['y', 'mesh'],
      ['x', 'peer'],
    ]);
    expect(collector.keyless).toBe(1);
  });

  it('of one that never ends at one peer, and ends at another, is that the last end is never', () => {
    const collector = new BanCollector();
    collector.add('a', says([byAnn]));
    collector.add('b', says([{ ...byAnn, until: timestampFromMs(5) }]));
    expect(collector.result().bans[0]).toMatchObject({ untilFirst: 5, untilLast: null });
  });

  it('is bounded, whatever they say', () => {
    const collector = new BanCollector();
    const many = Array.from({ length: 1_200 }, (_, i) => ({ ...byAnn, peerId: `p${i}` }));
    for (let i = 0; i < 70; i++) collector.add(`a${i}`, says(many));
    const { bans, more } = collector.result();
    expect(bans).toHaveLength(500);
    expect(more).toBe(500);
    expect(bans[0]?.at).toHaveLength(64);
    expect(bans[0]?.count).toBe(70);
  });
});
