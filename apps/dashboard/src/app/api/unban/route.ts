import { create } from '@bufbuild/protobuf';
import { BanScope, UnbanPeerRequestSchema } from '@starling/wire';
import { askEach } from '../../../server/ask-each.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, othersThan } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** For each peer that is told. */
const unbanMs = 3_000;

/** Tells every peer that is known to lift its own ban of `{ peer }`, which need not be known any more, with the token of the person who asks. */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const peerId = stringField(body, 'peer');
  if (peerId === null || peerId === '') return badRequest('peer is the id of one.');
  const others = othersThan(peerId);
  if (others instanceof Response) return others;
  const wish = create(UnbanPeerRequestSchema, { peerId, scope: BanScope.PEER });
  const { client } = mesh();
  const metadata = metadataOf(request);
  return await answerOf(() =>
    askEach(others, (address) => client.unary(address, api.admin.unbanPeer, wish, metadata, unbanMs)),
  );
}
