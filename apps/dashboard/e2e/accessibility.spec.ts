import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './axe.ts';
import { missingTool, sampleDashboard } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';

const missing = missingTool();

describe.skipIf(missing !== null)(
  `the dashboard for everybody${missing === null ? '' : ` (skipped: ${missing})`}`,
  { timeout: 90_000 },
  () => {
    const mesh = new SampleMesh(24, 3);
    const stage = sampleDashboard(mesh, {
      tickMs: 1_000,
      patienceMs: 40_000,
      env: { STARLING_TOKEN_FILE: '/dev/null' },
    });
    const { open } = stage;
    let page: Page;

    beforeAll(() => {
      ({ page } = stage);
    });

    describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
      beforeAll(() => page.emulateMedia({ colorScheme }));

      it.each([
        ['the topology', () => '/'],
        ['a selected peer', () => `/?peer=${mesh.ids[3]}`],
        ['a find expression', () => '/?find=zone%3Deu-west-1a'],
        ['one that is not understood', () => '/peers?find=colour%3Dgreen'],
        ['the peers', () => `/peers?sort=-rtt&peer=${mesh.ids[3]}`],
        ['the traffic', () => '/traffic'],
        ['the zones', () => '/zones'],
        ['links of two zones', () => '/zones?pair=eu-west-1a,eu-west-1b'],
        ['the bans', () => '/bans'],
        ['the console', () => '/console'],
        ['a lookup', () => '/console?mode=lookup'],
        ['a question about the mesh', () => '/console?mode=mesh'],
      ])('%s breaks no rule of WCAG 2.2 AA', async (_, path) => {
        await open(path());
        expect(await axeViolations(page)).toEqual([]);
      });

      it('nor does what the console answers', async () => {
        await open('/console');
        await page.getByRole('button', { name: 'Subscribe' }).click();
        await page.getByTestId('subscription').getByText('listening').waitFor();
        await page.getByRole('button', { name: 'Publish' }).click();
        await page.getByTestId('messages').getByText('hello, flock').waitFor();
        await page.getByLabel('Topic', { exact: true }).fill('not a topic');
        await page.getByRole('button', { name: 'Publish' }).click();
        await page.getByText('words are separated by dots').waitFor();
        expect(await axeViolations(page)).toEqual([]);
        await page.getByText('Search', { exact: true }).click();
        await page.getByLabel('Words to search for in the whole mesh').fill('starlings');
        await page.getByRole('button', { name: 'Ask', exact: true }).click();
        await page.getByTestId('query-summary').getByText('1 hit in').waitFor();
        expect(await axeViolations(page)).toEqual([]);
        await page.getByLabel('show the way').first().check();
        await page.getByRole('button', { name: 'Ask', exact: true }).click();
        await page.getByTestId('trace-state').getByText('step 4 of 4').waitFor();
        expect(await axeViolations(page)).toEqual([]);
      });

      it('nor what lookups and questions about the mesh answer, refusals among them', async () => {
        await open('/console?mode=lookup');
        await page.getByLabel('Key', { exact: true }).fill('missing');
        await page.getByLabel('show the way').last().check();
        await page.getByRole('button', { name: 'Get record' }).click();
        await page.getByTestId('lookup-hops').getByText('did not answer in time').waitFor();
        expect(await axeViolations(page)).toEqual([]);
        await page.getByText('Find peers', { exact: true }).first().click();
        await page.getByLabel('Name of the offer').fill('thumbnails');
        await page.getByRole('button', { name: 'Find peers' }).click();
        await page.getByTestId('lookup').getByRole('row').nth(1).waitFor();
        expect(await axeViolations(page)).toEqual([]);
        await page.getByText('Mesh', { exact: true }).last().click();
        await page.getByRole('button', { name: 'Heaviest' }).click();
        await page.getByTestId('coverage').getByText('it did not answer in time').waitFor();
        await page.getByText('What can be asked').click();
        expect(await axeViolations(page)).toEqual([]);
        await page.getByLabel('Question').fill('zone ? zone');
        await page.keyboard.press('Enter');
        await page.getByTestId('pointed').waitFor();
        expect(await axeViolations(page)).toEqual([]);
      });

      it('nor bans of each kind', async () => {
        const until = Date.now() + 3_600_000;
        const ban = { by: 'ann', reason: 'sends rubbish '.repeat(18), isAutomatic: false, until };
        const [, , , , one = '', other = ''] = mesh.ids;
        mesh.mark(one, { ban: { ...ban, scope: 'mesh' } });
        mesh.mark(other, { ban: { ...ban, scope: 'peer', reason: 'violation', isAutomatic: true } });
        await open('/bans');
        await page.getByText('2 peers are banned').waitFor();
        await page.getByText('Which peer').click();
        expect(await axeViolations(page)).toEqual([]);
        for (const id of [one, other]) mesh.mark(id, { ban: undefined });
      });

      it('nor an operator’s dialogs', async () => {
        await open(`/?peer=${mesh.ids[3]}`);
        for (const name of ['Drain…', 'Ban…']) {
          await page.getByRole('button', { name }).click();
          await page.getByRole('dialog').waitFor();
          expect(await axeViolations(page)).toEqual([]);
          await page.keyboard.press('Escape');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        }
      });

      it('nor the help', async () => {
        await open('/');
        await page.keyboard.press('?');
        await page.getByRole('heading', { name: 'Keys' }).waitFor();
        expect(await axeViolations(page)).toEqual([]);
      });
    });

    /** Presses Tab until something has the focus; what has it must be seen to have it. */
    const tabTo = async (name: string | RegExp, role: 'button' | 'link' | 'radio' | 'textbox'): Promise<void> => {
      const wanted = page.getByRole(role, { name }).first().and(page.locator(':focus'));
      for (let presses = 0; presses < 60 && (await wanted.count()) === 0; presses++) {
        await page.keyboard.press('Tab');
        const outline = await page.evaluate<string>(
          `(() => {
            const seen = (element) => {
              const { outlineStyle, outlineWidth, borderColor } = getComputedStyle(element);
              return (outlineStyle !== 'none' && outlineWidth !== '0px') || element.matches('.find, .find *') || borderColor === '';
            };
            const focused = document.activeElement;
            if (focused === document.body) return '';
            return seen(focused) || seen(focused.closest('label') ?? focused) ? '' : focused.outerHTML.slice(0, 200);
          })()`,
        );
        expect(outline, 'has the focus, and nothing shows it').toBe('');
      }
      expect(await wanted.count(), `reached by Tab: ${name}`).toBe(1);
    };

    it('by keys alone: finds a peer, opens it, walks to a neighbour, and closes', async () => {
      await open('/peers');
      await page.keyboard.press('/');
      await page.keyboard.type('name=starling-7');
      await page.getByText('1 found').waitFor();
      await page.keyboard.press('Escape');
      await tabTo('starling-7', 'button');
      await page.keyboard.press('Enter');
      const panel = page.getByTestId('peer-panel');
      await panel.getByRole('heading', { name: 'starling-7' }).waitFor();
      await tabTo('Close', 'button');
      const neighbour = panel.getByRole('button', { name: /^starling-\d+$/ }).first();
      await page.keyboard.press('Tab');
      await neighbour.and(page.locator(':focus')).waitFor();
      await page.keyboard.press('Enter');
      await panel.getByRole('heading', { name: 'starling-7' }).waitFor({ state: 'detached' });
      await panel.waitFor();
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'detached' });
    });

    it('by keys alone: skips to the content, publishes in the console', async () => {
      await open('/');
      await tabTo('Skip to content', 'link');
      await open('/');
      await tabTo('Console', 'link');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Publish' }).waitFor();
      await tabTo('Topic', 'textbox');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('keys.alone');
      await tabTo('Publish', 'button');
      await page.keyboard.press('Enter');
      await page.getByTestId('published').waitFor();
      expect(new URL(page.url()).searchParams.get('topic')).toBe('keys.alone');
    });

    it('stands still for who wants it still', async () => {
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await open('/');
      await page.locator('[data-testid=mesh-canvas][data-painted=true] canvas').first().waitFor({ state: 'attached' });
      await page.getByText('Ring', { exact: true }).click();
      await page.getByRole('radio', { name: 'Ring' }).and(page.locator(':checked')).waitFor({ state: 'attached' });
      const moving = 'document.getAnimations().filter((animation) => animation.playState === "running").length';
      expect(await page.evaluate<number>(moving)).toBe(0);
      expect(await page.getByTestId('mesh-canvas').getAttribute('data-still')).toBe('true');
      await page.emulateMedia({ reducedMotion: 'no-preference' });
    });

    it('fits a phone: nothing sticks out, find and freshness are there', async () => {
      await page.setViewportSize({ width: 360, height: 740 });
      const console = ['messages', 'search', 'lookup', 'mesh'].map((mode) => `/console?mode=${mode}`);
      for (const path of [
        '/',
        `/?peer=${mesh.ids[2]}`,
        '/peers',
        '/zones?pair=eu-west-1a,eu-west-1a',
        '/traffic',
        '/bans',
        ...console,
      ]) {
        await open(path);
        const width = await page.evaluate<number>('document.documentElement.scrollWidth');
        expect(width, path).toBeLessThanOrEqual(360);
        expect(await page.getByRole('searchbox').isVisible()).toBe(true);
        expect(await page.getByTestId('freshness').isVisible()).toBe(true);
        expect(await axeViolations(page), path).toEqual([]);
      }
    });
  },
);
