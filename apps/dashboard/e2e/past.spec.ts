import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './axe.ts';
import { missingTool, poll, sampleDashboard } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';

const missing = missingTool();

describe.skipIf(missing !== null)(
  `the dashboard looks back${missing === null ? '' : ` (skipped: ${missing})`}`,
  { timeout: 90_000 },
  () => {
    const mesh = new SampleMesh(12, 6);
    const stage = sampleDashboard(mesh, { tickMs: 500 });
    let page: Page;
    const bar = () => page.getByTestId('past');
    const heard = (words: string): Promise<void> => page.getByTestId('peers').getByText(words).waitFor();
    const times = async (): Promise<readonly number[]> => {
      const answer = await fetch(`${stage.dashboard.url}/api/past`);
      return ((await answer.json()) as { times: readonly number[] }).times;
    };

    beforeAll(() => {
      ({ page } = stage);
    });

    it('holds a picture every few seconds while somebody watches, and none before', async () => {
      expect(await times()).toEqual([]);
      expect((await fetch(`${stage.dashboard.url}/api/past?at=1`)).status).toBe(404);
      expect((await fetch(`${stage.dashboard.url}/api/past?at=x`)).status).toBe(400);
      await stage.open('/');
      await heard('12 of 12 heard');
      await poll(async () => (await times()).length >= 2, 'two pictures', 40_000);
      const [first = 0, second = 0] = await times();
      expect(second - first).toBeGreaterThanOrEqual(5_000);
      const metrics = await (await fetch(`${stage.dashboard.url}/metrics`)).text();
      expect(metrics).toMatch(/^starling_dashboard_past_bytes [1-9]\d*$/m);
      expect(metrics).toMatch(/^starling_dashboard_viewers 1$/m);
    });

    it('shows peers that died as they were then, clearly marked, and what is different now', async () => {
      const [, , , , dead = ''] = mesh.ids;
      mesh.kill([dead]);
      await heard('11 of 11 heard');
      await page.getByRole('button', { name: 'Look back' }).click();
      await bar().getByText(/ago/).waitFor();
      // The slider's beginning.
      await bar().getByRole('slider').and(page.locator(':enabled')).waitFor();
      await bar().getByRole('slider').press('Home');
      await heard('12 of 12 heard');
      await page.getByTestId('freshness').getByText('Then', { exact: true }).waitFor();
      await bar().getByText('since then 1 went').waitFor();
      expect(await axeViolations(page)).toEqual([]);
      expect(new URL(page.url()).searchParams.get('past')).toBe(String((await times())[0]));
    });

    it('has the past on every page, by a link, and lets nobody act on it', async () => {
      const [, , , alive = ''] = mesh.ids;
      await page.getByRole('link', { name: 'Peers' }).click();
      await page.getByRole('button', { name: 'starling-4', exact: true }).waitFor();
      await page.reload();
      await page.getByRole('button', { name: 'starling-4', exact: true }).waitFor();
      await page.goto(`${page.url()}&peer=${alive}`);
      await page.getByTestId('peer-panel').getByText('Identity').waitFor();
      expect(await page.getByRole('button', { name: 'Ban…' }).count()).toBe(0);
    });

    it('goes on picture by picture, and plays until now', async () => {
      const moment = () => Number(new URL(page.url()).searchParams.get('past'));
      const before = moment();
      await bar().getByRole('button', { name: 'Forward' }).click();
      expect(moment()).toBeGreaterThan(before);
      await bar().getByRole('button', { name: 'Play' }).click();
      await heard('11 of 11 heard');
      await page.getByTestId('freshness').getByText('Then', { exact: true }).waitFor();
    });

    it('comes back to now', async () => {
      await bar().getByRole('button', { name: 'Back to now' }).click();
      await bar().waitFor({ state: 'detached' });
      await page.getByTestId('freshness').getByText('Live').waitFor();
      await page.getByRole('button', { name: 'Ban…' }).waitFor();
      expect(new URL(page.url()).searchParams.has('past')).toBe(false);
    });
  },
);
