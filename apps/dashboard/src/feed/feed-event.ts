import type { Millis } from '@starling/kernel';
import type { NumberedChange, PictureSince, TopologyDelta, TopologySnapshot, Totals } from '@starling/topology';

/**
 * What is wrong with an address. `bad-address`: it cannot be one. `unreachable`: nobody takes the connection. `tls`: somebody
 * does, and the two do not agree on encryption or on who is trusted. `refused`:
 * the peer does not let us watch. `not-a-peer`: something else answers. `broken`: the stream ended. `silent`: it hangs.
 */
export type Trouble = 'bad-address' | 'unreachable' | 'tls' | 'refused' | 'not-a-peer' | 'broken' | 'silent';

/** One address that failed, and why. */
export interface FailedTry {
  readonly address: string;
  readonly trouble: Trouble;
  /** For people. */
  readonly message: string;
}

/** How the dashboard's server stands with the mesh. */
export interface UpstreamStatus {
  /** `connecting`: no peer has answered yet. `live`: a peer streams. `lost`: the peer went, another is being looked for. */
  readonly phase: 'connecting' | 'live' | 'lost';
  /** Id of the peer that streams; empty before the first. */
  readonly servedBy: string;
  /** Its `host:port`. */
  readonly address: string;
  /** What failed since the last success, the latest last; empty when nothing did. At most `triesMax`. */
  readonly tries: readonly FailedTry[];
  /** Addresses that are tried in turn. */
  readonly addresses: number;
}

/** What the server tells a browser: one snapshot, then the rest, numbered. */
export type FeedEvent =
  | {
      readonly kind: 'snapshot';
      /** The serving peer's time; 0 when no peer has answered yet. */
      readonly at: Millis;
      /** Peers that the mesh is believed to have. */
      readonly known: number;
      readonly snapshot: TopologySnapshot;
      readonly status: UpstreamStatus;
      /** One entry per second, the oldest first. */
      readonly history: readonly Totals[];
      /** What changed while somebody watched, the newest first: a page that is opened late, or again, knows it too. */
      readonly changes: readonly NumberedChange[];
      /** Since when what is wrong is so: who is called opens the page after it began. */
      readonly since?: PictureSince;
    }
  | { readonly kind: 'delta'; readonly at: Millis; readonly known: number; readonly delta: TopologyDelta }
  | { readonly kind: 'totals'; readonly totals: Totals }
  | { readonly kind: 'status'; readonly status: UpstreamStatus };

/** Seconds of totals that the server and the browser keep. */
export const historySecondsMax = 600;

/** Addresses that failed and are told to the browser. Guess: what fits on a screen. */
export const triesMax = 8;
