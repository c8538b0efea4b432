/** How an attribute is written, compared and shown. Durations are in ms, sizes in bytes. */
export type AttributeType = 'text' | 'version' | 'number' | 'duration' | 'bytes';

export interface Attribute {
  readonly type: AttributeType;
  /** One value for each link of the peer, rather than one. */
  readonly isPerLink?: true;
  readonly about: string;
}

/**
 * What a peer can be asked about itself. docs/search.md has this table; a test holds it true. Traffic is counted since the
 * process started, over the links that are open now.
 */
export const peerAttributes = {
  id: { type: 'text', about: 'the hash of its key' },
  name: { type: 'text', about: "for people: a pod's name" },
  zone: { type: 'text', about: 'where it runs; empty when it was not told' },
  version: { type: 'version', about: 'of the program: 1.4 is 1.4.0, and 1.10 is above 1.9' },
  state: { type: 'text', about: 'starting, ready or draining' },
  incarnation: { type: 'number', about: 'when it started, in ms since 1970; higher after it refuted its death' },
  uptime: { type: 'duration', about: 'since its process started' },
  known: { type: 'number', about: 'peers that it believes to be up, itself included' },
  active: { type: 'number', about: 'neighbours: its degree in the mesh' },
  eager: { type: 'number', about: "neighbours that its own zone's tree pushes to" },
  passive: { type: 'number', about: 'spare peers that it could link with' },
  banned: { type: 'number', about: 'peers that it refuses for what they did' },
  rtt: { type: 'duration', isPerLink: true, about: 'smoothed round trip to each neighbour that was measured' },
  links: { type: 'number', about: 'connections to other peers, neighbours or not' },
  messages_in: { type: 'number', about: 'messages from neighbours' },
  messages_out: { type: 'number', about: 'messages to neighbours' },
  bytes_in: { type: 'bytes', about: 'bytes from neighbours' },
  bytes_out: { type: 'bytes', about: 'bytes to neighbours' },
  queue: { type: 'bytes', about: 'bytes that wait to be sent to neighbours' },
  duplicates: { type: 'number', about: 'payloads from neighbours that it had already' },
  dropped: { type: 'number', about: 'sends to links that were gone, since the start' },
  delivered: { type: 'number', about: 'messages delivered to it, since the start' },
  published: { type: 'number', about: 'messages that its clients published, since the start' },
  delivery: { type: 'number', about: "share of the other peers' canaries that arrived lately, 0 to 1" },
  documents: { type: 'number', about: 'documents in its index' },
  subscribers: { type: 'number', about: 'open subscriptions of its clients' },
  responders: { type: 'number', about: 'search engines attached to it' },
  queries: { type: 'number', about: 'searches it works on, its own and others' },
  records: { type: 'number', about: 'records that it holds for lookups' },
  memory: { type: 'bytes', about: 'resident memory of its process' },
  heap: { type: 'bytes', about: 'used heap of its process' },
  cpu: { type: 'number', about: 'cores that its process used on average since the start' },
  loop: { type: 'number', about: 'share of time that its event loop was busy since the start, 0 to 1' },
} as const satisfies Readonly<Record<string, Attribute>>;

export type AttributeName = keyof typeof peerAttributes;

/** A per-link attribute is a list. */
export type AttributeValue = string | number | readonly number[];

/** What one peer says of itself. What it does not know is left out. */
export type PeerRow = { readonly [Name in AttributeName]?: AttributeValue };

/** The most links of one peer that count, and the longest text. What is beyond is cut off. */
export const rowLimits = { perLinkMax: 64, textCharsMax: 256 } as const;

export function attributeOf(name: AttributeName): Attribute {
  return peerAttributes[name];
}

export function isAttribute(name: string): name is AttributeName {
  return Object.hasOwn(peerAttributes, name);
}

export function isText({ type }: Attribute): boolean {
  return type === 'text' || type === 'version';
}

/** The row as it counts: what has the wrong type, is negative or endless is left out; what is too long is cut. */
export function soundRow(row: PeerRow): PeerRow {
  const sound: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(row)) {
    if (!isAttribute(name)) continue;
    const attribute = attributeOf(name);
    if (isText(attribute)) {
      if (typeof value === 'string') sound[name] = value.slice(0, rowLimits.textCharsMax);
    } else if (attribute.isPerLink === true) {
      if (Array.isArray(value)) sound[name] = value.filter(isAmount).slice(0, rowLimits.perLinkMax);
    } else if (isAmount(value)) sound[name] = value;
  }
  return sound;
}

/** Every number of a row is one: finite and not below 0. */
export function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;
}
