import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metadataOf, ownMetadata } from './tokens.ts';

const requestWith = (authorization?: string) =>
  new Request('http://127.0.0.1/', authorization === undefined ? {} : { headers: { authorization } });

describe('the token of a call', () => {
  it('of this server is what its file holds now', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'starling-dashboard-'));
    const file = join(folder, 'viewer.token');
    const own = async () => (await ownMetadata(file)).get('authorization');
    expect(await own()).toEqual([]);
    writeFileSync(file, 'starling_viewer_1\n');
    expect(await own()).toEqual(['Bearer starling_viewer_1']);
    writeFileSync(file, 'starling_viewer_2\n');
    expect(await own()).toEqual(['Bearer starling_viewer_2']);
    writeFileSync(file, 'two\nlines');
    expect(await own()).toEqual([]);
    rmSync(folder, { recursive: true });
    expect((await ownMetadata('')).get('authorization')).toEqual([]);
  });

  it.each([
    ['Bearer starling_client_x', ['Bearer starling_client_x']],
    [undefined, []],
    ['Basic abc', []],
    ['Bearer a, Bearer b', []],
    [`Bearer ${'x'.repeat(9_000)}`, []],
  ])('of a person is the one that the browser sent: %s', (sent, expected) => {
    expect(metadataOf(requestWith(sent)).get('authorization')).toEqual(expected);
  });
});
