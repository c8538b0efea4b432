import { create } from '@bufbuild/protobuf';
import { PublishRequestSchema } from '@starling/wire';
import { millisOf } from '../../../server/facts-from-wire.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, targetOf } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** A person waits no longer. */
const publishMs = 5_000;

/** Publishes `{ topic, payload, headers?, peer? }` at the peer named by id, or at any. The payload is text. */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const topic = stringField(body, 'topic');
  const payload = stringField(body, 'payload');
  const peer = stringField(body, 'peer');
  const headers = Object.entries(body.headers ?? {});
  if (topic === null || payload === null || peer === null) return badRequest('topic, payload and peer are texts.');
  if (headers.some(([, value]) => typeof value !== 'string')) return badRequest('Headers are texts.');
  const target = targetOf(peer);
  if (target instanceof Response) return target;
  return await answerOf(async () => {
    const message = create(PublishRequestSchema, {
      topic,
      payload: new TextEncoder().encode(payload),
      headers: Object.fromEntries(headers) as Record<string, string>,
    });
    const response = await mesh().client.unary(
      target.address,
      api.mesh.publish,
      message,
      metadataOf(request),
      publishMs,
    );
    return {
      messageId: response.messageId,
      origin: response.origin,
      sequence: Number(response.sequence),
      publishTime: millisOf(response.publishTime),
      isAlone: response.alone,
    };
  });
}
