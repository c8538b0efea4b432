/**
 * deploy/compose.yaml on a real Docker: started, seen through the dashboard, half killed, scaled, stopped, removed. Each step is
 * a test; the last line counts them.
 */
import { parseArgs } from 'node:util';
import type { TopologySnapshot } from '@starling/topology';
import { Report } from '../support/report.ts';
import { eventually } from '../support/shell.ts';
import { Project } from './project.ts';

const usage = `usage: npm run e2e:compose -- [options]

Starts deploy/compose.yaml as it is, under a name of its own, with the Docker that \`docker compose\` reaches; kills, scales and
stops its peers, and leaves nothing behind. Port 3000 of the loopback must be free.

  --no-build    take the images starling-peer:0.1.0 and starling-dashboard:0.1.0 as they are there, and build none`;

/** As the file says. */
const peers = 8;
const dashboard = 'http://127.0.0.1:3000';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { 'no-build': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const project = new Project();
  const report = new Report();
  await report.untilStopped(steps);
  await report.test('down: no container and no network is left', () => project.down());
  console.log(`\n${report.close()}`);
  return report.failed > 0 ? 1 : 0;

  async function steps(): Promise<void> {
    if (!values['no-build']) {
      if (!(await report.test('the images are built', () => project.compose(['build'], 1_800_000)))) return;
    }
    const up = await report.test(`up: ${peers} peers are ready, and the dashboard`, () => project.up(peers));
    if (!up) {
      console.log(await project.diagnosis());
      return;
    }
    await report.test('each of them knows all, hears what one publishes, and finds what one has', () =>
      project.verify(peers),
    );
    await report.test('the dashboard shows all of them at the address that the file names', () => shows(peers));
    await report.test('half the peers are killed; the others are one mesh, and the dashboard shows it', async () => {
      const half = (await project.peers()).slice(0, peers / 2);
      await project.docker(['kill', ...half]);
      const seen = await project.verify(peers - half.length);
      await shows(peers - half.length);
      return seen;
    });
    await report.test(`scaled to ${peers + 2}, with those that were killed: one mesh again`, async () => {
      await project.up(peers + 2);
      return project.verify(peers + 2);
    });
    await report.test('a peer that is stopped leaves the mesh, and says so by its exit code', async () => {
      const [last] = (await project.peers()).slice(-1);
      await project.docker(['stop', last as string]);
      const code = await project.docker(['inspect', '--format', '{{.State.ExitCode}}', last as string]);
      if (code.trim() !== '0') throw new Error(`exit code ${code.trim()}`);
      return project.verify(peers + 1);
    });
  }

  /** The page is there, and the stream that browsers read begins with so many peers. */
  async function shows(count: number): Promise<void> {
    await eventually(60_000, async () => {
      const page = await fetch(dashboard, { signal: AbortSignal.timeout(20_000) });
      if (page.status !== 200) throw new Error(`the page: ${page.status}`);
      const seen = await peersOnDashboard();
      if (seen !== count) throw new Error(`the dashboard shows ${seen} peers, not ${count}`);
    });
  }

  async function peersOnDashboard(): Promise<number> {
    const feed = await fetch(`${dashboard}/api/topology`, { signal: AbortSignal.timeout(20_000) });
    let text = '';
    for await (const part of feed.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const [, json] = /^data: (.*)\n\n/m.exec(text) ?? [];
      if (json === undefined) continue;
      const { snapshot } = JSON.parse(json) as { snapshot: TopologySnapshot };
      return snapshot.reports.length + snapshot.silentPeers.length;
    }
    throw new Error('the feed ended before its first event');
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`e2e:compose: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(64);
  },
);
