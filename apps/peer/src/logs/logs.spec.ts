import { describe, expect, it } from 'vitest';
import { createLogs } from './logs.ts';
import { RepeatLimiter } from './repeat-limiter.ts';

function record(logFormat: 'json' | 'text', logLevel: Parameters<typeof createLogs>[0]['logLevel']) {
  const lines: string[] = [];
  const logs = createLogs({ logFormat, logLevel }, 'peer-0', { write: (line) => void lines.push(line) });
  return { logs, lines };
}

describe('logs', () => {
  it('are one JSON object a line, with the area and its own level', () => {
    const { logs, lines } = record('json', { default: 'warn', mesh: 'debug' });
    logs.api.info('not shown');
    logs.mesh.debug({ neighbor: 'a' }, 'neighbour up');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'debug',
      area: 'mesh',
      peer: 'peer-0',
      message: 'neighbour up',
      neighbor: 'a',
      time: expect.stringMatching(/^\d{4}-/),
    });
  });

  it('are text for people when that is asked for', () => {
    const { logs, lines } = record('text', { default: 'info' });
    logs.peer.warn({ port: 7400 }, 'port taken');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}peer-0 peer: port taken port=7400\n$/);
  });

  it('show the first lines of a kind and then how many there were', () => {
    const { logs, lines } = record('json', { default: 'info' });
    for (let i = 0; i < 1_000; i++) logs.links.warn({ i }, 'cannot dial');
    expect(lines).toHaveLength(20);
  });
});

describe('repeat limiter', () => {
  it('says how many were suppressed when the period is over', () => {
    const limiter = new RepeatLimiter({ linesMax: 2, periodMs: 100, kindsMax: 10 });
    expect([0, 1, 2, 3].map((now) => limiter.admit(now, 'a'))).toEqual([0, 0, null, null]);
    expect(limiter.admit(3, 'b')).toBe(0);
    expect(limiter.admit(100, 'a')).toBe(2);
    expect(limiter.admit(101, 'a')).toBe(0);
  });
});
