/**
 * Prints the bill of materials (CycloneDX) of what is shipped of these workspaces: `node tools/sbom.ts @starling/peer …`.
 * `npm sbom --omit dev` leaves out whatever a tool needs *too*: jose and protobuf's runtime were missing, though the peer holds
 * them. So npm is shown the manifests without what is for development.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;

interface Manifest {
  devDependencies?: object;
}

function read<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(root, ...path), 'utf8')) as T;
}

/** The bill of materials, as npm writes it. */
export function billOfMaterials(workspaces: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'starling-sbom-'));
  try {
    const lock = read<{ packages: Record<string, Manifest> }>('package-lock.json');
    for (const [path, locked] of Object.entries(lock.packages)) {
      if (path.includes('node_modules')) continue;
      const manifest = read<Manifest>(path, 'package.json');
      delete locked.devDependencies;
      delete manifest.devDependencies;
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, 'package.json'), JSON.stringify(manifest));
    }
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
    const args = [
      'sbom',
      '--sbom-format',
      'cyclonedx',
      '--package-lock-only',
      ...workspaces.flatMap((name) => ['-w', name]),
    ];
    return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) process.stdout.write(billOfMaterials(process.argv.slice(2)));
