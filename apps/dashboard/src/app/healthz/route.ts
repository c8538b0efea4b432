export const dynamic = 'force-dynamic';

/** For probes: the process answers. Says nothing of the mesh, whose absence is no reason to restart this. */
export function GET(): Response {
  return Response.json({ status: 'ok' });
}
