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
      const lines = ['viewer', 'client', 'operator'].map(
        (role) => `${role} the-${role} sha256:${hashOf(`token-of-${role}`)}\n`,
      );
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
        await poll(async () => (await fetch(`${http}/readyz`)).ok, 'a peer to be ready', 90_000);
      dashboard = await startDashboard(
        peers.map(({ api }) => api),
        { STARLING_TOKEN_FILE: path.join(folder, 'viewer.token'), STARLING_TOKEN_HINT: '/somewhere/client.token' },
      );
      browser = await openBrowser();
      page = await browser.context.newPage();
      page.setDefaultTimeout(20_000);
    }, 180_000);

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
      await expect.poll(() => page.getByLabel('Your token').inputValue()).toBe('token-of-client');
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

    it('keeps a record through one peer, and finds it through another', async () => {
      await page.getByText('Lookup', { exact: true }).click();
      await page.getByText('Put', { exact: true }).click();
      await page.getByLabel('Key', { exact: true }).fill('song');
      await page.getByLabel('Value', { exact: true }).fill('lalala');
      await page.getByRole('button', { name: 'Put record' }).click();
      const result = page.getByTestId('lookup');
      await result.getByText(/“song” is held by \d of \d peers/).waitFor();
      await page.getByLabel('Through').selectOption({ label: 'real-2' });
      await page.getByText('Get', { exact: true }).click();
      await page.getByRole('button', { name: 'Get record' }).click();
      await result.getByText('lalala').waitFor();
      await page.getByLabel('show the way').last().check();
      await page.getByLabel('Key', { exact: true }).fill('nothing');
      await page.keyboard.press('Enter');
      await result.getByText('No record of “nothing”').waitFor();
      await result
        .getByRole('row', { name: /^1 real-\d knew nothing nearer|^1 real-\d named \d peers?/ })
        .first()
        .waitFor();
    });

    it('asks the peers about themselves, and points at what they do not understand', async () => {
      await page.getByText('Mesh', { exact: true }).last().click();
      await page.getByLabel('Question').fill('zone, count(*) group by zone');
      await page.keyboard.press('Enter');
      await page.getByTestId('coverage').getByText('6 of 6 peers answered.').waitFor();
      await page.getByTestId('peers-answer').getByRole('row', { name: 'zone-0 3' }).waitFor();
      await page.getByLabel('Question').fill('zone, colour');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.getByTestId('pointed').locator('mark').textContent()).toBe('colour');
    });

    it('bans a peer at all others and lets it back in, with an operator’s token alone', async () => {
      await page.getByRole('link', { name: 'Peers' }).click();
      await page.getByRole('button', { name: 'real-5', exact: true }).first().click();
      const panel = page.getByTestId('peer-panel');
      const dialog = page.getByRole('dialog');
      await panel.getByRole('button', { name: 'Ban…' }).click();
      await dialog.getByLabel('Reason').fill('sends rubbish');
      await dialog.getByLabel('Your operator’s token').fill('token-of-client');
      await dialog.getByRole('button', { name: 'Ban real-5' }).click();
      await dialog.getByText('ROLE_TOO_LOW').waitFor();
      await dialog.getByLabel('Your operator’s token').fill('token-of-operator');
      await dialog.getByRole('button', { name: 'Ban real-5' }).click();
      await dialog.getByText('real-5 is banned at 5 of 5 peers.').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await panel.getByText('Banned by the-operator: sends rubbish').waitFor();
      await panel.getByRole('heading', { name: 'Links 0' }).waitFor();
      // It is out on purpose: no island.
      await page.getByTestId('parts').getByText('One mesh').waitFor();
      await page.getByRole('link', { name: 'Bans' }).click();
      const listed = page
        .getByTestId('bans')
        .getByRole('listitem')
        .filter({ hasText: 'By the-operator: sends rubbish' });
      await listed.getByText('at all 5 others').waitFor();
      await listed.getByRole('button', { name: 'Lift the ban of real-5…' }).click();
      await dialog.getByRole('button', { name: 'Unban real-5' }).click();
      await dialog.getByText('The ban of real-5 is lifted at 5 of 5 peers.').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await panel.getByRole('heading', { name: /^Links [1-9]/ }).waitFor({ timeout: 60_000 });
      await panel.getByText('Healthy').waitFor({ timeout: 60_000 });
    });

    it('drains a peer, which goes', async () => {
      await page.getByRole('link', { name: 'Peers' }).click();
      await page.getByRole('button', { name: 'real-5', exact: true }).first().waitFor();
      const panel = page.getByTestId('peer-panel');
      const dialog = page.getByRole('dialog');
      await panel.getByRole('button', { name: 'Drain…' }).click();
      await dialog.getByRole('button', { name: 'Drain real-5' }).click();
      await dialog.getByText(/real-5 has left the mesh: \d neighbours? told/).waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await panel.getByText('This peer is gone.').waitFor();
      await page.getByTestId('peers').getByText('5 of 5 heard').waitFor();
    });

    it('shows half of them die by kill -9, the one that it asks among them, and one mesh again', async () => {
      await page.getByRole('link', { name: 'Topology' }).click();
      await page.getByTestId('mesh-canvas').waitFor();
      // Without a selection the panel lists the changes.
      await page.keyboard.press('Escape');
      const changes = page.getByRole('region', { name: 'Recent changes' });
      await changes.waitFor();
      for (const { child } of peers.slice(0, 3)) child.kill('SIGKILL');
      await page.getByTestId('peers').getByText('2 of 2 heard').waitFor();
      await page.getByTestId('parts').getByText('One mesh').waitFor();
      for (const i of [0, 1, 2]) await changes.getByText(`real-${i}`).first().waitFor();
      await page.getByTestId('freshness').getByText('Live').waitFor();
    });
  },
);
