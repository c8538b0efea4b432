import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { missingTool, poll, sampleDashboard } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';

const missing = missingTool();

describe.skipIf(missing !== null)(
  `the dashboard in Chromium${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const mesh = new SampleMesh(24, 3);
    const problems: string[] = [];
    const stage = sampleDashboard(mesh, { served: 2, tickMs: 500 });
    const { open, servers } = stage;
    let page: Page;

    beforeAll(() => {
      ({ page } = stage);
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' && message.text().includes('Content Security Policy'))
          problems.push(message.text());
      });
    });

    const see = (testId: string, words: string): Promise<void> => page.getByTestId(testId).getByText(words).waitFor();

    it('does not watch the mesh before somebody looks', () => {
      expect(servers.map(({ watches }) => watches)).toEqual([0, 0]);
    });

    it('draws the mesh, and says how much of it was heard', async () => {
      await open('/');
      await page.locator('[data-testid=mesh-canvas][data-painted=true] canvas').first().waitFor({ state: 'attached' });
      await see('peers', '24 of 24 heard');
      await see('parts', 'One mesh');
      expect(servers.map(({ watches }) => watches)).toEqual([1, 0]);
    });

    it('shows peers that die, and lists them', async () => {
      const dead = mesh.ids.slice(5, 8);
      const names = dead.map((id) => mesh.peer(id)?.name ?? '');
      mesh.kill(dead);
      const list = page.getByRole('region', { name: 'Recent changes' });
      for (const name of names) await list.getByText(`${name} died`).waitFor();
      await see('peers', '21 of 21 heard');
    });

    it('still knows who died after a reload, and says so at the top', async () => {
      await page.reload();
      await page.getByRole('region', { name: 'Recent changes' }).getByText('starling-5 died').waitFor();
      await page.getByTestId('findings').getByText('3 peers were lost').waitFor();
      await page
        .getByTestId('findings')
        .getByText(/since \d\d:\d\d:\d\d, \d+ s ago/)
        .waitFor();
    });

    it('shows a peer that joins', async () => {
      const name = mesh.peer(mesh.join())?.name;
      await page.getByRole('region', { name: 'Recent changes' }).getByText(`${name} joined`).waitFor();
    });

    it('shares its stream among all who look', async () => {
      const second = await stage.context.newPage();
      await second.goto(`${stage.dashboard.url}/traffic`);
      await second.getByText('Messages of applications').waitFor();
      expect(servers[0]?.watches).toBe(1);
      await second.close();
    });

    it('walks by arrow keys, opens the peer, keeps it in the address, and clears it by Escape', async () => {
      await page.getByTestId('mesh-canvas').focus();
      await page.keyboard.press('ArrowRight');
      await page.getByTestId('peer-panel').waitFor();
      const first = new URL(page.url()).searchParams.get('peer');
      expect(first).not.toBeNull();
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowDown');
      await poll(() => new URL(page.url()).searchParams.get('peer') !== first, 'another peer to be selected');
      await page.keyboard.press('Escape');
      await page.getByTestId('peer-panel').waitFor({ state: 'detached' });
      expect(new URL(page.url()).search).toBe('');
    });

    it('changes layouts, and a reload brings the same view back', async () => {
      for (const name of ['Tree', 'Ring', 'Hops']) await page.getByText(name, { exact: true }).click();
      expect(new URL(page.url()).searchParams.get('layout')).toBe('hops');
      await page.reload();
      await page.getByRole('radio', { name: 'Hops' }).and(page.locator(':checked')).waitFor({ state: 'attached' });
    });

    it('has the same selection in the table, with the links of the peer in both directions', async () => {
      await open('/peers');
      await page.getByRole('button', { name: 'starling-2', exact: true }).first().click();
      const panel = page.getByTestId('peer-panel');
      await panel.getByRole('heading', { name: 'starling-2' }).waitFor();
      expect(await panel.getByRole('row').count()).toBeGreaterThan(2);
      await page.getByRole('link', { name: 'Topology' }).click();
      await page.waitForURL(/\/\?peer=/);
      await panel.getByRole('heading', { name: 'starling-2' }).waitFor();
    });

    it('finds by / and an expression, the same in graph and table', async () => {
      await open('/peers');
      await page.keyboard.press('/');
      await page.keyboard.type('zone=eu-west-1a');
      await page.getByText(/[1-9]\d* found/).waitFor();
      // While the expression is half typed it finds others, or nobody.
      const zones = async () => [...new Set(await page.locator('tbody tr td:nth-child(3)').allTextContents())];
      await expect.poll(zones).toEqual(['eu-west-1a']);
      const find = () => new URL(page.url()).searchParams.get('find');
      await expect.poll(find).toBe('zone=eu-west-1a');
    });

    it('sorts by any column', async () => {
      await open('/peers');
      await page.getByRole('button', { name: 'Links' }).click();
      await page.locator('th[aria-sort=ascending]').getByText('Links').waitFor();
      const degrees = (await page.locator('tbody tr td:nth-child(5)').allTextContents()).map(Number);
      expect(degrees).toEqual([...degrees].sort((one, other) => one - other));
    });

    it('publishes, and hears it; says why it is refused', async () => {
      await open('/console');
      await page.getByRole('button', { name: 'Subscribe' }).click();
      await page.getByTestId('subscription').getByText('listening').waitFor();
      await page.getByLabel('Payload').fill('grüße, flock');
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByTestId('published').waitFor();
      await page.getByTestId('messages').getByText('grüße, flock').waitFor();
      await page.getByLabel('Topic', { exact: true }).fill('not a topic');
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.getByText('words are separated by dots').waitFor();
    });

    it('asks the whole mesh', async () => {
      await page.getByText('Search', { exact: true }).click();
      await page.getByLabel('Words to search for in the whole mesh').fill('starlings');
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      await page.getByTestId('hits').getByText('murmuration').waitFor();
      await page.getByTestId('query-summary').getByText('1 hit in').waitFor();
      expect(new URL(page.url()).searchParams.get('mode')).toBe('search');
    });

    it('shows the way of a query: link after link in the order of asking, and as a list for the keys', async () => {
      await page.getByLabel('show the way').first().check();
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      const steps = page.getByTestId('trace-list').getByRole('button');
      await page.getByTestId('trace-state').getByText('step 4 of 4').waitFor();
      const words = (await steps.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
      expect(words).toEqual([
        expect.stringMatching(/^0 ms starling-0/),
        expect.stringMatching(/^0 ms starling-0 → asks starling-1 round trip 10\.0 ms$/),
        expect.stringMatching(/^1\.00 ms starling-0 → asks starling-3 did not answer/),
        expect.stringMatching(/^3\.00 ms starling-1 → asks starling-2 round trip 4\.00 ms · 1 hit$/),
      ]);
      await page.getByText('… and 2 further peers, left out').waitFor();
      await steps.first().press('ArrowDown');
      await page.getByTestId('trace-state').getByText('step 2 of 4').waitFor();
      await steps.nth(1).and(page.locator(':focus')).waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await page.getByTestId('hits').getByText('murmuration').waitFor();
    });

    it('opens its help, and Escape closes it', async () => {
      await open('/');
      await page.keyboard.press('?');
      await page.getByRole('heading', { name: 'Keys' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('heading', { name: 'Keys' }).waitFor({ state: 'hidden' });
    });

    it('keeps the theme that was chosen', async () => {
      await page.getByRole('button', { name: /^Colours/ }).click();
      await page.reload();
      expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
    });

    it('says what peers say is wrong with them, what to do, and whom it concerns', async () => {
      const ailing = mesh.ids[2] as string;
      mesh.ail(ailing, 'certificateExpired');
      await open('/');
      const findings = page.getByTestId('findings');
      await findings.getByText('One peer has a certificate that has expired').waitFor();
      await findings.getByText('look at the authority').waitFor();
      await findings.getByRole('button', { name: 'Show them' }).first().click();
      await page.getByText('1 found').waitFor();
      await open(`/peers?peer=${ailing}`);
      await page.getByTestId('peer-panel').getByText('Its certificate has expired').waitFor();
      mesh.ail(ailing);
      await page.getByTestId('peer-panel').getByText('Healthy').waitFor();
    });

    it('says that the mesh is in parts', async () => {
      await open('/');
      const left = new Set(mesh.ids.slice(0, 8));
      mesh.cut((id) => left.has(id));
      await page.getByTestId('parts').getByText('islands').waitFor();
      await page.getByTestId('findings').getByText('Messages do not cross').waitFor();
    });

    it('goes on by another peer when the one that it asks dies', async () => {
      servers[0]?.stop();
      await page.getByTestId('freshness').getByText('by starling-1', { exact: true }).waitFor();
      await page.getByTestId('freshness').getByText('Live').waitFor();
      expect(servers[1]?.watches).toBe(1);
    });

    it('says that it is stale, and how old, when nobody answers any more', async () => {
      servers[1]?.stop();
      await page
        .getByTestId('stale')
        .getByText(/What you see is \d+ s old/)
        .waitFor();
      await see('freshness', 'Stale');
      await see('peers', 'heard');
      // What it was like then, and no advice for now.
      await see('findings', 'cannot be reached from the rest');
      expect(await page.getByTestId('findings').textContent()).not.toContain('Messages do not cross');
    });

    it('had no error and broke no rule of its own policy', () => {
      expect(problems).toEqual([]);
    });

    it('exits at once on SIGTERM, with a browser connected', async () => {
      stage.dashboard.process.kill('SIGTERM');
      expect(await stage.dashboard.exited).toBe(0);
    });
  },
);
