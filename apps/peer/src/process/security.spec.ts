import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../config/load.ts';
import type { Logs } from '../logs/logs.ts';
import { openSecurity } from './security.ts';

describe('a peer whose issuer does not answer', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'starling-security-'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    rmSync(dir, { recursive: true, force: true });
  });

  it('says after 5 s whom it waits for, long before it gives up', async () => {
    const lines: string[] = [];
    const logs = { peer: { warn: (_: unknown, line: string) => lines.push(line) } } as unknown as Logs;
    const waiting = new AbortController();
    const loaded = loadConfig({ STARLING_TLS_DIR: dir, STARLING_DATA_DIR: dir });
    assert(loaded.ok);
    const opened = openSecurity(loaded.config, logs, waiting.signal).catch((error: unknown) => error);
    vi.advanceTimersByTime(4_999);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(lines).toEqual([expect.stringMatching(/^waiting for a certificate: .* the container "issuer"/)]);
    waiting.abort();
    expect(await opened).toMatchObject({ message: expect.stringContaining('told to stop before it came') });
  });
});
