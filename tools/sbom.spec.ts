import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { billOfMaterials } from './sbom.ts';

interface Locked {
  readonly version?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}
const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/** Where Node finds a package that the one at `from` asks for. */
function resolve(from: string, name: string): string {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    const found = packages[path];
    if (found !== undefined) return found.link ? (found.resolved as string) : path;
    if (at === '') throw new Error(`${name} is not in the lock file`);
  }
}

/** What these need to run, by the lock file alone: name@version of packages from outside. */
function neededBy(...workspaces: string[]): string[] {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const name of Object.keys(packages[path]?.dependencies ?? {})) visit(resolve(path, name));
  };
  for (const path of workspaces) visit(path);
  const outside = [...seen].filter((path) => path.includes('node_modules/'));
  return outside.map((path) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${packages[path]?.version}`);
}

describe('the bill of materials of an image', () => {
  it.each([
    ['peer', ['@starling/peer', '@starling/cli'], ['apps/peer', 'apps/cli']],
    ['dashboard', ['@starling/dashboard'], ['apps/dashboard']],
  ])('of the %s names all that it needs to run, with hashes, and no tool', (_image, names, paths) => {
    const bill = JSON.parse(billOfMaterials(names)) as {
      bomFormat: string;
      components: { name: string; group?: string; version: string; hashes?: object[]; purl: string }[];
    };
    expect(bill.bomFormat).toBe('CycloneDX');
    const listed = new Map(bill.components.map((each) => [decodeURIComponent(each.purl.slice(8)), each]));
    const needed = neededBy(...paths);
    expect(needed.length).toBeGreaterThan(20);
    expect(needed.filter((name) => !listed.has(name))).toEqual([]);
    expect(needed.filter((name) => listed.get(name)?.hashes === undefined)).toEqual([]);
    expect([...listed.keys()].filter((name) => /^(vitest|nx|fast-check|oidc-provider|@biomejs)/.test(name))).toEqual(
      [],
    );
  });
});
