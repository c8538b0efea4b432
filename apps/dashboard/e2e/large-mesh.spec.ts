import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './axe.ts';
import { missingTool, sampleDashboard } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';

const missing = missingTool();
const size = 2_500;

describe.skipIf(missing !== null)(
  `the dashboard on ${size} peers${missing === null ? '' : ` (skipped: ${missing})`}`,
  { timeout: 120_000 },
  () => {
    const mesh = new SampleMesh(size, 3);
    // Reports older than 15 s are no evidence any more: without fresh ones nobody is critical, but not heard.
    const stage = sampleDashboard(mesh, { tickMs: 6_000, patienceMs: 60_000 });
    let page: Page;

    beforeAll(() => {
      ({ page } = stage);
    });

    const zones = () => page.getByRole('region', { name: 'Zones' });
    const drawn = async () => Number(await page.getByTestId('mesh-canvas').getAttribute('data-nodes'));

    it('opens at zones, with exact numbers', async () => {
      await page.goto(stage.dashboard.url);
      await page.getByTestId('peers').getByText('2,500 of 2,500 heard').waitFor();
      const texts = await zones().getByRole('button').allTextContents();
      expect(texts).toEqual(['eu-west-1a834', 'eu-west-1b833', 'eu-west-1c833']);
      await expect.poll(drawn).toBe(3);
      await page.getByRole('radio', { name: 'Hops' }).and(page.locator(':disabled')).waitFor({ state: 'attached' });
      expect(await axeViolations(page)).toEqual([]);
    });

    it('draws a zone peer by peer when it is opened, keeps it in the address, and folds it again', async () => {
      const button = zones().getByRole('button', { name: /eu-west-1b/ });
      await button.click();
      await expect.poll(drawn).toBe(833 + 2);
      expect(new URL(page.url()).searchParams.get('open')).toBe('eu-west-1b');
      await page.reload();
      await expect.poll(drawn).toBe(833 + 2);
      await button.click();
      await expect.poll(drawn).toBe(3);
    });

    it('opens a zone by a click on it in the picture', async () => {
      const box = await page.getByTestId('mesh-canvas').boundingBox();
      if (box === null) throw new Error('no picture');
      // Three discs that touch: the middle of the upper one is 0.87 radii over the middle of the box around them, which is
      // four radii wide and as wide as the picture is high but for its margin.
      const up = (0.87 / 2) * (Math.min(box.width, box.height) / 2 - 34);
      await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2 - up);
      await expect.poll(() => new URL(page.url()).searchParams.get('open')).toBe('eu-west-1a');
      await expect.poll(drawn).toBe(834 + 2);
      await zones()
        .getByRole('button', { name: /eu-west-1a/ })
        .click();
      await expect.poll(drawn).toBe(3);
    });

    it('folds a zone under the pointer', async () => {
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      const button = zones().getByRole('button', { name: /eu-west-1b/ });
      await button.click();
      await expect.poll(drawn).toBe(833 + 2);
      const canvas = page.getByTestId('mesh-canvas');
      const box = await canvas.boundingBox();
      if (box === null) throw new Error('no picture');
      const cursor = () => canvas.evaluate((drawing) => getComputedStyle(drawing).cursor);
      // The zone that is open is the lower one on the right: across it until the pointer is on a peer.
      let along = 0.9;
      await expect
        .poll(async () => {
          along = along < 0.5 ? 0.9 : along - 0.003;
          await page.mouse.move(box.x + box.width * along, box.y + box.height * 0.7);
          return await cursor();
        })
        .toBe('pointer');
      await button.press('Enter');
      await expect.poll(drawn).toBe(3);
      await expect.poll(cursor).not.toBe('pointer');
      expect(problems).toEqual([]);
    });

    it('draws a peer that is found out of its closed zone', async () => {
      await page.keyboard.press('/');
      await page.keyboard.type('name=starling-77');
      await page.getByText('1 found').waitFor();
      await expect.poll(drawn).toBe(3 + 1);
      await page.getByRole('searchbox').fill('');
      await expect.poll(drawn).toBe(3);
    });

    it('saves the picture and the whole mesh', async () => {
      const [json] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save the mesh as JSON' }).click(),
      ]);
      expect(json.suggestedFilename()).toMatch(/^starling-\d{4}-\d\d-\d\dT.*\.json$/);
      const saved = JSON.parse(readFileSync(await json.path(), 'utf8')) as { peers: unknown[] };
      expect(saved.peers).toHaveLength(size);
      const [png] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save the picture as PNG' }).click(),
      ]);
      const bytes = readFileSync(await png.path());
      expect(bytes.subarray(1, 4).toString()).toBe('PNG');
      // A picture of nothing but its ground compresses to far less.
      expect(bytes.length).toBeGreaterThan(10_000);
    });

    it('says what is wrong, since when, and shows whom it concerns', async () => {
      const left = new Set(mesh.ids.slice(0, 40));
      mesh.cut((id) => left.has(id));
      const findings = page.getByTestId('findings');
      await findings.getByText(/The mesh is in \d+ parts/).waitFor();
      await findings
        .getByText(/since \d\d:\d\d:\d\d/)
        .first()
        .waitFor();
      await findings.getByRole('button', { name: 'Show them' }).first().click();
      expect(new URL(page.url()).searchParams.get('find')).toBe('health=critical');
      await expect.poll(drawn).toBeGreaterThan(3 + 39);
      expect(await axeViolations(page)).toEqual([]);
    });
  },
);
