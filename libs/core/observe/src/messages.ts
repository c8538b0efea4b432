import type { PeerId, PeerInfo } from '@starling/kernel';

/** One directed view of a link, as its owner sees it. Rates are over the time since the owner's last report. */
export interface LinkReport {
  readonly peer: PeerId;
  readonly role: 'eager' | 'lazy';
  /** Smoothed round trip in ms; −1 when not yet measured. */
  readonly rttMs: number;
  readonly messagesInPerSecond: number;
  readonly messagesOutPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** Payloads that arrived over this link and were already known, per second. */
  readonly duplicatesPerSecond: number;
}

/**
 * What a peer knows to be wrong with itself: that its neighbours do not pass everything on, that nobody renewed its certificate
 * or an authority that it trusts (`…Late`), or that one has expired, or that it cannot write down whom it met (`cacheUnwritten`).
 */
export type PeerCondition =
  | 'neighborsBypassed'
  | 'certificateLate'
  | 'certificateExpired'
  | 'authorityLate'
  | 'authorityExpired'
  | 'cacheUnwritten';

/** What a peer tells about itself while somebody watches. */
export interface PeerReport {
  readonly info: PeerInfo;
  /** Higher is newer, within one incarnation. */
  readonly number: number;
  readonly state: 'starting' | 'ready' | 'draining';
  readonly links: readonly LinkReport[];
  readonly deliveredPerSecond: number;
  readonly publishedPerSecond: number;
  readonly droppedPerSecond: number;
  readonly passiveSize: number;
  /** Documents in the local index. */
  readonly documents: number;
  readonly heapBytes: number;
  /** Share of time that the event loop was busy, 0 … 1. */
  readonly loopUtilization: number;
  /** Empty when it knows of nothing; each at most once, which is the codec's to see to. */
  readonly conditions: readonly PeerCondition[];
}

/** Said to everybody by broadcast. */
export type ObserveBroadcast =
  /** Somebody watches the topology until the lease runs out. Renewed while it goes on. */
  | { readonly kind: 'watch'; readonly watcher: PeerId; readonly leaseMs: number }
  | { readonly kind: 'report'; readonly report: PeerReport };

export type ObserveCommand =
  /** This peer has at least one watcher of its own (or none any more). */
  | { readonly kind: 'watching'; readonly active: boolean }
  /** The measurements that the core asked for with `measure`. */
  | { readonly kind: 'measured'; readonly report: Omit<PeerReport, 'number'> }
  /** `from` is the peer that broadcast it. */
  | { readonly kind: 'broadcast'; readonly from: PeerId; readonly message: ObserveBroadcast }
  /** A neighbour came or went: report soon. */
  | { readonly kind: 'neighborsChanged' }
  | { readonly kind: 'memberDown'; readonly id: PeerId }
  | { readonly kind: 'meshSize'; readonly peers: number };

export type ObserveEvent =
  | { readonly kind: 'broadcast'; readonly message: ObserveBroadcast }
  /** A report is due: answer with `measured`. */
  | { readonly kind: 'measure' }
  /** A newer report is held (or its peer is gone: null). */
  | { readonly kind: 'changed'; readonly id: PeerId; readonly report: PeerReport | null };
