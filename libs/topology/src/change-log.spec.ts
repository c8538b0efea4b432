import { describe, expect, it } from 'vitest';
import { type Change, ChangeLog } from './change-log.ts';

function joined(count: number): Change[] {
  return Array.from({ length: count }, (_, i) => ({ kind: 'joined', peer: `p${i}`, name: '' }));
}

describe('the list of changes', () => {
  it('has the newest first and forgets the oldest', () => {
    const log = new ChangeLog(2);
    log.add(1, [{ kind: 'merged' }]);
    log.add(2, [{ kind: 'split', parts: 2 }]);
    log.add(3, [{ kind: 'merged' }]);
    expect(log.entries.map(({ at }) => at)).toEqual([3, 2]);
  });

  it('puts the gravest of one update first', () => {
    const log = new ChangeLog(10);
    log.add(1, [{ kind: 'links', made: 1, lost: 0 }, ...joined(1), { kind: 'split', parts: 2 }]);
    expect(log.entries.map(({ kind }) => kind)).toEqual(['split', 'joined', 'links']);
  });

  it('names few and counts many', () => {
    const log = new ChangeLog(100);
    log.add(1, joined(12));
    expect(log.entries.length).toBe(12);
    log.add(2, joined(13));
    expect(log.entries[0]).toMatchObject({ kind: 'crowd', what: 'joined', peers: 13 });
  });

  it('numbers every entry once', () => {
    const log = new ChangeLog(100);
    log.add(1, joined(5));
    log.add(2, joined(5));
    expect(new Set(log.entries.map(({ number }) => number)).size).toBe(10);
  });

  it('takes over what another log saw, and goes on numbering behind it', () => {
    const [before, after] = [new ChangeLog(100), new ChangeLog(100)];
    before.add(1, joined(3));
    after.restore(before.entries);
    after.add(2, [{ kind: 'merged' }]);
    expect(after.entries.map(({ number }) => number)).toEqual([4, 1, 2, 3]);
    // A later snapshot tells the same again.
    after.restore(before.entries);
    expect(after.entries).toHaveLength(4);
  });
});
