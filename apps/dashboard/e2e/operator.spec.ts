import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { missingTool, sampleDashboard } from './harness.ts';
import { SampleMesh } from './sample-mesh.ts';

const missing = missingTool();

describe.skipIf(missing !== null)(
  `what an operator does in the dashboard${missing === null ? '' : ` (skipped: ${missing})`}`,
  { timeout: 90_000 },
  () => {
    const mesh = new SampleMesh(12, 4);
    const stage = sampleDashboard(mesh, { served: 3, tickMs: 500, env: { STARLING_TOKEN_FILE: '/dev/null' } });
    const { open } = stage;
    let page: Page;
    const panel = () => page.getByTestId('peer-panel');
    const dialog = () => page.getByRole('dialog');
    const outcome = () => page.getByTestId('action-outcome');

    beforeAll(() => {
      ({ page } = stage);
    });

    it('asks once more before it bans, by name, and goes away with nothing done', async () => {
      await open(`/?peer=${mesh.ids[2]}`);
      await panel().getByRole('button', { name: 'Ban…' }).click();
      await dialog().getByRole('heading', { name: 'Ban starling-2?' }).waitFor();
      await page.keyboard.press('Escape');
      await dialog().waitFor({ state: 'detached' });
      await panel().getByRole('heading', { name: 'starling-2' }).waitFor();
      expect(mesh.peer(mesh.ids[2] ?? '')?.ban).toBeUndefined();
    });

    it('hands a refusal on, and asks no second peer', async () => {
      await panel().getByRole('button', { name: 'Ban…' }).click();
      await dialog().getByLabel('Reason').fill('sends rubbish');
      await dialog().getByText("starling ban starling-2 --for 60m --reason 'sends rubbish'").waitFor();
      await dialog().getByLabel('Your operator’s token').fill('viewer');
      await dialog().getByRole('button', { name: 'Ban starling-2' }).click();
      await dialog().getByRole('alert').getByText('this needs the role operator').waitFor();
      expect(mesh.peer(mesh.ids[2] ?? '')?.ban).toBeUndefined();
    });

    it('bans at every other peer that takes clients, says so, and the picture shows why', async () => {
      await dialog().getByLabel('Your operator’s token').fill(' operator ');
      await page.keyboard.press('Enter');
      await outcome().getByText('starling-2 is banned at 2 of 2 peers').waitFor();
      await dialog().getByRole('button', { name: 'Close' }).click();
      await panel().getByText('Banned by ann: sends rubbish').waitFor();
      await panel().getByText('Banned until it is lifted.').waitFor();
    });

    it('keeps the token in the page alone, and lifts the ban with it', async () => {
      expect(await page.evaluate<number>('sessionStorage.length + localStorage.length')).toBe(0);
      await panel().getByRole('button', { name: 'Lift the ban…' }).click();
      expect(await dialog().getByLabel('Your operator’s token').inputValue()).toBe('operator');
      await dialog().getByRole('button', { name: 'Unban starling-2' }).click();
      await outcome().getByText('The ban of starling-2 is lifted at 2 of 2 peers').waitFor();
      await dialog().getByRole('button', { name: 'Close' }).click();
      await panel().getByRole('button', { name: 'Ban…' }).waitFor();
      await page.reload();
      await panel().getByRole('button', { name: 'Ban…' }).click();
      expect(await dialog().getByLabel('Your operator’s token').inputValue()).toBe('');
      await page.keyboard.press('Escape');
    });

    it('drains a peer, and says who was told', async () => {
      await panel().getByRole('button', { name: 'Drain…' }).click();
      await dialog().getByRole('heading', { name: 'Drain starling-2?' }).waitFor();
      await dialog().getByLabel('Your operator’s token').fill('operator');
      await dialog().getByRole('button', { name: 'Drain starling-2' }).click();
      await outcome().getByText('starling-2 has left the mesh: 3 neighbours told, in 21.0 ms.').waitFor();
      await dialog().getByRole('button', { name: 'Close' }).click();
      await panel().getByText('Draining', { exact: true }).waitFor();
      expect(await panel().getByRole('button', { name: 'Drain…' }).count()).toBe(0);
    });

    it('says what the peer says of itself, that its certificate is late, and what it serves', async () => {
      await open(`/?peer=${mesh.ids[0]}`);
      const self = page.getByTestId('peer-self');
      await self.getByText('100 % of the others’ canaries').waitFor();
      await self.getByText(/expires in (59 m \d+ s|1 h 0 m): it should have been renewed/).waitFor();
      await self.getByRole('button', { name: 'Ask what it serves' }).click();
      await self.getByText('12 held for lookups').waitFor();
      await self.getByText('1 attached').waitFor();
    });

    it('says that a peer does not answer, and keeps what it said before', async () => {
      const self = page.getByTestId('peer-self');
      const refusal = { error: { code: 'DEADLINE_EXCEEDED', message: 'Deadline exceeded', reason: '', fields: [] } };
      await page.route(/\/api\/peer\?/, (route) => route.fulfill({ status: 504, json: refusal }));
      await self.getByText('It did not answer').waitFor();
      await self.getByText('100 % of the others’ canaries').waitFor();
      await page.unroute(/\/api\/peer\?/);
      await self.getByText('It did not answer').waitFor({ state: 'detached' });
    });

    it('lifts the ban of a peer that the mesh has forgotten meanwhile', async () => {
      await open(`/?peer=${'b'.repeat(52)}`);
      await panel().getByText('The mesh does not know this peer.').waitFor();
      await panel().getByRole('button', { name: 'Lift a ban of it…' }).click();
      await dialog().getByLabel('Your operator’s token').fill('operator');
      await dialog().getByRole('button', { name: 'Unban bbbbbbbb' }).click();
      await outcome().getByText('The ban of bbbbbbbb is lifted at 3 of 3 peers').waitFor();
    });

    it('has no way to lift a ban of the mesh, and says who has', async () => {
      const [, , , id = ''] = mesh.ids;
      mesh.mark(id, { ban: { by: 'ben', reason: 'key stolen', scope: 'mesh', isAutomatic: false, until: null } });
      await open(`/?peer=${id}`);
      await panel().getByText('starling unban starling-3').waitFor();
      expect(await panel().getByRole('button', { name: /ban…/i }).count()).toBe(0);
    });

    it('lists who is banned, where, by whom, why and until when; an own verdict is lifted there', async () => {
      const [, , , banned = '', judged = ''] = mesh.ids;
      const until = Date.now() + 3_600_000;
      mesh.mark(judged, { ban: { by: 'x', reason: 'violation', scope: 'peer', isAutomatic: true, until } });
      await open('/bans');
      const bans = page.getByTestId('bans');
      await bans.getByText('2 peers are banned, say 3 of 3 peers.').waitFor();
      const ofMesh = bans.getByRole('listitem').filter({ hasText: 'starling-3' });
      await ofMesh.getByText('in the whole mesh').waitFor();
      await ofMesh.getByText('By ben: key stolen').waitFor();
      await ofMesh.getByText('starling unban starling-3').waitFor();
      expect(await ofMesh.getByRole('button', { name: /^Lift/ }).count()).toBe(0);
      await bans.getByText('3 peers know no operator’s key').waitFor();
      const verdict = bans.getByRole('listitem').filter({ hasText: 'starling-4' });
      await verdict.getByText('For what it did: violation').waitFor();
      await verdict.getByText(/m \d+ s from now/).waitFor();
      await verdict.getByText('Which 3 peers').click();
      await verdict.getByText(/^starling-0 until/).waitFor();
      await verdict.getByRole('button', { name: 'Lift the ban of starling-4…' }).click();
      await dialog().getByLabel('Your operator’s token').fill('operator');
      await page.keyboard.press('Enter');
      await outcome().getByText('The ban of starling-4 is lifted').waitFor();
      await page.keyboard.press('Escape');
      await bans.getByText('1 peer is banned, say 3 of 3 peers.').waitFor();
      mesh.mark(banned, { ban: undefined });
      await bans.getByText('Nobody is banned, say 3 of 3 peers.').waitFor();
    });

    it('says whom the list of bans lacks, and keeps it when nobody answers', async () => {
      const [, , gone] = stage.servers;
      gone?.stop();
      await page.getByRole('button', { name: 'Ask again' }).click();
      const bans = page.getByTestId('bans');
      await bans.getByText('say 2 of 3 peers').waitFor();
      await bans.getByText('1 peer did not say whom it bans').click();
      await bans.getByText(/^starling-2: /).waitFor();
      await page.route('**/api/bans', (route) => route.abort());
      await page.getByRole('button', { name: 'Ask again' }).click();
      await bans.getByText(/It was asked again at .* in vain/).waitFor();
      await bans.getByText('say 2 of 3 peers').waitFor();
      await page.unroute('**/api/bans');
    });

    it('puts a record, finds it, and says when there is none', async () => {
      await open('/console?mode=lookup');
      const result = page.getByTestId('lookup');
      await page.getByLabel('Key', { exact: true }).fill('song');
      await page.keyboard.press('Enter');
      await result.getByText('No record of “song”').waitFor();
      await page.getByText('Put', { exact: true }).click();
      await page.getByLabel('Value', { exact: true }).fill('lalala');
      await page.getByRole('button', { name: 'Put record' }).click();
      await result.getByText('“song” is held by 4 of 5 peers.').waitFor();
      await page.getByText('Get', { exact: true }).click();
      await page.getByRole('button', { name: 'Get record' }).click();
      await result.getByText('One record of “song”').waitFor();
      await result.getByText('lalala').waitFor();
      await result.getByText('3 calls, in one round, 6.00 ms').waitFor();
    });

    it('shows whom a lookup asked, in which round, and what each answered', async () => {
      await page.getByLabel('show the way').last().check();
      await page.getByRole('button', { name: 'Get record' }).click();
      const hops = page.getByTestId('lookup-hops');
      await hops
        .getByRole('row', { name: /^1 starling-2 did not answer in time 0 ms 5\.00 ms eu-west-1c 3/ })
        .waitFor();
      await hops.getByRole('row', { name: /^2 starling-3 had it/ }).waitFor();
      // Of one that came to nothing too: it is then that somebody wants to know.
      await page.getByLabel('Key', { exact: true }).fill('missing');
      await page.keyboard.press('Enter');
      await page.getByTestId('lookup').getByText('No record of “missing”').waitFor();
      await hops.getByRole('row', { name: /^1 starling-1 named 20 peers/ }).waitFor();
    });

    it('finds who offers something, and says when nobody does', async () => {
      const result = page.getByTestId('lookup');
      await page.getByText('Find peers', { exact: true }).first().click();
      await page.getByLabel('Name of the offer').fill('thumbnails');
      await page.getByRole('button', { name: 'Find peers' }).click();
      await result.getByRole('row', { name: /starling-1 eu-west-1b 10\.42\.0\.1:7401/ }).waitFor();
      await page.getByLabel('Name of the offer').fill('nothing');
      await page.keyboard.press('Enter');
      await result.getByText('Nobody offers “nothing”.').waitFor();
    });

    it('asks about the mesh by keys alone; the question is in the address', async () => {
      await open('/console?mode=mesh');
      const answer = page.getByTestId('peers-answer');
      await page.getByLabel('Question').focus();
      await page.keyboard.type('zone, count(*) group by zone');
      await page.keyboard.press('Enter');
      await page.getByTestId('coverage').getByText('12 of 12 peers answered.').waitFor();
      await answer.getByRole('row', { name: 'eu-west-1a 4 1.25 ms' }).waitFor();
      await expect.poll(() => new URL(page.url()).searchParams.get('ask')).toBe('zone, count(*) group by zone');
      await page.reload();
      await expect.poll(() => page.getByLabel('Question').inputValue()).toBe('zone, count(*) group by zone');
    });

    it('says whom an answer does not speak for, and when nothing is true of anybody', async () => {
      await page.getByRole('button', { name: 'Heaviest' }).click();
      const coverage = page.getByTestId('coverage');
      await coverage.getByText('Not complete: 2 peers are missing').waitFor();
      await coverage.getByText('missing from starling-0 on: it did not answer in time').waitFor();
      await page.getByLabel('Question').fill('zone where zone = x');
      await page.keyboard.press('Enter');
      await page.getByTestId('peers-answer').getByText('It is true of no peer.').waitFor();
    });

    it('points at the character that it does not understand', async () => {
      await page.getByLabel('Question').fill('zone ? count');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('text has a "?"').waitFor();
      expect(await page.getByTestId('pointed').locator('mark').textContent()).toBe('?');
      const selection = '[document.activeElement.name, document.activeElement.selectionStart].join()';
      await expect.poll(() => page.evaluate<string>(selection)).toBe('ask,5');
    });

    it('shows how far zones are apart, and the links of two of them, by keys', async () => {
      await open('/zones');
      const matrix = page.getByTestId('zone-matrix');
      await matrix.getByRole('button', { name: /^Within eu-west-1a: median round trip/ }).focus();
      await page.keyboard.press('ArrowRight');
      await matrix
        .getByRole('button', { name: /^eu-west-1a to eu-west-1b/ })
        .and(page.locator(':focus'))
        .waitFor();
      await page.keyboard.press('Enter');
      const links = page.getByTestId('pair-links');
      await links.getByRole('heading', { name: 'eu-west-1a – eu-west-1b' }).waitFor();
      expect(new URL(page.url()).searchParams.get('pair')).toBe('eu-west-1a,eu-west-1b');
      const trips = (await links.locator('tbody td:nth-child(4)').allTextContents()).map(Number.parseFloat);
      expect(trips.length).toBeGreaterThan(0);
      expect(trips).toEqual([...trips].sort((one, other) => other - one));
      await links
        .getByRole('button', { name: /^starling-/ })
        .first()
        .click();
      await panel().waitFor();
    });
  },
);
