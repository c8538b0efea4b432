import { create } from '@bufbuild/protobuf';
import { DrainRequestSchema } from '@starling/wire';
import { durationMs } from '../../../server/facts-from-wire.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, targetOf } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** The peer hands over for at most 5 s; then it has to say so. */
const drainMs = 8_000;

/** Makes `{ peer }`, an id, leave the mesh, with the token of the person who asks. */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const peerId = stringField(body, 'peer');
  if (peerId === null || peerId === '') return badRequest('peer is the id of one.');
  const target = targetOf(peerId);
  if (target instanceof Response) return target;
  return await answerOf(async () => {
    const wish = create(DrainRequestSchema, { peerId });
    const { client } = mesh();
    const answer = await client.unary(target.address, api.admin.drain, wish, metadataOf(request), drainMs);
    return { neighborsTold: answer.neighborsTold, elapsedMs: durationMs(answer.elapsed) ?? 0 };
  });
}
