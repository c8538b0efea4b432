/**
 * Checks that dependencies point one way, by the tags in each package's package.json:
 * kernel <- core, model <- mesh <- sim, host <- adapters <- apps. Run by `npm test`.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

interface Project {
  readonly folder: string;
  readonly name: string;
  readonly type: string;
  readonly env: string;
}

/** What each type of project may import, by type; and whether it may use third-party code. */
const allowed: Readonly<Record<string, { readonly types: readonly string[]; readonly thirdParty: boolean }>> = {
  kernel: { types: [], thirdParty: false },
  core: { types: ['kernel'], thirdParty: false },
  model: { types: ['kernel'], thirdParty: false },
  mesh: { types: ['kernel', 'core'], thirdParty: false },
  sim: { types: ['kernel', 'core', 'mesh', 'model'], thirdParty: false },
  host: { types: ['kernel', 'core', 'mesh'], thirdParty: false },
  wire: { types: ['kernel', 'core', 'mesh'], thirdParty: true },
  adapter: { types: ['kernel', 'core', 'mesh', 'host', 'wire'], thirdParty: true },
  testing: { types: ['kernel', 'core', 'mesh', 'sim', 'host', 'wire', 'adapter', 'model'], thirdParty: true },
  app: { types: ['kernel', 'core', 'mesh', 'host', 'wire', 'adapter', 'model'], thirdParty: true },
};

/** Only the command line runs the simulator. */
const exceptions: Readonly<Record<string, readonly string[]>> = { '@starling/cli': ['sim'] };

/** Which environments a project of an environment may use. */
const environments: Readonly<Record<string, readonly string[]>> = {
  any: ['any'],
  node: ['any', 'node'],
  web: ['any', 'web'],
};

const specs = '\\.(spec|prop\\.spec)\\.tsx?$|/test-support/|/bench\\.ts$';
const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The projects of the workspace, by their package.json. Throws when one lacks a known tag. */
export function readProjects(root: string): Project[] {
  const files = ['libs/*', 'libs/core/*', 'apps/*'].flatMap((folder) =>
    globSync(`${folder}/package.json`, { cwd: root }),
  );
  return files.sort().map((file) => {
    const json = JSON.parse(readFileSync(join(root, file), 'utf8')) as { name: string; nx?: { tags?: string[] } };
    const tag = (prefix: string) => json.nx?.tags?.find((text) => text.startsWith(prefix))?.slice(prefix.length) ?? '';
    const project = { folder: dirname(file), name: json.name, type: tag('type:'), env: tag('env:') };
    if (!allowed[project.type])
      throw new Error(
        `${file}: nx.tags needs one of ${Object.keys(allowed)
          .map((t) => `type:${t}`)
          .join(', ')}`,
      );
    if (!environments[project.env]) throw new Error(`${file}: nx.tags needs one of env:any, env:node, env:web`);
    return project;
  });
}

/** One rule per project: everything that it may not reach. */
export function rulesFor(projects: readonly Project[]): IForbiddenRuleType[] {
  const rules: IForbiddenRuleType[] = projects.flatMap((project) => {
    const own = allowed[project.type] as (typeof allowed)[string];
    const types = [...own.types, ...(exceptions[project.name] ?? [])];
    const from = { path: `^${quoted(project.folder)}/`, pathNot: specs };
    const banned = projects.filter(
      (other) =>
        other.folder !== project.folder &&
        (!types.includes(other.type) || !environments[project.env]?.includes(other.env)),
    );
    const rules: IForbiddenRuleType[] = [
      {
        name: `${project.name} may not import that project`,
        severity: 'error',
        from,
        to: { path: banned.map((other) => `^${quoted(other.folder)}/`) },
      },
    ];
    if (!own.thirdParty) {
      rules.push({
        name: `${project.name} may not use third-party code or Node`,
        severity: 'error',
        from,
        to: {
          dependencyTypes: [
            'npm',
            'npm-dev',
            'npm-optional',
            'npm-peer',
            'npm-no-pkg',
            'npm-unknown',
            'core',
            'unknown',
          ],
        },
      });
    }
    return rules;
  });
  rules.push(
    {
      name: 'no circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { pathNot: '/\\.next/|/dist/' },
      to: { couldNotResolve: true, pathNot: '^node:' },
    },
    {
      name: 'only through src/index.ts',
      severity: 'error',
      from: { path: '^(?:libs/core|libs|apps)/([^/]+)/' },
      to: {
        path: '^(?:libs/core|libs)/[^/]+/src/',
        pathNot: ['^(?:libs/core|libs)/$1/', '/src/index\\.ts$', '/src/gen/'],
      },
    },
  );
  return rules;
}

const sources = ['libs', 'apps'];
const excluded = 'node_modules|/dist/|/\\.next/|/gen/';

/** Cruises the tree and returns problems as sentences; a run that saw fewer modules than there are files is a problem too. */
export async function checkBoundaries(
  root: string,
): Promise<{ readonly problems: string[]; readonly modules: number }> {
  const options: ICruiseOptions = {
    baseDir: root,
    ruleSet: { forbidden: rulesFor(readProjects(root)) },
    validate: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/|/\\.next/|\\.d\\.m?ts$' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
    },
  };
  const output = (await cruise(sources, options)).output as ICruiseResult;
  const problems = output.summary.violations
    .filter((violation) => violation.rule.severity === 'error')
    .map((violation) => `${violation.rule.name}: ${violation.from} -> ${violation.to}`);
  const seen = new Set(output.modules.map((module) => module.source));
  const files = sources
    .flatMap((folder) =>
      globSync(`${folder}/**/*.{ts,tsx}`, {
        cwd: root,
        exclude: (name) => name === 'node_modules' || name === 'dist' || name === '.next',
      }),
    )
    .filter((file) => !new RegExp(excluded).test(file) && !file.endsWith('.d.ts'));
  const missed = files.filter((file) => !seen.has(file));
  if (missed.length > 0)
    problems.push(`not read, so not checked: ${missed.slice(0, 5).join(', ')} (${missed.length} files)`);
  return { problems, modules: seen.size };
}

if (import.meta.main) {
  const { problems, modules } = await checkBoundaries(process.cwd());
  for (const problem of problems) console.error(problem);
  console.log(`${modules} modules read, ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
