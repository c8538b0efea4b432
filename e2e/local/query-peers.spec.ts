import { connect, type PeersAnswer, type StarlingClient } from '@starling/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';

const size = 6;
const zoneOf = (index: number) => (index < 4 ? 'east' : 'west');
let mesh: LocalMesh;
const clients: StarlingClient[] = [];

beforeAll(async () => {
  mesh = await LocalMesh.prepare(size);
  for (let index = 0; index < size; index++) mesh.spawn(index, { STARLING_ZONE: zoneOf(index) });
  await until(
    'every peer is ready',
    90_000,
    async () => (await mesh.statuses()).filter(({ ready }) => ready).length === size,
  );
  for (const { api } of mesh.peers) {
    clients.push(await connect({ addresses: [api], ...mesh.access, learnAddresses: false }));
  }
}, 120_000);
afterAll(() => {
  for (const client of clients) client.close();
  mesh?.stop();
});

const peer = (index: number) => mesh.peers[index] as PeerProcess;
const ask = (index: number, text: string): Promise<PeersAnswer> =>
  (clients[index] as StarlingClient).queryPeers(text, { timeoutMs: 10_000 });

describe('questions about peers, to real processes', { timeout: 120_000 }, () => {
  it('count every peer once, from any peer, and say that all answered', async () => {
    for (let index = 0; index < size; index++) {
      await until(
        `peer ${index} knows all`,
        60_000,
        async () => (await ask(index, 'count(*)')).coverage.peersKnown === size,
      );
      const { rows, coverage } = await ask(index, 'count(*)');
      expect(rows).toEqual([{ values: [size], peers: size, isOther: false }]);
      expect(coverage).toMatchObject({ peersKnown: size, peersAnswered: size, branchesMissing: 0, complete: true });
      expect(coverage.messagesSpent).toBeGreaterThanOrEqual(2 * (size - 1));
    }
  });

  it('know of each peer what it is, and group by it', async () => {
    const zones = await ask(1, 'zone, count(*) where version >= 0.0.1 group by zone order by count(*) desc');
    expect(zones.rows.map(({ values }) => values)).toEqual([
      ['east', 4],
      ['west', 2],
    ]);
    const { columns, rows } = await ask(
      2,
      'name, count(*), p50(rtt), max(memory), min(active), max(version), max(state), max(known) group by name',
    );
    expect(columns.map(({ type }) => type).join()).toBe('text,number,duration,bytes,number,version,text,number');
    expect(rows.map(({ values }) => values[0])).toEqual(Array.from({ length: size }, (_, at) => `peer-${at}`));
    for (const { values } of rows) {
      const [, peers, , memory, active, version, state, known] = values;
      expect([peers, state, known]).toEqual([1, 'ready', size]);
      expect(memory).toBeGreaterThan(10 * 2 ** 20);
      expect(active).toBeGreaterThan(0);
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
    }
    expect((await ask(3, 'count(*) where name in (peer-1, peer-3) and uptime < 1h')).rows[0]?.values).toEqual([2]);
    expect((await ask(3, 'count(*), max(memory) where zone = nowhere')).rows[0]?.values).toEqual([0, null]);
  });

  it('by the command: a table, and whom it speaks for; what is wrong is pointed at', async () => {
    const run = (text: string, ...more: string[]) => {
      const args = ['query', '--peers', text, '--address', peer(0).api, '--ca', mesh.caFile, '--token', '-', ...more];
      return cli(args, String(mesh.access.token));
    };
    const { code, stdout } = await run('zone, count(*), avg(memory) group by zone');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^zone {2}count\(\*\) {2}avg\(memory\)\neast {2}4 +[\d.]+ MiB\nwest {2}2 +[\d.]+ MiB\n6 of 6 peers answered; \d+ messages, .*; complete\n$/,
    );
    const wrong = await run('zon, count(*) group by zone');
    expect(wrong.code).toBe(64);
    expect(wrong.stderr).toContain('did you mean zone?');
    expect(wrong.stderr).toContain('  zon, count(*) group by zone\n  ^^^');
    const costly = await run('count(*)', '--budget', '3');
    expect(costly.code).not.toBe(0);
    expect(costly.stderr).toContain(`about ${2 * (size - 1)} messages`);
  });

  it('a killed peer is missing rather than silently absent, until the mesh knows that it is gone', async () => {
    mesh.kill([peer(5)]);
    // Right after the kill the directory still has it: then the answer must say that somebody is missing.
    const answers: PeersAnswer[] = [];
    await until('the mesh knows', 90_000, async () => {
      answers.push(await ask(0, 'count(*)'));
      return answers.at(-1)?.coverage.complete === true && answers.at(-1)?.coverage.peersKnown === size - 1;
    });
    for (const { rows, coverage } of answers) {
      expect(rows[0]?.values).toEqual([coverage.peersAnswered]);
      if (coverage.peersAnswered < coverage.peersKnown) expect(coverage.complete).toBe(false);
    }
    expect(answers[0]?.coverage).toMatchObject({ peersKnown: size, complete: false });
  });
});
