import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBoundaries } from './boundaries.ts';

let root: string;

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function project(folder: string, name: string, type: string, source: string): void {
  const json = {
    name: `@starling/${name}`,
    type: 'module',
    exports: { '.': './src/index.ts' },
    nx: { tags: [`type:${type}`, 'env:any'] },
  };
  write(`${folder}/package.json`, JSON.stringify(json));
  write(`${folder}/src/index.ts`, source);
  mkdirSync(join(root, 'node_modules/@starling'), { recursive: true });
  symlinkSync(join(root, folder), join(root, 'node_modules/@starling', name));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'boundaries-'));
  mkdirSync(join(root, 'apps'));
  project('libs/kernel', 'kernel', 'kernel', 'export const one = 1;\n');
  project('libs/core/a', 'core-a', 'core', "import { one } from '@starling/kernel';\nexport const two = one + one;\n");
  project('libs/core/b', 'core-b', 'core', 'export const three = 3;\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the boundary check', () => {
  it('is content with a core that imports the kernel', async () => {
    expect(await checkBoundaries(root)).toEqual({ problems: [], modules: 3 });
  });

  it.each([
    [
      'a core that imports another core',
      "import { two } from '@starling/core-a';\nexport const x = two;\n",
      'may not import that project',
    ],
    [
      'a core that imports a type of another core',
      "import type { two } from '@starling/core-a';\nexport type X = typeof two;\n",
      'may not import that project',
    ],
    [
      'a core that imports Node',
      "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n",
      'third-party code or Node',
    ],
    ['a core that imports a package that is not there', "import x from 'left-pad';\nexport const y = x;\n", 'left-pad'],
    [
      'a deep import',
      "import { one } from '../../../kernel/src/other.ts';\nexport const x = one;\n",
      'only through src/index.ts',
    ],
  ])('finds %s', async (_title, source, problem) => {
    write('libs/kernel/src/other.ts', 'export const one = 1;\n');
    write('libs/core/b/src/index.ts', source);
    const { problems } = await checkBoundaries(root);
    expect(problems.join('\n')).toContain(problem);
  });

  it('names a package without a tag', async () => {
    write('libs/core/b/package.json', JSON.stringify({ name: '@starling/core-b' }));
    await expect(checkBoundaries(root)).rejects.toThrow('libs/core/b/package.json: nx.tags needs one of type:kernel');
  });
});
