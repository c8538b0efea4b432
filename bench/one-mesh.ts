import { islandsOf, type PeerProcess, type PeerStatus, statusOf } from '../e2e/support/local-mesh.ts';

/** Between two looks. */
const lookAgainMs = 50;

/**
 * Waits until these peers are one mesh in which each `isSettled`, all of it seen from outside since the call. Asking everybody again and again takes from
 * busy peers what they settle with, and where links still move no two answers fit together: so after a first look at each only those are looked at again on
 * which it depends, who is not settled, who is apart from the largest part, and whom these say that they have a link to. Throws after `timeoutMs`.
 */
export async function untilOneMesh(
  all: readonly PeerProcess[],
  timeoutMs: number,
  isSettled: (status: PeerStatus) => boolean = () => true,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const seen = new Map<PeerProcess, PeerStatus>();
  const lookAt = (peers: readonly PeerProcess[]): Promise<unknown> =>
    Promise.all(
      peers.map(async (peer) => {
        const status = await statusOf(peer).catch(() => undefined);
        if (status !== undefined) seen.set(peer, status);
      }),
    );
  const known = (ids: ReadonlySet<string>): PeerProcess[] => all.filter((peer) => ids.has(seen.get(peer)?.id ?? ''));
  const unsettled = (): PeerProcess[] =>
    all.filter((peer) => {
      const status = seen.get(peer);
      return status === undefined || !isSettled(status);
    });
  while (Date.now() < deadline) {
    await lookAt(unsettled());
    const [, ...others] = islandsOf(seen.values());
    if (unsettled().length === 0 && others.length === 0) return;
    await new Promise((done) => setTimeout(done, lookAgainMs));
    const apart = known(new Set(others.flat()));
    await lookAt(apart);
    await lookAt(known(new Set(apart.flatMap((peer) => seen.get(peer)?.neighbors.map(({ id }) => id) ?? []))));
  }
  const names = unsettled().map(({ name }) => name);
  throw new Error(
    `not one mesh after ${timeoutMs / 1_000} s: parts of ${islandsOf(seen.values()).map(({ length }) => length)}, not settled ${names.join(', ') || 'none'}`,
  );
}
