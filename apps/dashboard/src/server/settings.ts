/** What the environment says. Read once, when the first request comes. */
export interface Settings {
  /** Where to begin: `host:port` of peers' client API, or of a Service before them. */
  readonly peers: readonly string[];
  /** Host names, beside loopback's, under which browsers may reach this server; with or without a port. */
  readonly hosts: readonly string[];
  /** File with this server's own token, a viewer's; empty: the mesh asks for none. */
  readonly tokenFile: string;
  /** Where a person finds a token for the console, such as a file on this machine; empty: not known. */
  readonly tokenHint: string;
  /** File with the mesh's authorities; empty: the mesh does not encrypt. */
  readonly caFile: string;
}

/** The client ports of the eight peers that `npm start` runs. */
const defaultPeers = Array.from({ length: 8 }, (_, i) => `127.0.0.1:${7401 + 10 * i}`).join(',');

/** `STARLING_PEERS` and `STARLING_DASHBOARD_HOSTS`, comma-separated; `STARLING_TOKEN_FILE`, `STARLING_TOKEN_HINT`, `STARLING_CA_FILE`. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  return {
    peers: splitList(env.STARLING_PEERS || defaultPeers),
    hosts: splitList(env.STARLING_DASHBOARD_HOSTS ?? '').map((host) => host.toLowerCase()),
    tokenFile: env.STARLING_TOKEN_FILE ?? '',
    tokenHint: env.STARLING_TOKEN_HINT ?? '',
    caFile: env.STARLING_CA_FILE ?? '',
  };
}

function splitList(text: string): string[] {
  return [...new Set(text.split(',').map((item) => item.trim()))].filter((item) => item !== '');
}
