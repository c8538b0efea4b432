import { isIP } from 'node:net';
import { isDnsName } from '@starling/identity';
import * as z from 'zod';

/** Parts of a peer whose log level can be set alone. */
export const logAreas = ['peer', 'mesh', 'links', 'discovery', 'api', 'http', 'search'] as const;
export type LogArea = (typeof logAreas)[number];

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const whole = (least: number, most: number) =>
  z.coerce
    .number(`must be a whole number from ${least} to ${most}`)
    .refine((n) => Number.isInteger(n) && n >= least && n <= most, `must be a whole number from ${least} to ${most}`);
const port = whole(0, 65_535);
const yesOrNo = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'])], 'must be true or false')
  .transform((value) => value === true || (value !== false && ['true', '1', 'yes', 'on'].includes(value)));
const text = (most: number) => z.string().trim().max(most, `must have at most ${most} characters`);
const list = <T extends z.ZodType<string>>(item: T) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(/[,\s]+/).filter((part) => part !== '') : value),
    z.array(item).max(256, 'must have at most 256 entries'),
  );
const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):([1-9][0-9]{0,4})$/, {
    error: 'must be host:port, as in peer-1.example:7400 or [::1]:7400',
    abort: true,
  })
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535, 'has a port above 65535');
const host = text(253).regex(/^[A-Za-z0-9_.:-]+$/, 'must be a host name or an address');
const keysUrl = /^(?:https:\/\/[^\s]+|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/][^\s]*)$/;
const logLevel = z.string().transform((value, context) => {
  const levels: Partial<Record<LogArea | 'default', LogLevel>> = {};
  for (const part of value.split(',').map((word) => word.trim())) {
    const [first = '', second] = part.split('=', 2);
    const [area, level] = second === undefined ? ['default', first] : [first, second];
    if (!isArea(area) || !isLevel(level)) {
      context.addIssue({
        code: 'custom',
        message: `has ${JSON.stringify(part)}: must be a level (${logLevels.join(', ')}) or area=level (areas: ${logAreas.join(', ')})`,
      });
      return z.NEVER;
    }
    levels[area] = level;
  }
  return levels;
});

function isArea(word: string): word is LogArea | 'default' {
  return word === 'default' || (logAreas as readonly string[]).includes(word);
}

function isLevel(word: string): word is LogLevel {
  return (logLevels as readonly string[]).includes(word);
}

/**
 * Every setting of a peer, once: its rule, default, meaning, and where the default comes from. A key `linkPort` is
 * `STARLING_LINK_PORT` in the environment and `"linkPort"` in the file; docs/configuration.md is generated from here.
 */
export const configSchema = z.strictObject({
  name: text(253).default('').describe("Name for people, such as the pod's; empty: the machine's host name."),
  zone: text(63).default('').describe('Failure domain. Links within a zone are preferred; empty: unknown.'),
  mesh: text(63)
    .regex(/^[a-z0-9._-]+$/, 'must be lower-case letters, digits, ".", "_" or "-"')
    .default('starling')
    .describe(
      'Name of the mesh, and of the trust domain in its certificates. Peers of another name are refused. (SPIFFE-ID §2.1: lower case)',
    ),
  dataDir: text(4096)
    .default('')
    .describe(
      'Directory for the key and the cache of known peers; empty: a new identity at each start, and nothing is kept.',
    ),

  tlsDir: text(4096)
    .default('')
    .describe(
      'Directory with `ca.crt` and `tls.crt`, and `tls.key` if that is to be the key; without it the peer leaves `request.csr` there for an authority to answer. This or `STARLING_INSECURE` must be set.',
    ),
  tlsNames: list(
    z
      .string()
      .refine((name) => isDnsName(name) || isIP(name) !== 0, 'must be a DNS name in lower case or an IP address'),
  )
    .default([])
    .describe(
      'Names and addresses that clients of the API use, to be asked for in the certificate beside the loopback’s.',
    ),
  tlsWaitMs: whole(0, 600_000)
    .default(60_000)
    .describe('How long to wait at the start for the certificate. (guess: a sidecar’s start on a busy node)'),
  insecure: yesOrNo
    .default(false)
    .describe(
      'Run without encryption, without proof of who is who, and, when there is no tokens file, without tokens: for one machine and tests only. Said in the log and by a metric.',
    ),

  linkHost: host.default('0.0.0.0').describe('Address to take links of other peers on.'),
  linkPort: port.default(7400).describe('Port for links; 0: any free one.'),
  linkAdvertise: z
    .union([z.literal(''), hostPort])
    .default('')
    .describe(
      "`host:port` where other peers reach this one; empty: the link host (or this machine's first outside address) and port.",
    ),
  apiHost: host.default('0.0.0.0').describe('Address to serve the gRPC API on.'),
  apiPort: port.default(7401).describe('Port of the gRPC API; 0: any free one.'),
  apiAdvertise: z
    .union([z.literal(''), hostPort])
    .default('')
    .describe('`host:port` where clients reach the API; empty: as for links.'),
  tokensFile: text(4096)
    .default('')
    .describe(
      'File of the tokens that the API takes, one on a line: `<role> <name> sha256:<hash>` (`starling token new` prints it); read again when it changes. Empty: none.',
    ),
  jwtIssuer: text(1024)
    .default('')
    .describe(
      'Issuer (`iss`) whose JSON Web Tokens the API takes, as `https://login.example/`; empty: none are taken.',
    ),
  jwtAudience: text(1024).default('').describe('What must stand in their `aud`. Needed with an issuer.'),
  jwtJwksUrl: z
    .union([z.literal(''), z.string().regex(keysUrl, 'must be an https:// URL, or http:// of this machine')])
    .default('')
    .describe("Where the issuer's public keys are: its `jwks_uri`. One of this and the next is needed with an issuer."),
  jwtJwksFile: text(4096).default('').describe('File with them instead (a JSON Web Key Set), read again and again.'),
  jwtRolesClaim: text(256)
    .min(1, 'must name a claim')
    .default('roles')
    .describe('Claim with the roles: a list or words, by its name or a path as `realm_access.roles`.'),
  jwtRoles: list(
    z.string().regex(/^[^=\s]+=(viewer|responder|client|operator)$/, 'must be word=role, as in mesh-readers=viewer'),
  )

    .default([
      'starling-viewer=viewer',
      'starling-responder=responder',
      'starling-client=client',
      'starling-operator=operator',
    ])
    .describe('What words of that claim mean here, as `word=role`, separated by commas; the highest counts.'),
  operatorKeysFile: text(4096)
    .default('')
    .describe(
      'File with the public keys (PEM) of the operators whose bans count in the whole mesh; read again when it changes. Empty: none. The same for the whole mesh.',
    ),
  httpHost: host.default('0.0.0.0').describe('Address to serve metrics and probes on.'),
  httpPort: port.default(7402).describe('Port of metrics and probes; 0: any free one.'),

  bootstrap: list(hostPort).default([]).describe('Link addresses of peers to look for, separated by commas.'),
  bootstrapDns: list(
    z.string().regex(/^[A-Za-z0-9_.-]+(:[1-9][0-9]{0,4})?$/, 'must be a DNS name, with :port if the port is not 7400'),
  )
    .default([])
    .describe(
      'DNS names, asked again and again, whose addresses are peers: a name, with `:port` if it is not 7400, or an SRV name such as `_links._tcp.starling.svc`.',
    ),
  bootstrapFile: text(4096)
    .default('')
    .describe('File with link addresses of peers, one on a line, read again and again; empty: none.'),
  seedTimeoutMs: whole(0, 600_000)
    .default(10_000)
    .describe('How long a peer that finds nobody waits before it is ready alone. (guess: a pod start on a busy node)'),

  logLevel: logLevel
    .default({ default: 'info' })
    .describe(
      `Level, or \`area=level\` pairs, separated by commas: \`info,mesh=debug\`. Areas: ${logAreas.join(', ')}.`,
    ),
  logFormat: z
    .enum(['auto', 'json', 'text'], 'must be auto, json or text')
    .default('auto')
    .describe('`json`, `text` for people, or `auto`: text on a terminal.'),

  payloadBytesMax: whole(1, 1024 * 1024)
    .default(1024 * 1024)
    .describe(
      'Largest payload of one message; lower it, if anything: 1 MiB is what every link takes. (several messages must fit a link’s queue)',
    ),
  storeBytesMax: whole(1024 * 1024, 16 * 1024 ** 3)
    .default(64 * 1024 * 1024)
    .describe('Bytes of messages held for repair and replay, 1 KiB for each beside its body; the oldest go first.'),
  storeAgeMs: whole(10_000, 86_400_000)
    .default(300_000)
    .describe('How long a message is held at the most. (guess: longer than a rolling restart of one peer)'),
  signatures: z
    .enum(['links', 'prefer', 'signed'], 'must be links, prefer or signed')
    .default('links')
    .describe(
      'Who is believed about who published a message. `links`: every member of the mesh, since links prove who is one. `signed`: the origin alone, by its signature; relays can neither forge nor alter. The same for the whole mesh; to change over, `prefer` everywhere first: it signs, and takes what is not signed. (measured, ADR 21)',
    ),
  activeViewCapacity: whole(2, 64)
    .default(7)
    .describe(
      'Links of the membership; an odd number on average, for each peer one more or fewer, unless `STARLING_RANKED_PLACES=false`. (degree 7 reaches ≥ 99 % of a mesh of which half crashed before any repair)',
    ),
  passiveViewCapacity: whole(8, 1_000)
    .default(100)
    .describe('Spares for broken links. (HyParView §5: 30; 100 heals a crash of 95 %)'),
  rankedPlaces: yesOrNo
    .default(true)
    .describe(
      'Give links to the peers that rank for them by their ids, so that attackers from within hold no more than their share. Links are then near by `STARLING_ZONE` only; with `false` by round-trip time as well. The same for the whole mesh, but for the time of a change-over. (measured, ADR 29)',
    ),
  indexDocumentsMax: whole(0, 10_000_000)
    .default(100_000)
    .describe(
      'Documents that this peer keeps for search: in `index.sqlite` of the data directory, or in memory without one.',
    ),
  indexBytesMax: whole(0, 16 * 1024 ** 3)
    .default(64 * 1024 * 1024)
    .describe('Bytes of documents (as JSON) that this peer keeps for search.'),
  summaries: yesOrNo
    .default(true)
    .describe(
      "Tell the others in few bits what this peer's documents say, and hold what the others tell, so that a question goes straight to who may answer.",
    ),
  summariesBytesMax: whole(1024 * 1024, 16 * 1024 ** 3)
    .default(64 * 1024 * 1024)
    .describe(
      'Memory for that; nearing it summaries get less exact, then questions go along the tree. The same at every peer. (target: 5,000 peers of 10,000 words)',
    ),
  subscriptionsMax: whole(1, 100_000).default(1_000).describe('Subscribe calls at once; more are refused.'),
  watchesMax: whole(1, 10_000).default(100).describe('WatchTopology calls at once; more are refused.'),
  queriesMax: whole(1, 10_000).default(100).describe('Query calls of own clients at once; more are refused.'),
  respondersMax: whole(0, 10_000)
    .default(100)
    .describe('Search engines of one’s own (Respond calls) attached at once; more are refused.'),
  responderStallMaxMs: whole(100, 600_000)
    .default(30_000)
    .describe(
      'How long an engine may be silent, or take nothing, while it is asked; then it is cut off. (the longest deadline of a query)',
    ),
  publishesWaitingMax: whole(1, 1_000_000)
    .default(10_000)
    .describe('Messages at once that wait to be held by neighbours; more are refused.'),
  apiConnectionsMax: whole(1, 1_000_000)
    .default(2_000)
    .describe('Connections to the API at once; more are closed. (guess: a file descriptor and about 50 KB each)'),
  apiNewcomersMax: whole(1, 100_000)
    .default(256)
    .describe(
      'Of them those over which no call was let in yet; the oldest of them makes room. (guess: a second of a crowd)',
    ),
  apiNewcomerMaxMs: whole(1_000, 600_000)
    .default(20_000)
    .describe(
      'How long a connection may take until a call over it is let in. (guess: TLS, and a person who types a call)',
    ),
  requestMaxMs: whole(100, 600_000)
    .default(20_000)
    .describe('How long the one message of a call may be on its way. (4 MiB at 2 Mbit/s)'),
  metadataCharsMax: whole(1_024, 65_536)
    .default(16_384)
    .describe('Characters of the metadata of a call. (twice the longest token)'),
  streamsPerCallerMax: whole(1, 100_000)
    .default(500)
    .describe(
      'Streams that one caller may have open at this peer. (half of the subscriptions: one cannot take them all)',
    ),
  publishRateMax: whole(0, 1_000_000)
    .default(10_000)
    .describe(
      'Messages a second that one caller may publish at this peer, and twice as many at once; a PublishStream waits. 0: any. (guess: what one core serves)',
    ),
  readRateMax: whole(0, 1_000_000)
    .default(200)
    .describe(
      'Calls a second that open subscriptions or watches, or look at the mesh, per caller. 0: any. (guess: a hundred programs behind one token)',
    ),
  searchRateMax: whole(0, 1_000_000)
    .default(50)
    .describe('Queries a second, per caller. 0: any. (each costs every peer of the mesh a message)'),
  lookupRateMax: whole(0, 1_000_000)
    .default(1_000)
    .describe(
      'GetRecord and FindPeers calls a second, per caller. 0: any. (guess: each costs one call to another peer)',
    ),
  lookupReplicas: whole(1, 32)
    .default(20)
    .describe('Peers that hold a record of LookupService; the same at all peers. (Kademlia, section 2.3)'),
  lookupRecordsMax: whole(1, 10_000_000)
    .default(20_000)
    .describe(
      'Records that this peer holds for the mesh; at the limit a nearer one takes the place of the farthest, else it is refused. (guess)',
    ),
  lookupBytesMax: whole(1_048_576, 1_099_511_627_776)
    .default(64 * 1024 * 1024)
    .describe('… in bytes; one publisher may have a quarter. (guess)'),
  lookupOffers: list(z.string().min(1).max(256))
    .default([])
    .describe('What this peer offers: FindPeers finds it by these names, separated by commas, while it runs.'),
  adminRateMax: whole(0, 1_000_000)
    .default(5)
    .describe('Calls of operators a second, per caller. 0: any. (guess: by hand)'),
  canary: yesOrNo
    .default(true)
    .describe('Take part in measuring delivery: about one small message every 5 s in the whole mesh.'),
  drainTimeoutMs: whole(0, 60_000)
    .default(5_000)
    .describe('How long leaving the mesh may take when the process is stopped; the whole stop takes up to 4 s more.'),

  parentPid: whole(0, 4_194_304).default(0).describe('Stop when this process is gone; 0: none is watched.'),
  parentStdin: yesOrNo.default(false).describe('Stop when standard input ends.'),
});

/** A peer's configuration: checked, complete, frozen. */
export type Config = Readonly<z.output<typeof configSchema>>;
export type ConfigKey = keyof Config & string;

export const configKeys = Object.keys(configSchema.shape) as ConfigKey[];

/** `linkPort` → `STARLING_LINK_PORT`. */
export function variableOf(key: string): string {
  return `STARLING_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
