import net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './axe.ts';
import { type Dashboard, freePort, missingTool, openBrowser, startDashboard } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';
import { SampleServer } from './sample-server.ts';

const missing = missingTool();

describe.skipIf(missing !== null)(
  `what the dashboard says when something is wrong${missing === null ? '' : ` (skipped: ${missing})`}`,
  { timeout: 90_000 },
  () => {
    const mesh = new SampleMesh(8, 5);
    let server: SampleServer;
    let browser: Awaited<ReturnType<typeof openBrowser>>;
    let page: Page;
    const dashboards: Dashboard[] = [];

    beforeAll(async () => {
      server = await new SampleServer(mesh).start();
      browser = await openBrowser({ scheme: 'light' });
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      for (const dashboard of dashboards) await dashboard.stop();
      server?.stop();
    });

    /** Opens a dashboard of its own in a page of its own: a state that another test left behind would prove nothing. */
    const open = async (peers: readonly string[]): Promise<Dashboard> => {
      const dashboard = await startDashboard(peers);
      dashboards.push(dashboard);
      await page?.close();
      page = await browser.context.newPage();
      page.setDefaultTimeout(40_000);
      await page.goto(dashboard.url);
      return dashboard;
    };
    const heading = (name: string) => page.getByRole('heading', { name });
    const tries = () => page.getByRole('list', { name: 'Addresses tried' });
    const expectClean = async (): Promise<void> => expect(await axeViolations(page)).toEqual([]);

    it('no peer answers: every address with what it did, and how to start or name peers', async () => {
      const ports = [await freePort(), await freePort()];
      await open(ports.map((port) => `127.0.0.1:${port}`));
      await heading('No peer answers yet').waitFor();
      for (const port of ports) await tries().getByText(`127.0.0.1:${port} does not answer`).waitFor();
      await page.getByText('STARLING_PEERS').first().waitFor();
      await expectClean();
    });

    it('an address that cannot be one: which, and what addresses are', async () => {
      await open(['peer-0', 'http://peer-1:7401', '127.0.0.1:99999']);
      await heading('No peer can be found by these addresses').waitFor();
      await tries().getByText('peer-0 is not host:port').waitFor();
      await tries().getByText('127.0.0.1:99999 has no such port').waitFor();
      await expectClean();
    });

    it('a peer that refuses: in its own words', async () => {
      const refusing = await new SampleServer(mesh).start();
      refusing.refusal = { code: grpc.status.PERMISSION_DENIED, details: 'topology: the token lacks the role viewer' };
      await open([refusing.address]);
      await heading('The peer does not let the dashboard watch').waitFor();
      await tries().getByText('topology: the token lacks the role viewer').waitFor();
      refusing.refusal = null;
      await page.getByTestId('peers').getByText('8 of 8 heard').waitFor();
      refusing.stop();
    });

    it('something else than a peer: that it is none, and which port it should be', async () => {
      const stranger = new grpc.Server();
      const port = await new Promise<number>((resolve, reject) => {
        stranger.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      });
      await open([`127.0.0.1:${port}`]);
      await heading('Something answers, but it is no peer').waitFor();
      stranger.forceShutdown();
    });

    it('a port that takes connections and says nothing is no peer either', async () => {
      const sockets = new Set<net.Socket>();
      const mute = net.createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
      await new Promise((resolve) => mute.once('listening', resolve));
      await open([`127.0.0.1:${(mute.address() as net.AddressInfo).port}`]);
      await heading('No peer answers yet').waitFor();
      for (const socket of sockets) socket.destroy();
      mute.close();
    });

    it('the stream breaks: what is shown stays, is marked as old, and fills itself again', async () => {
      const first = await new SampleServer(mesh).start();
      const { port } = new URL(`http://${first.address}`);
      await open([first.address]);
      await page.getByTestId('peers').getByText('8 of 8 heard').waitFor();
      first.stop();
      const banner = page.getByTestId('stale');
      await banner.getByText('Not up to date. The peer that served this is gone').waitFor();
      await banner.getByText(/What you see is .* old/).waitFor();
      await page.getByTestId('freshness').getByText('Stale').waitFor();
      expect(await page.getByTestId('peers').textContent()).toContain('8 of 8 heard');
      await expectClean();
      const second = await new SampleServer(mesh).start(Number(port));
      await page.getByTestId('freshness').getByText('Live').waitFor();
      await banner.waitFor({ state: 'detached' });
      second.stop();
    });

    it('its own server goes: the page says so, and comes back with it', async () => {
      const dashboard = await open([server.address]);
      await page.getByTestId('freshness').getByText('Live').waitFor();
      await dashboard.stop();
      await page.getByTestId('stale').getByText('The dashboard’s server does not answer').waitFor();
      const again = await startDashboard([server.address], { PORT: new URL(dashboard.url).port });
      dashboards.push(again);
      await page.getByTestId('freshness').getByText('Live').waitFor();
    });

    /** A server of another version: its answer has a shape that the page does not expect. */
    const answer = async (...events: unknown[]): Promise<void> => {
      await page.close();
      page = await browser.context.newPage();
      page.setDefaultTimeout(40_000);
      await page.route('**/api/topology*', (route) =>
        route.fulfill({
          contentType: 'text/event-stream',
          body: `retry: 60000\n${events.map((event, i) => `id: x:${i}\ndata: ${JSON.stringify(event)}\n\n`).join('')}`,
        }),
      );
    };
    const status = { phase: 'live', servedBy: '', address: 'a:1', tries: [], addresses: 1 };
    const snapshotOf = (peer: object) => ({
      kind: 'snapshot',
      at: Date.now(),
      known: 1,
      status,
      history: [],
      changes: [],
      snapshot: {
        reports: [],
        silentPeers: [{ id: 'a', name: 'a', zone: 'z', apiAddress: '', state: 'ready', ...peer }],
      },
    });

    it('a page breaks: the frame stays, the words can be copied, other pages work', async () => {
      const dashboard = await open([server.address]);
      await answer(snapshotOf({ version: { major: 9 } }));
      await page.goto(`${dashboard.url}/peers`);
      await heading('This page broke').waitFor();
      await page.getByText('React error #31').waitFor();
      await page.getByRole('button', { name: 'Try again' }).and(page.locator(':focus')).waitFor();
      await expectClean();
      await page.getByRole('link', { name: 'Console' }).click();
      await page.getByRole('heading', { name: 'Publish' }).waitFor();
    });

    it('the frame itself breaks: still a page that says so, in the colours of the system', async () => {
      const dashboard = await open([server.address]);
      await answer({ ...snapshotOf({}), status: { ...status, servedBy: 5 } });
      await page.goto(dashboard.url);
      await heading('This page broke').waitFor();
      await expectClean();
      // The way out that it names.
      await page.unroute('**/api/topology*');
      await page.getByRole('button', { name: 'Reload' }).click();
      await page.getByTestId('peers').getByText('8 of 8 heard').waitFor();
    });

    it('an answer that cannot be read at all: says to reload, and keeps the old picture if there is one', async () => {
      const dashboard = await open([server.address]);
      const unreadable = { kind: 'snapshot', at: 1, known: 1, status, history: [], changes: [] };
      await answer(unreadable);
      await page.goto(dashboard.url);
      await heading('This page and the dashboard’s server differ in version').waitFor();
      await answer(snapshotOf({}), unreadable);
      await page.goto(dashboard.url);
      await page.getByTestId('stale').getByText('is of another version: reload this page').waitFor();
      await page.getByTestId('peers').getByText('0 of 1 heard').waitFor();
    });

    it('no such page', async () => {
      const dashboard = await open([server.address]);
      await page.goto(`${dashboard.url}/no-such-page`);
      await heading('No such page').waitFor();
      await page.getByRole('link', { name: 'To the topology' }).waitFor();
      await expectClean();
    });
  },
);
