import { durationMs } from '@bufbuild/protobuf/wkt';
import { PeersColumnType, type QueryPeersResponse } from '@starling/wire';

export interface QueryPeersOptions {
  /** How long to wait for the slowest part of the mesh: up to 30,000; default 5,000. */
  readonly timeoutMs?: number;
  /** Messages between peers that it may be expected to cost; 0 or left out: as many as it takes. */
  readonly messageBudget?: number;
  readonly signal?: AbortSignal;
}

export interface PeersColumn {
  readonly name: string;
  /** Durations are in ms. */
  readonly type: 'text' | 'version' | 'number' | 'duration' | 'bytes';
}

export interface PeersRow {
  /** One for each column; null: nobody in the group knows. */
  readonly values: readonly (string | number | null)[];
  /** Peers in the group. */
  readonly peers: number;
  /** All groups that found no room on the way, as one; always the last row. */
  readonly isOther: boolean;
}

/** Whom an answer speaks for, and what it cost. */
export interface PeersCoverage {
  readonly peersKnown: number;
  /** Each is in the answer once. */
  readonly peersAnswered: number;
  /** Parts of the mesh that did not answer, each hiding at least one peer. */
  readonly branchesMissing: number;
  readonly complete: boolean;
  /** `done` or `deadline`. */
  readonly reason: string;
  /** How often the mesh was asked. */
  readonly waves: number;
  readonly messagesSpent: number;
  readonly bytesSpent: number;
  readonly elapsedMs: number;
  /** Where the missing parts begin, at most 16. */
  readonly lost: readonly { readonly peerId: string; readonly reason: string }[];
}

export interface PeersAnswer {
  readonly columns: readonly PeersColumn[];
  readonly rows: readonly PeersRow[];
  /** Rows beyond the question's limit. */
  readonly rowsCut: number;
  readonly coverage: PeersCoverage;
}

const types: Readonly<Record<PeersColumnType, PeersColumn['type']>> = {
  [PeersColumnType.UNSPECIFIED]: 'text',
  [PeersColumnType.TEXT]: 'text',
  [PeersColumnType.VERSION]: 'version',
  [PeersColumnType.NUMBER]: 'number',
  [PeersColumnType.DURATION]: 'duration',
  [PeersColumnType.BYTES]: 'bytes',
};

/** The answer as a plain object, fit for JSON. */
export function toPeersAnswer({ columns, rows, rowsCut, coverage }: QueryPeersResponse): PeersAnswer {
  return {
    columns: columns.map(({ name, type }) => ({ name, type: types[type] ?? 'text' })),
    rows: rows.map(({ values, peerCount, other }) => ({
      values: values.map(({ kind }) => kind.value ?? null),
      peers: peerCount,
      isOther: other,
    })),
    rowsCut,
    coverage: {
      peersKnown: coverage?.peersKnown ?? 0,
      peersAnswered: coverage?.peersAnswered ?? 0,
      branchesMissing: coverage?.branchesMissing ?? 0,
      complete: coverage?.complete ?? false,
      reason: coverage?.reason ?? '',
      waves: coverage?.waves ?? 0,
      messagesSpent: coverage?.messagesSpent ?? 0,
      bytesSpent: Number(coverage?.bytesSpent ?? 0n),
      elapsedMs: coverage?.elapsed === undefined ? 0 : durationMs(coverage.elapsed),
      lost: (coverage?.lost ?? []).map(({ peerId, reason }) => ({ peerId, reason })),
    },
  };
}
