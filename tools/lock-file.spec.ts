import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const installed = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);

/** What images and CI run on: Linux with glibc. */
function isForImages({ os, cpu, libc }: LockedPackage, name: string): boolean {
  const allows = (list: readonly string[] | undefined, value: string): boolean =>
    list === undefined || list.includes(value);
  const isMusl = name.endsWith('-musl') || libc?.includes('musl') === true;
  return allows(os, 'linux') && (allows(cpu, 'x64') || allows(cpu, 'arm64')) && !isMusl;
}

describe('the lock file', () => {
  it('knows every package by a version and, unless it is for another platform, by the hash of what it holds', () => {
    expect(installed.length).toBeGreaterThan(300);
    expect(installed.filter(([, { version }]) => version === undefined)).toEqual([]);
    const unproved = installed.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true);
    expect(
      unproved.filter(([name, locked]) => !locked.optional || isForImages(locked, name)).map(([name]) => name),
    ).toEqual([]);
  });

  it('names no registry, so that it works with any mirror', () => {
    expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name)).toEqual([]);
  });
});
