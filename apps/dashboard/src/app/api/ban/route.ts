import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { BanPeerRequestSchema, BanScope } from '@starling/wire';
import { askEach } from '../../../server/ask-each.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, othersThan } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** For each peer that is told. */
const banMs = 3_000;

/**
 * Tells every peer that is known to ban `{ peer, reason, forMs? }`, each for itself, with the token of the person who asks;
 * without `forMs` until it is lifted. A ban of the mesh needs an operator's key, which has no business here.
 */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const peerId = stringField(body, 'peer');
  const reason = stringField(body, 'reason');
  if (peerId === null || peerId === '' || reason === null) return badRequest('peer and reason are texts.');
  const forMs = body.forMs ?? null;
  if (forMs !== null && (typeof forMs !== 'number' || !Number.isSafeInteger(forMs) || forMs < 1)) {
    return badRequest('forMs is a number from 1.');
  }
  const { client, hub } = mesh();
  if (!hub.knows(peerId)) return badRequest('This peer is not known.');
  const others = othersThan(peerId);
  if (others instanceof Response) return others;
  const duration = forMs === null ? {} : { duration: durationFromMs(forMs) };
  const wish = create(BanPeerRequestSchema, { peerId, reason, scope: BanScope.PEER, ...duration });
  const metadata = metadataOf(request);
  return await answerOf(() =>
    askEach(others, (address) => client.unary(address, api.admin.banPeer, wish, metadata, banMs)),
  );
}
