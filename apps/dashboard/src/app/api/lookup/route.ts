import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { FindPeersRequestSchema, GetRecordRequestSchema, PutRecordRequestSchema } from '@starling/wire';
import { providersFound, recordPut, recordsFound } from '../../../server/lookup-from-wire.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, targetOf } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** The peer tries for 5 s; then it has to say so. */
const lookupMs = 7_000;

/**
 * `{ what, key, value?, lifeMs?, trace?, peer? }`: `get` finds the records of a key, `find` the peers that offer what `key` names, `put`
 * keeps a value, a text, under a key, for so long; with `trace` the answer has every call. Answers a `LookupAnswer`.
 */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const key = stringField(body, 'key');
  const value = stringField(body, 'value');
  const peer = stringField(body, 'peer');
  if (key === null || value === null || peer === null) return badRequest('key, value and peer are texts.');
  const { what } = body;
  if (what !== 'get' && what !== 'find' && what !== 'put') return badRequest('what is one of get, find, put.');
  const lifeMs = body.lifeMs ?? null;
  if (lifeMs !== null && (typeof lifeMs !== 'number' || !Number.isSafeInteger(lifeMs) || lifeMs < 1)) {
    return badRequest('lifeMs is a number from 1.');
  }
  const trace = body.trace === true;
  const target = targetOf(peer);
  if (target instanceof Response) return target;
  const { client } = mesh();
  const metadata = metadataOf(request);
  const bytes = (text: string) => new TextEncoder().encode(text);
  return await answerOf(async () => {
    switch (what) {
      case 'get': {
        const wish = create(GetRecordRequestSchema, { key: bytes(key), trace });
        return recordsFound(await client.unary(target.address, api.lookup.getRecord, wish, metadata, lookupMs));
      }
      case 'find': {
        const wish = create(FindPeersRequestSchema, { name: key, trace });
        return providersFound(await client.unary(target.address, api.lookup.findPeers, wish, metadata, lookupMs));
      }
      case 'put': {
        const expireTime = lifeMs === null ? {} : { expireTime: timestampFromMs(Date.now() + lifeMs) };
        const record = { key: bytes(key), value: bytes(value), ...expireTime };
        const wish = create(PutRecordRequestSchema, { what: { case: 'record', value: record }, trace });
        return recordPut(await client.unary(target.address, api.lookup.putRecord, wish, metadata, lookupMs));
      }
    }
  });
}
