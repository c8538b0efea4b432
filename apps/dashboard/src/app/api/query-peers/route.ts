import { create } from '@bufbuild/protobuf';
import { toPeersAnswer } from '@starling/client';
import { QueryPeersRequestSchema } from '@starling/wire';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, targetOf } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** The peer waits 5 s for the slowest branch; then it has to say so. */
const askMs = 7_000;

/** Asks all peers about themselves, `{ text, peer? }`, in the language of `starling query --peers`; answers a `PeersAnswer`. */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const text = stringField(body, 'text');
  const peer = stringField(body, 'peer');
  if (text === null || peer === null) return badRequest('text and peer are texts.');
  const target = targetOf(peer);
  if (target instanceof Response) return target;
  return await answerOf(async () => {
    const question = create(QueryPeersRequestSchema, { text });
    const { client } = mesh();
    return toPeersAnswer(
      await client.unary(target.address, api.admin.queryPeers, question, metadataOf(request), askMs),
    );
  });
}
