import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const binDir = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));

function buf(...args: string[]): string {
  const env = { ...process.env, PATH: `${binDir}:${process.env.PATH ?? ''}` };
  return execFileSync(join(binDir, 'buf'), args, { cwd: packageDir, env, encoding: 'utf8' });
}

/** Every file below `root`, by its path there. */
function tree(root: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, name);
    if (statSync(path).isFile()) files[relative(root, path)] = readFileSync(path, 'utf8');
  }
  return files;
}

describe('the generated code', () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'starling-wire-'));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('is what `npm run generate -w @starling/wire` makes of the .proto files', () => {
    buf('generate', '-o', scratch);
    expect(tree(join(scratch, 'src/gen'))).toEqual(tree(join(packageDir, 'src/gen')));
  });

  it('has a descriptor set that is as fresh', () => {
    buf('build', '-o', join(scratch, 'starling.binpb'), '--exclude-source-info');
    expect(readFileSync(join(scratch, 'starling.binpb'))).toEqual(readFileSync(join(packageDir, 'starling.binpb')));
  });

  it('comes from .proto files that pass the STANDARD lint and are formatted', () => {
    expect(buf('lint')).toBe('');
    expect(buf('format', '--diff', '--exit-code')).toBe('');
  });
});
