import { MeshPicture, settleMs, type TopologySnapshot } from '@starling/topology';

/** The mesh at one moment of the past, as the server keeps it. */
export interface PastPicture {
  /** By the serving peer's clock. */
  readonly at: number;
  /** Peers that the mesh was believed to have. */
  readonly known: number;
  readonly snapshot: TopologySnapshot;
}

/** Reads what the server sends: JSON, packed by gzip. Rejects when it is none. */
export async function unpacked(response: Response): Promise<PastPicture> {
  if (!response.ok || response.body === null) throw new Error('nothing is held');
  return (await new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).json()) as PastPicture;
}

/** The picture of that moment. What passes by itself is no news in it, as in a page that is opened and watched for a while. */
export function pictureThen({ at, snapshot }: PastPicture, changes: MeshPicture['changes']): MeshPicture {
  const picture = new MeshPicture();
  picture.reset(at - settleMs, snapshot);
  picture.apply(at, { reports: [], silentPeers: [], removedPeers: [] });
  picture.remember(changes.filter((change) => change.at <= at));
  return picture;
}

/** What is different now: peers that came and went since, by name. */
export function differenceOf(
  then: MeshPicture,
  now: MeshPicture,
): { readonly came: string[]; readonly went: string[] } {
  const names = (of: MeshPicture, other: MeshPicture): string[] =>
    [...of.peers.values()].filter(({ peer }) => !other.peers.has(peer.id)).map(({ peer }) => peer.name || peer.id);
  return { came: names(now, then), went: names(then, now) };
}
