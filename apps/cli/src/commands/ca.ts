import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import {
  type Authority,
  authorityKeyOf,
  IdentityError,
  type IssuePolicy,
  Issuer,
  initAuthority,
  JoinServer,
  JoinTokens,
  NamePolicy,
  readAuthority,
} from '@starling/identity';
import { CliError, exitCode } from '../exit-codes.ts';
import { printable } from '../output.ts';
import { milliseconds, wholeNumber } from '../session.ts';

interface CaOptions {
  readonly ca: string;
  readonly mesh: string;
}

interface IssueOptions extends CaOptions {
  readonly allow: readonly string[];
  readonly lifetime: string;
}

/** How often the directories are looked at when no notice came. Default: guess; a restart of a pod waits for it at the worst. */
const pollMs = 1_000;
/** How long a join token may be good. A week: a guess, a machine that is being shipped. */
const tokenMaxMs = 7 * 86_400_000;
/** Directories that one process serves. A pod has one. */
const dirsMax = 1_024;

/** `ca init`: makes the authority of a mesh unless there is one. */
export async function caInit(options: CaOptions): Promise<number> {
  const { authority, isNew } = await guarded(() => initAuthority(options.ca, options.mesh));
  const expires = new Date(authority.expiresAt).toISOString();
  console.log(
    `${isNew ? 'made' : 'kept'} the authority of ${options.mesh} in ${options.ca}: ca.crt to be trusted, ca.key to be guarded; good until ${expires}`,
  );
  return exitCode.ok;
}

/** `ca issue`: answers one request, for a peer that shares no directory with the authority. */
export async function caIssue(request: string, options: IssueOptions & { readonly out?: string }): Promise<number> {
  const authority = await guarded(() => authorityOf(options));
  let pem: string;
  try {
    pem = readFileSync(request === '-' ? 0 : request, 'utf8');
  } catch (error) {
    throw new CliError(`${request}: ${(error as Error).message}`, exitCode.usage);
  }
  const issued = await authority.issue(pem, policyOf(options));
  if (!issued.ok) throw new CliError(`${request}: refused: ${issued.problem}`, exitCode.incomplete);
  if (options.out === undefined) process.stdout.write(issued.certificate);
  else writeFileSync(options.out, issued.certificate);
  console.error(`issued to ${issued.peerId} until ${new Date(issued.expiresAt).toISOString()}`);
  return exitCode.ok;
}

/** `ca token`: lets one peer in that shares no directory with the authority. */
export async function caToken(options: CaOptions & { readonly for: string }): Promise<number> {
  const authority = await guarded(() => authorityOf(options));
  const forMs = milliseconds('--for', options.for);
  if (!(forMs >= 1_000 && forMs <= tokenMaxMs)) {
    throw new CliError(`--for ${options.for}: from a second to seven days`, exitCode.usage);
  }
  const until = new Date(Date.now() + forMs);
  console.log(await guarded(() => new JoinTokens(options.ca).add(authorityKeyOf(authority.certificate), forMs)));
  console.error(
    `Good for one certificate until ${until.toISOString()}: starling join HOST:PORT --token FILE, at a server that runs starling ca serve --join-port. Keep it secret until then.`,
  );
  return exitCode.ok;
}

/** `ca serve`: answers requests in peers' TLS directories, and renews, until it is told to stop. */
export async function caServe(
  dirs: readonly string[],
  options: IssueOptions & {
    readonly healthPort?: string;
    readonly healthHost: string;
    readonly joinPort?: string;
    readonly joinHost: string;
    readonly joinName: readonly string[];
  },
): Promise<number> {
  if (dirs.length === 0 && options.joinPort === undefined) {
    throw new CliError('nothing to serve: name TLS directories of peers, or give --join-port', exitCode.usage);
  }
  if (dirs.length > dirsMax) throw new CliError(`${dirs.length} directories: ${dirsMax} at the most`, exitCode.usage);
  await guarded(() => authorityOf(options));
  const issuer = new Issuer({
    // Read each time: an authority that is replaced is in use from then on.
    authority: () => authorityOf(options),
    policy: policyOf(options),
    dirs,
    pollMs,
    on: (event) => {
      const { kind, dir, ...rest } = event;
      console.log(JSON.stringify({ time: new Date().toISOString(), event: kind, dir: printable(dir), ...rest }));
    },
  });
  const join = options.joinPort === undefined ? null : await serveJoins(options, options.joinPort);
  const health =
    options.healthPort === undefined ? null : await serveHealth(issuer, join, options.healthHost, options.healthPort);
  await issuer.start();
  console.log(
    JSON.stringify({ time: new Date().toISOString(), event: 'serving', mesh: options.mesh, dirs: dirs.length }),
  );
  // Watching keeps no process alive by itself.
  const awake = setInterval(() => {}, 60_000);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(awake);
  issuer.close();
  health?.close();
  join?.close();
  return exitCode.ok;
}

/** Gives certificates for tokens, and renews them, over TLS. */
async function serveJoins(
  options: IssueOptions & { readonly joinHost: string; readonly joinName: readonly string[] },
  portText: string,
): Promise<JoinServer> {
  const server = new JoinServer({
    authority: () => authorityOf(options),
    dir: options.ca,
    policy: policyOf(options),
    names: options.joinName,
    on: (event) => {
      const { kind, ...rest } = event;
      const line = JSON.stringify({ time: new Date().toISOString(), event: `join ${kind}`, ...rest });
      if (repeats.admit(Date.now(), kind === 'refused' ? event.reason : kind)) console.log(line);
    },
  });
  const wanted = wholeNumber('--join-port', portText, 0, 65_535);
  try {
    const port = await server.listen(options.joinHost, wanted);
    console.log(JSON.stringify({ time: new Date().toISOString(), event: 'join serving', port }));
    return server;
  } catch (error) {
    throw new CliError(`--join-port ${wanted}: ${(error as Error).message}`, exitCode.environment);
  }
}

/** Lines of one kind in ten seconds: whoever is refused a thousand times a second must not fill the log. */
const repeats = {
  linesMax: 20,
  periodMs: 10_000,
  seen: new Map<string, { since: number; lines: number }>(),
  admit(now: number, kind: string): boolean {
    const known = this.seen.get(kind);
    if (known === undefined || now - known.since >= this.periodMs) {
      this.seen.set(kind, { since: now, lines: 1 });
      return true;
    }
    return ++known.lines <= this.linesMax;
  },
};

/** 200 while every directory could be served, else 503 with why; `/metrics` counts joins. */
function serveHealth(issuer: Issuer, join: JoinServer | null, host: string, portText: string) {
  const port = wholeNumber('--health-port', portText, 0, 65_535);
  const server = createServer((request, response) => {
    if (request.url === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      response.end(join === null ? '' : joinMetrics(join));
      return;
    }
    const problems = [...issuer.problems].map(([dir, problem]) => `${dir}: ${problem}`);
    response.writeHead(problems.length === 0 ? 200 : 503, { 'content-type': 'text/plain' });
    response.end(problems.length === 0 ? 'ok\n' : `${problems.join('\n')}\n`);
  });
  server.maxConnections = 16;
  return new Promise<typeof server>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CliError(`--health-port ${port}: ${error.message}`, exitCode.environment)),
    );
    server.listen(port, host, () => resolve(server));
  });
}

function joinMetrics({ counts }: JoinServer): string {
  const results = { joined: counts.issued, renewed: counts.renewed, ...counts.refused };
  const lines = Object.entries(results).map(
    ([result, count]) => `starling_join_requests_total{result="${result}"} ${count}`,
  );
  return [
    '# HELP starling_join_requests_total Requests for a certificate by token or renewal, by what came of them.',
    '# TYPE starling_join_requests_total counter',
    ...lines,
    '',
  ].join('\n');
}

function authorityOf({ ca, mesh }: CaOptions): Authority {
  const authority = readAuthority(ca, mesh);
  if (authority === null) throw new IdentityError(`there is no authority in ${ca}: starling ca init makes one`);
  return authority;
}

function policyOf({ allow, lifetime }: IssueOptions): IssuePolicy {
  const lifetimeMs = milliseconds('--lifetime', lifetime);
  if (!(lifetimeMs >= 1_000)) throw new CliError(`--lifetime ${lifetime}: a second at the least`, exitCode.usage);
  try {
    return { names: new NamePolicy(allow), lifetimeMs };
  } catch (error) {
    throw new CliError(`--allow ${(error as Error).message}`, exitCode.usage);
  }
}

async function guarded<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof IdentityError) throw new CliError(error.message, exitCode.environment);
    throw error;
  }
}
