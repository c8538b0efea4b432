import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { configurationReference } from './reference.ts';

function problemsOf(env: Record<string, string>, file?: string): readonly string[] {
  const result = loadConfig({ STARLING_INSECURE: 'true', ...env }, () => file ?? '{}');
  return result.ok ? [] : result.problems;
}

describe('configuration', () => {
  it('needs nothing to be set but how the peer is secured', () => {
    expect(loadConfig({})).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/set STARLING_TLS_DIR .* or STARLING_INSECURE=true/)],
    });
    const result = loadConfig({ STARLING_TLS_DIR: '/run/tls' });
    expect(result).toMatchObject({ ok: true, warnings: [] });
    if (result.ok) {
      expect(result.config).toMatchObject({
        linkPort: 7400,
        apiPort: 7401,
        httpPort: 7402,
        canary: true,
        bootstrap: [],
      });
      expect(Object.isFrozen(result.config)).toBe(true);
    }
  });

  it('reads variables, and lets them beat the file', () => {
    const result = loadConfig(
      {
        STARLING_CONFIG: 'c.json',
        STARLING_LINK_PORT: '9000',
        STARLING_BOOTSTRAP: 'a:7400, b:7400',
        STARLING_CANARY: 'off',
        STARLING_LOG_LEVEL: 'warn,mesh=debug',
        STARLING_NAME: '',
        STARLING_INSECURE: 'yes',
      },
      () => JSON.stringify({ linkPort: 8000, apiPort: 8001, name: 'n', bootstrapDns: ['peers.default.svc'] }),
    );
    expect(result).toMatchObject({
      ok: true,
      config: {
        linkPort: 9000,
        apiPort: 8001,
        name: 'n',
        bootstrap: ['a:7400', 'b:7400'],
        bootstrapDns: ['peers.default.svc'],
        canary: false,
        logLevel: { default: 'warn', mesh: 'debug' },
      },
    });
  });

  it('lists every problem, one line each', () => {
    const problems = problemsOf({
      STARLING_LINK_PORT: 'seven',
      STARLING_API_PORT: '70000',
      STARLING_BOOTSTRAP: 'a:7400,b',
      STARLING_CANARY: 'maybe',
      STARLING_LOG_LEVEL: 'loud',
    });
    expect(problems).toHaveLength(5);
    expect(problems).toContain('STARLING_LINK_PORT=seven: must be a whole number from 0 to 65535');
    expect(problems).toContain('STARLING_API_PORT=70000: must be a whole number from 0 to 65535');
    expect(problems).toContain(
      'STARLING_BOOTSTRAP=a:7400,b: entry 2 must be host:port, as in peer-1.example:7400 or [::1]:7400',
    );
    for (const line of problems) expect(line).not.toContain('\n');
  });

  it.each([
    [{ STARLING_API_PORT: '7400' }, /STARLING_LINK_PORT and STARLING_API_PORT are both 7400/],
    [{ STARLING_ACTIVE_VIEW_CAPACITY: '20', STARLING_PASSIVE_VIEW_CAPACITY: '10' }, /must be above/],
    [{ STARLING_STORE_BYTES_MAX: '1048576' }, /at least 4 of the largest payloads/],
    [{ STARLING_LINK_PORT: 'tcp://10.0.0.1:80' }, /set by Kubernetes .* enableServiceLinks/],
    [{ STARLING_LINK_ADVERTISE: 'nowhere' }, /STARLING_LINK_ADVERTISE=nowhere/],
    [{ STARLING_MESH: 'a b' }, /must be lower-case letters/],
    [{ STARLING_MESH: 'Prod' }, /must be lower-case letters/],
    [{ STARLING_TLS_DIR: '/run/tls' }, /both set: choose one/],
    [{ STARLING_TLS_NAMES: 'a.example,B.example' }, /entry 2 must be a DNS name in lower case or an IP address/],
    [{ STARLING_JWT_ISSUER: 'https://i/' }, /needs STARLING_JWT_AUDIENCE[\s\S]*needs one of/],
    [{ STARLING_JWT_AUDIENCE: 'starling' }, /count only with STARLING_JWT_ISSUER/],
    [{ STARLING_JWT_JWKS_URL: 'http://far.example/keys' }, /must be an https:\/\/ URL/],
    [{ STARLING_JWT_ROLES: 'admins=root' }, /entry 1 must be word=role/],
  ])('refuses %j', (env, expected) => {
    expect(problemsOf(env).join('\n')).toMatch(expected);
  });

  it.each([
    ['no JSON', '{', /^STARLING_CONFIG=c.json: /],
    ['an array', '[]', /one JSON object/],
    ['a misspelt key', '{"linkprot":1}', /"linkprot" in c.json is no setting: did you mean linkPort\?/],
    ['a wrong type', '{"linkPort":{}}', /"linkPort" in c.json=\{\}: must be a whole number/],
  ])('refuses a file with %s', (_name, file, expected) => {
    expect(problemsOf({ STARLING_CONFIG: 'c.json' }, file).join('\n')).toMatch(expected);
  });

  it('says that the file is missing', () => {
    const result = loadConfig({ STARLING_INSECURE: 'true', STARLING_CONFIG: '/does/not/exist.json' });
    expect(result).toMatchObject({ ok: false, problems: [expect.stringContaining('ENOENT')] });
  });

  it('warns of an unknown variable with the nearest name, and not of what others set', () => {
    const result = loadConfig({
      STARLING_LNK_PORT: '1',
      STARLING_PORT: 'tcp://10.96.0.1:7401',
      STARLING_PORT_7401_TCP_ADDR: '10.96.0.1',
      STARLING_SERVICE_HOST: '10.96.0.1',
      STARLING_DASHBOARD_SERVICE_PORT_HTTP: '80',
      STARLING_DASHBOARD_PORT: 'tcp://10.96.0.2:80',
      STARLING_PEERS: 'x:1',
      STARLING_INSECURE: '1',
    });
    expect(result).toMatchObject({
      ok: true,
      warnings: ['STARLING_LNK_PORT is no setting and is ignored: did you mean STARLING_LINK_PORT?'],
    });
  });

  it('is documented: docs/configuration.md is what the schema says', () => {
    const path = fileURLToPath(new URL('../../../../docs/configuration.md', import.meta.url));
    expect(readFileSync(path, 'utf8')).toBe(configurationReference());
  });
});
