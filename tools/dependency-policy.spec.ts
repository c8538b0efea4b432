import { describe, expect, it } from 'vitest';
import { type LockedPackage, ownDependencies, policyViolations } from './dependency-policy.ts';

const good: LockedPackage = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' };

describe('the dependencies', () => {
  it('keep the policy', () => {
    const own = ownDependencies();
    expect(Object.keys(own.packages).filter((path) => path.includes('node_modules/')).length).toBeGreaterThan(300);
    expect(policyViolations(own)).toEqual([]);
  });

  it.each<readonly [string, LockedPackage, RegExp]>([
    ['without a hash', { version: '1.0.0', license: 'MIT' }, /not proved by a hash/],
    ['with a weak hash', { ...good, integrity: 'sha1-x' }, /not proved by a hash/],
    ['of one registry', { ...good, resolved: 'https://registry.example/a.tgz' }, /names a registry/],
    ['without a version', { integrity: 'sha512-x', license: 'MIT' }, /no version/],
    ['that is deprecated', { ...good, deprecated: 'use another' }, /is deprecated: use another/],
    ['with an install script that nobody judged', { ...good, hasInstallScript: true }, /allowScripts/],
    ['with a licence that asks for more', { ...good, license: 'AGPL-3.0-only' }, /licence AGPL-3.0-only/],
    ['with one of two such licences', { ...good, license: 'MIT AND GPL-3.0-only' }, /licence/],
    ['without a licence', { version: '1.0.0', integrity: 'sha512-x' }, /licence \(none\)/],
    ['with an exception that is another package’s', { ...good, license: 'MPL-2.0' }, /licence MPL-2.0/],
  ])('may not include one %s', (_what, locked, problem) => {
    const found = policyViolations({ packages: { 'node_modules/a': locked }, allowScripts: {} });
    expect(found).toEqual([expect.stringMatching(problem)]);
  });

  it('may include a choice of licences of which one is allowed, and an install script that was judged', () => {
    const packages = {
      'node_modules/a': { ...good, license: '(GPL-3.0-only OR MIT)' },
      'node_modules/c': { ...good, hasInstallScript: true },
    };
    expect(policyViolations({ packages, allowScripts: { c: false } })).toEqual([]);
  });

  it('are asked for by exact versions', () => {
    const wanted = { a: '^1.0.0', b: 'latest', c: 'git+https://example/c', d: '1.0.0' };
    const found = policyViolations({ packages: { 'apps/x': { dependencies: wanted } }, allowScripts: {} });
    expect(found).toEqual(['a', 'b', 'c'].map((name) => expect.stringContaining(`apps/x: asks for ${name} `)));
  });

  it('leave no judgement of a script that is gone', () => {
    expect(policyViolations({ packages: {}, allowScripts: { gone: false } })).toEqual([
      expect.stringContaining('allowScripts judges gone'),
    ]);
  });
});
