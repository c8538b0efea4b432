import { readFileSync } from 'node:fs';
import { nearest } from './nearest.ts';
import { type Config, configKeys, configSchema, variableOf } from './schema.ts';

/** What came of reading the configuration: a value, or every problem at once, one line each. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** Variables of other Starling programs, which may stand in the same environment. */
const foreign = new Set([
  'STARLING_CONFIG',
  'STARLING_PEERS',
  'STARLING_ADDRESS',
  'STARLING_CA_FILE',
  'STARLING_DASHBOARD_HOSTS',
  'STARLING_REQUIRE_ALL',
  'STARLING_TOKEN',
  'STARLING_TOKEN_FILE',
]);

// What Kubernetes injects for a Service named starling or starling-…: STARLING_PORT_7401_TCP_ADDR, STARLING_API_SERVICE_HOST,
// and STARLING_PORT or STARLING_API_PORT with a URL.
const injectedName = /^STARLING_(?:.*_)?(?:SERVICE_(?:HOST|PORT).*|PORT_\d+_(?:TCP|UDP|SCTP).*)$/;
const injectedUrl = /^(?:tcp|udp|sctp):\/\//;

function isInjected(name: string, value: string): boolean {
  return injectedName.test(name) || (name.endsWith('_PORT') && injectedUrl.test(value));
}

/**
 * Reads `STARLING_*` variables and, where STARLING_CONFIG names one, a JSON file; a variable beats the file. An empty
 * variable counts as not set. `readFile` is for tests.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): ConfigResult {
  const problems: string[] = [];
  const warnings: string[] = [];
  const path = env.STARLING_CONFIG ?? '';
  const fromFile = path === '' ? {} : readConfigFile(path, readFile, problems);
  const raw: Record<string, unknown> = {};
  const source = new Map<string, string>();
  for (const [key, value] of Object.entries(fromFile)) {
    if ((configKeys as readonly string[]).includes(key)) {
      raw[key] = value;
      source.set(key, `"${key}" in ${path}`);
    } else {
      problems.push(`"${key}" in ${path} is no setting${suggest(key, configKeys)}`);
    }
  }
  const variables = new Map<string, string>(configKeys.map((key) => [variableOf(key), key]));
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('STARLING_') || value === undefined || value === '') continue;
    const key = variables.get(name);
    if (key !== undefined) {
      if (isInjected(name, value)) {
        problems.push(
          `${name} was set by Kubernetes for a Service, not by you: set enableServiceLinks: false in the pod`,
        );
        continue;
      }
      raw[key] = value;
      source.set(key, name);
    } else if (!foreign.has(name) && !isInjected(name, value)) {
      warnings.push(`${name} is no setting and is ignored${suggest(name, [...variables.keys()])}`);
    }
  }
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0] ?? '');
      const item = typeof issue.path[1] === 'number' ? ` entry ${issue.path[1] + 1}` : '';
      problems.push(`${source.get(key) ?? key}=${show(raw[key])}:${item} ${issue.message}`);
    }
  }
  const config = parsed.success ? Object.freeze(parsed.data) : null;
  if (config !== null) problems.push(...relations(config));
  return config !== null && problems.length === 0 ? { ok: true, config, warnings } : { ok: false, problems, warnings };
}

/** Rules between settings. */
function relations(config: Config): string[] {
  const problems: string[] = [];
  if (config.tlsDir === '' && !config.insecure) {
    problems.push(
      'a peer needs a certificate: set STARLING_TLS_DIR to a directory where an authority of the mesh answers (starling ca serve), or STARLING_INSECURE=true to run without encryption and identities',
    );
  }
  if (config.tlsDir !== '' && config.insecure) {
    problems.push('STARLING_TLS_DIR and STARLING_INSECURE are both set: choose one');
  }
  const ports = [
    ['STARLING_LINK_PORT', config.linkPort],
    ['STARLING_API_PORT', config.apiPort],
    ['STARLING_HTTP_PORT', config.httpPort],
  ] as const;
  for (const [i, [first, value]] of ports.entries()) {
    for (const [second, other] of ports.slice(i + 1)) {
      if (value !== 0 && value === other)
        problems.push(`${first} and ${second} are both ${value}: each needs its own port`);
    }
  }
  if (config.passiveViewCapacity <= config.activeViewCapacity) {
    problems.push(
      `STARLING_PASSIVE_VIEW_CAPACITY=${config.passiveViewCapacity} must be above STARLING_ACTIVE_VIEW_CAPACITY=${config.activeViewCapacity}: it holds the spares`,
    );
  }
  if (config.storeBytesMax < 4 * config.payloadBytesMax) {
    problems.push(
      `STARLING_STORE_BYTES_MAX=${config.storeBytesMax} must hold at least 4 of the largest payloads (STARLING_PAYLOAD_BYTES_MAX=${config.payloadBytesMax})`,
    );
  }
  if (config.jwtIssuer !== '') {
    if (config.jwtAudience === '') problems.push('STARLING_JWT_ISSUER needs STARLING_JWT_AUDIENCE');
    if ((config.jwtJwksUrl === '') === (config.jwtJwksFile === '')) {
      problems.push('STARLING_JWT_ISSUER needs one of STARLING_JWT_JWKS_URL and STARLING_JWT_JWKS_FILE');
    }
  } else if (config.jwtAudience !== '' || config.jwtJwksUrl !== '' || config.jwtJwksFile !== '') {
    problems.push('STARLING_JWT_… settings count only with STARLING_JWT_ISSUER');
  }
  return problems;
}

function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  problems: string[],
): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFile(path));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    problems.push(`STARLING_CONFIG=${path}: must hold one JSON object`);
  } catch (error) {
    problems.push(`STARLING_CONFIG=${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {};
}

function suggest(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === null ? '' : `: did you mean ${near}?`;
}

function show(value: unknown): string {
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}
