import { spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeedEvent } from '../src/feed/feed-event.ts';
import { type Dashboard, missingBuild, poll, startDashboard, startScript } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';
import { SampleServer } from './sample-server.ts';

const missing = missingBuild();

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

describe.skipIf(missing !== null)(`the dashboard's server${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const mesh = new SampleMesh(5, 9);
  let upstream: SampleServer;
  let dashboard: Dashboard;

  beforeAll(async () => {
    upstream = await new SampleServer(mesh).start();
    dashboard = await startDashboard([upstream.address]);
  }, 60_000);

  afterAll(async () => {
    await dashboard?.stop();
    upstream?.stop();
  });

  /** Node's own client, because fetch lets nobody forge a Host. */
  function ask(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request(dashboard.url + path, { method, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  /** Reads the feed until it has so many events, then goes away. */
  async function readFeed(count: number, headers: Record<string, string> = {}) {
    const abort = new AbortController();
    const response = await fetch(`${dashboard.url}/api/topology`, { headers, signal: abort.signal });
    const events: { id: string; event: FeedEvent }[] = [];
    let rest = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, id = '', json = ''] = /^id: (.*)\ndata: (.*)$/.exec(block) ?? [];
        if (json !== '') events.push({ id, event: JSON.parse(json) as FeedEvent });
      }
      if (events.length >= count) break;
    }
    abort.abort();
    return { response, events };
  }

  const own = (): Record<string, string> => ({ origin: dashboard.url, 'content-type': 'application/json' });
  const message = JSON.stringify({ topic: 'greetings', payload: 'hello' });

  it('answers probes by whatever name they come', async () => {
    expect((await ask('GET', '/healthz', { host: '10.42.0.7:3000' })).status).toBe(200);
  });

  it.each(['/', '/api/topology', '/peers', '/no-such-page'])(
    'refuses %s by a name that was re-bound to it',
    async (path) => {
      expect((await ask('GET', path, { host: 'evil.example' })).status).toBe(403);
    },
  );

  it('guards its files too', async () => {
    const { body } = await ask('GET', '/');
    const [script = ''] = /\/_next\/static\/[^"]+\.js/.exec(body) ?? [];
    expect((await ask('GET', script)).status).toBe(200);
    expect((await ask('GET', script, { host: 'evil.example' })).status).toBe(403);
  });

  it('publishes for its own page alone', async () => {
    expect((await ask('POST', '/api/publish', own(), message)).status).toBe(200);
    const forged = { ...own(), origin: 'https://evil.example' };
    expect((await ask('POST', '/api/publish', forged, message)).status).toBe(403);
    expect((await ask('POST', '/api/publish', { 'content-type': 'application/json' }, message)).status).toBe(403);
    expect((await ask('GET', '/api/publish')).status).toBe(405);
  });

  it.each([
    ['no JSON', 'hello', 'not a JSON object'],
    ['a list', '[]', 'not a JSON object'],
    ['a number for a topic', '{"topic":5}', 'are texts'],
    ['numbers for headers', '{"topic":"a","headers":{"b":1}}', 'Headers are texts'],
    ['an address for a peer', '{"topic":"a","peer":"127.0.0.1:22"}', 'not known'],
  ])('refuses %s, and says so', async (_, body, words) => {
    const answer = await ask('POST', '/api/publish', own(), body);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain(words);
  });

  it('refuses what is no JSON by its type, and what is too large', async () => {
    const typed = await ask('POST', '/api/publish', { ...own(), 'content-type': 'text/plain' }, message);
    expect(typed.status).toBe(400);
    const large = await ask(
      'POST',
      '/api/publish',
      own(),
      JSON.stringify({ topic: 'a', payload: 'x'.repeat(1_600_000) }),
    );
    expect(large.body).toContain('larger than');
  });

  it('hands on what the mesh says of a bad topic', async () => {
    const answer = await ask('POST', '/api/publish', own(), '{"topic":"not a topic"}');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } });
  });

  it.each([
    ['/api/lookup', '{"what":"steal","key":"a"}', 'what is one of get, find, put'],
    ['/api/lookup', '{"what":"put","key":"a","lifeMs":0.5}', 'lifeMs is a number'],
    ['/api/query-peers', '{"text":5}', 'are texts'],
    ['/api/drain', '{"peer":""}', 'is the id of one'],
    ['/api/drain', '{"peer":"127.0.0.1:22"}', 'not known'],
    ['/api/ban', '{"peer":"127.0.0.1:22","reason":"a"}', 'not known'],
    ['/api/ban', '{"peer":"a","reason":"a","forMs":-1}', 'forMs is a number'],
    ['/api/unban', '{"peer":["a"]}', 'is the id of one'],
  ])('refuses at %s %s, and says so', async (path, body, words) => {
    const answer = await ask('POST', path, own(), body);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain(words);
  });

  it.each(['/api/lookup', '/api/query-peers', '/api/drain', '/api/ban', '/api/unban'])(
    'acts at %s for its own page alone, and by POST',
    async (path) => {
      expect((await ask('GET', path)).status).toBe(405);
      expect((await ask('POST', path, { ...own(), origin: 'https://evil.example' }, '{}')).status).toBe(403);
      expect((await ask('POST', path, { 'content-type': 'application/json' }, '{}')).status).toBe(403);
    },
  );

  it('streams events that nobody on the way may hold back', async () => {
    const { response } = await readFeed(1);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('content-encoding')).toBeNull();
  });

  it('resumes after the last event that was seen', async () => {
    const { events } = await readFeed(4);
    const last = events.at(-1);
    mesh.tick();
    const { events: resumed } = await readFeed(1, { 'last-event-id': last?.id ?? '' });
    expect(resumed[0]?.event.kind).not.toBe('snapshot');
    const number = (id = ''): number => Number(id.split(':')[1]);
    expect(number(resumed[0]?.id)).toBe(number(last?.id) + 1);
  });

  it('stops watching the mesh some time after the last viewer', async () => {
    await readFeed(2);
    await poll(() => upstream.watches === 0, 'the watch to end', 25_000);
  });

  it('exits when its parent is gone, also by SIGKILL', async () => {
    const parent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const orphan = await startDashboard([upstream.address], { STARLING_PARENT_PID: String(parent.pid) });
    parent.kill('SIGKILL');
    expect(await orphan.exited).toBe(0);
  });

  it('says in one line that its port is in use', async () => {
    const { port } = new URL(dashboard.url);
    const { status, stderr } = spawnSync(process.execPath, [startScript], {
      env: { ...process.env, PORT: port },
      encoding: 'utf8',
    });
    expect(stderr).toBe(`starling-dashboard: port ${port} is in use: stop the other program or set PORT\n`);
    expect(status).toBe(69);
  });

  it.each(['web', '70000', '-1', '0.5'])('says in one line that %o is no port', (port) => {
    const { status, stderr } = spawnSync(process.execPath, [startScript], {
      env: { ...process.env, PORT: port },
      encoding: 'utf8',
    });
    expect(stderr).toBe(`starling-dashboard: PORT=${port} is not a port number\n`);
    expect(status).toBe(64);
  });
});
