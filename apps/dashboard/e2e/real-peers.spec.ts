import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dashboard, freePort, missingTool, openBrowser, poll, startDashboard } from './harness.ts';

const peerScript = path.join(import.meta.dirname, '..', '..', 'peer', 'dist', 'main.js');
const isRequired = process.env.STARLING_REQUIRE_ALL === '1';
const missing =
  missingTool() ?? (isRequired || existsSync(peerScript) ? null : 'no peer: npm run build -w @starling/peer');

describe.skipIf(missing !== null)(
  `the dashboard on real peers${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const peers: { readonly child: ChildProcess; readonly api: string; readonly http: string }[] = [];
    const folder = mkdtempSync(path.join(tmpdir(), 'starling-real-'));
    let dashboard: Dashboard;
    let browser: Awaited<ReturnType<typeof openBrowser>>;
    let page: Page;

    beforeAll(async () => {
      const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
      const lines = ['viewer', 'client'].map((role) => `${role} the-${role} sha256:${hashOf(`token-of-${role}`)}\n`);
      const tokensFile = path.join(folder, 'tokens');
      writeFileSync(tokensFile, lines.join(''));
      writeFileSync(path.join(folder, 'viewer.token'), 'token-of-viewer\n');
      const first = String(await freePort());
      for (let i = 0; i < 6; i++) {
        const ports = {
          link: i === 0 ? first : String(await freePort()),
          api: String(await freePort()),
          http: String(await freePort()),
        };
        const child = spawn(process.execPath, [peerScript], {
          stdio: 'ignore',
          env: {
            ...process.env,
            STARLING_NAME: `real-${i}`,
            STARLING_ZONE: `zone-${i % 2}`,
            STARLING_MESH: `e2e-${process.pid}`,
            STARLING_LINK_HOST: '127.0.0.1',
            STARLING_API_HOST: '127.0.0.1',
            STARLING_HTTP_HOST: '127.0.0.1',
            STARLING_LINK_PORT: ports.link,
            STARLING_API_PORT: ports.api,
            STARLING_HTTP_PORT: ports.http,
            STARLING_BOOTSTRAP: `127.0.0.1:${first}`,
            STARLING_INSECURE: 'true',
            STARLING_TOKENS_FILE: tokensFile,
            STARLING_PARENT_PID: String(process.pid),
          },
        });
        peers.push({ child, api: `127.0.0.1:${ports.api}`, http: `http://127.0.0.1:${ports.http}` });
      }
      for (const { http } of peers)
        await poll(async () => (await fetch(`${http}/readyz`)).ok, 'a peer to be ready', 40_000);
      dashboard = await startDashboard(
        peers.map(({ api }) => api),
        { STARLING_TOKEN_FILE: path.join(folder, 'viewer.token'), STARLING_TOKEN_HINT: '/somewhere/client.token' },
      );
      browser = await openBrowser();
      page = await browser.context.newPage();
      page.setDefaultTimeout(20_000);
    }, 120_000);

    afterAll(async () => {
      await browser?.close();
      await dashboard?.stop();
      for (const { child } of peers) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });

    it('hears all of them', async () => {
      await page.goto(dashboard.url);
      await page.getByTestId('peers').getByText('6 of 6 heard').waitFor();
      await page.getByTestId('parts').getByText('One mesh').waitFor();
    });

    it('looks with its own token, and acts with none but that of the person at the console', async () => {
      await page.getByRole('link', { name: 'Console' }).click();
      await page.getByText('/somewhere/client.token').waitFor();
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByText('TOKEN_MISSING').waitFor();
      await page.getByLabel('Your token').fill('token-of-viewer');
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByText('ROLE_TOO_LOW').waitFor();
      await page.getByRole('button', { name: 'Subscribe' }).click();
      await page.getByTestId('messages').getByText('ROLE_TOO_LOW').waitFor();
      await page.getByTestId('subscription').getByText('not listening').waitFor();
      await page.getByLabel('Your token').fill('token-of-client');
      // It stays in the tab, and out of the address.
      await page.reload();
      await expect.poll(() => page.getByLabel('Your token').inputValue(), { timeout: 20_000 }).toBe('token-of-client');
      expect(page.url()).not.toContain('token-of');
    });

    it('publishes at one, hears it through another', async () => {
      await page.getByRole('link', { name: 'Console' }).click();
      await page.getByLabel('Through').selectOption({ label: 'real-1' });
      await page.getByRole('button', { name: 'Subscribe' }).click();
      await page.getByTestId('subscription').getByText('listening').waitFor();
      await page.getByLabel('Through').selectOption({ label: 'real-4' });
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByTestId('published').getByText('real-4').waitFor();
      await page.getByTestId('messages').getByText('hello, flock').waitFor();
    });

    it('shows half of them die by kill -9, the one that it asks among them, and one mesh again', async () => {
      await page.getByRole('link', { name: 'Topology' }).click();
      await page.getByTestId('mesh-canvas').waitFor();
      // Without a selection the panel lists the changes.
      await page.keyboard.press('Escape');
      const changes = page.getByRole('region', { name: 'Recent changes' });
      await changes.waitFor();
      for (const { child } of peers.slice(0, 3)) child.kill('SIGKILL');
      await page.getByTestId('peers').getByText('3 of 3 heard').waitFor();
      await page.getByTestId('parts').getByText('One mesh').waitFor();
      for (const i of [0, 1, 2]) await changes.getByText(`real-${i}`).first().waitFor();
      await page.getByTestId('freshness').getByText('Live').waitFor();
    });
  },
);
