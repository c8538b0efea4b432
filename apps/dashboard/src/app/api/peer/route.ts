import { create } from '@bufbuild/protobuf';
import { toPeersAnswer } from '@starling/client';
import { GetPeerRequestSchema, QueryPeersRequestSchema } from '@starling/wire';
import type { PeerSelf, PeerServes } from '../../../features/peers/peer-self.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, targetOf } from '../../../server/on-behalf.ts';
import { peerSelf, peerServes, servesQuestion } from '../../../server/peer-self-from-wire.ts';
import { badRequest } from '../../../server/request-body.ts';
import { readSettings } from '../../../server/settings.ts';
import { ownMetadata } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** A peer that is well answers this at once. */
const selfMs = 3_000;
/** The peer waits 5 s for the slowest branch. */
const servesMs = 7_000;

/** `?id=`: what that peer says of itself, a `PeerSelf`; with `&serves=1` also what it does for others, which asks the whole mesh. */
export async function GET(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url);
  const id = searchParams.get('id') ?? '';
  if (!/^[a-z2-7]{1,64}$/.test(id)) return badRequest('id is that of a peer.');
  const target = targetOf(id);
  if (target instanceof Response) return target;
  const asksServes = searchParams.get('serves') === '1';
  return await answerOf(async (): Promise<PeerSelf> => {
    const metadata = await ownMetadata(readSettings(process.env).tokenFile);
    const { client } = mesh();
    const askedAt = Date.now();
    const wish = create(GetPeerRequestSchema);
    const answer = await client.unary(target.address, api.admin.getPeer, wish, metadata, selfMs);
    const self = peerSelf(answer, askedAt, Date.now());
    let serves: PeerServes | null = null;
    if (asksServes) {
      const question = create(QueryPeersRequestSchema, { text: servesQuestion(id) });
      serves = peerServes(
        toPeersAnswer(await client.unary(target.address, api.admin.queryPeers, question, metadata, servesMs)),
      );
    }
    return { ...self, serves };
  });
}
