import { mesh } from '../../../server/mesh.ts';
import { badRequest } from '../../../server/request-body.ts';

export const dynamic = 'force-dynamic';

const noStore = { 'cache-control': 'no-store' };

/** The times of which a picture is held, `{ times }`; with `?at=`, ms since 1970, the `PastPicture` of the last one until then, packed by gzip. */
export function GET(request: Request): Response {
  const { past } = mesh().hub;
  const at = new URL(request.url).searchParams.get('at');
  if (at === null) return Response.json({ times: past.times() }, { headers: noStore });
  if (!/^\d{1,15}$/.test(at)) return badRequest('at is a time in ms since 1970.');
  const frame = past.frameAt(Number(at));
  if (frame === null) {
    const error = { code: 'NOT_FOUND', message: 'Nothing is held of the past yet.', reason: '', fields: [] };
    return Response.json({ error }, { status: 404, headers: noStore });
  }
  // As it is held: the page unpacks it. Next lets no route say `content-encoding`.
  return new Response(new Uint8Array(frame.packed), { headers: { ...noStore, 'content-type': 'application/gzip' } });
}
