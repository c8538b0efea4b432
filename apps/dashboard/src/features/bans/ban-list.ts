import type { MeshProblem } from '../../server/mesh-client.ts';

/** One ban, as all peers tell that know of it. Times in ms since 1970. */
export interface BanRow {
  /** Who is banned. */
  readonly peer: string;
  readonly scope: 'mesh' | 'peer';
  /** By a verdict of the peer's own. */
  readonly isAutomatic: boolean;
  /** The operator; empty when automatic. */
  readonly by: string;
  readonly reason: string;
  /** The first time that a peer tells of it; 0: none does. */
  readonly since: number;
  /** Peers that have it, and until when each; null: until it is lifted. The first of them, `count` are all. */
  readonly at: readonly { readonly peer: string; readonly until: number | null }[];
  readonly count: number;
  /** When the first and the last of all of them end. */
  readonly untilFirst: number | null;
  readonly untilLast: number | null;
}

/** What the peers that were asked say of bans. */
export interface BanList {
  readonly bans: readonly BanRow[];
  /** Bans beyond those listed. */
  readonly more: number;
  readonly asked: number;
  readonly answered: number;
  /** Peers that were not asked any more when the time was over. */
  readonly left: number;
  /** Peers that did not say, some of them. */
  readonly failed: readonly { readonly peer: string; readonly problem: MeshProblem }[];
  /** Peers that answered and know no operator's key: bans of the mesh do not count there. */
  readonly keyless: number;
  /** By the clock of the dashboard's server. */
  readonly at: number;
  readonly tookMs: number;
}

/** How a ban is written: where it counts. */
export function whereWords({ scope, count }: BanRow, answered: number): string {
  if (scope === 'mesh')
    return count >= answered ? 'in the whole mesh' : `in the mesh, known at ${count} of ${answered}`;
  return count === 1
    ? 'at 1 peer'
    : count >= answered - 1
      ? `at all ${count} others`
      : `at ${count} of ${answered} peers`;
}

/** The command that lifts a ban of the mesh, for who has the operator's key. */
export function unbanCommand(peer: string): string {
  return `starling unban ${peer}`;
}
