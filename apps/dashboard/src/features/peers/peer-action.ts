import type { PeerFacts } from '@starling/topology';
import type { EachOutcome } from '../../server/ask-each.ts';

/** What an operator can do to a peer from here. */
export type PeerAction = 'drain' | 'ban' | 'unban';

/** What the server says when it is done. */
export type ActionAnswer = { readonly neighborsTold: number; readonly elapsedMs: number } | EachOutcome;

/** Spans of a ban that are offered; null: until it is lifted. */
export const banSpans = [
  [600_000, '10 minutes'],
  [3_600_000, 'an hour'],
  [86_400_000, 'a day'],
  [null, 'until it is lifted'],
] as const;

/** What can be done to a peer as it is: a ban of the mesh is lifted by who has the operator's key, not from here. */
export function actionsFor({ state, ban }: PeerFacts): readonly PeerAction[] {
  const banning: readonly PeerAction[] = ban === undefined ? ['ban'] : ban.scope === 'peer' ? ['unban'] : [];
  return state === 'draining' ? banning : ['drain', ...banning];
}

/** A word that a shell takes as one and unchanged. */
export function shellWord(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What an operator with the key types to ban a peer in the whole mesh, also for those who join later. */
export function banCommand(peer: string, spanMs: number | null, reason: string): string {
  const span = spanMs === null ? '--forever' : `--for ${spanMs / 60_000}m`;
  return `starling ban ${shellWord(peer)} ${span} --reason ${shellWord(reason.trim() || 'why')}`;
}
