import { describe, expect, it } from 'vitest';
import { Readiness } from './readiness.ts';

describe('readiness', () => {
  it('comes with a neighbour and its backlog, not with one of them', () => {
    const readiness = new Readiness(0, 10_000);
    expect(readiness.report(1_000)).toEqual({
      state: 'starting',
      ready: false,
      reason: 'found no neighbour yet; ready alone in 9 s',
    });
    readiness.neighbors(2);
    readiness.tick(60_000);
    expect(readiness.report(60_000)).toMatchObject({ ready: false, reason: 'catching up with 2 neighbours' });
    readiness.caughtUp();
    expect(readiness.report(60_000)).toMatchObject({ ready: true, reason: 'joined 2 neighbours' });
  });

  it('does not come from the backlog of a neighbour that went', () => {
    const readiness = new Readiness(0, 10_000);
    readiness.caughtUp();
    readiness.tick(9_999);
    expect(readiness.state).toBe('starting');
  });

  it('comes alone after the seed timeout, and stays when neighbours go', () => {
    const readiness = new Readiness(0, 10_000);
    readiness.tick(10_000);
    expect(readiness.report(10_000)).toMatchObject({ ready: true, reason: 'alone: no other peer found' });
    readiness.neighbors(1);
    readiness.neighbors(0);
    expect(readiness.state).toBe('ready');
  });

  it('ends with draining, for good', () => {
    const heard: string[] = [];
    const readiness = new Readiness(0, 0);
    readiness.on((state) => heard.push(state));
    readiness.tick(0);
    readiness.drain();
    readiness.drain();
    readiness.tick(1);
    readiness.stopped();
    expect(heard).toEqual(['ready', 'draining', 'stopped']);
  });
});
