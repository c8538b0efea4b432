import 'server-only';
import { mesh } from './mesh.ts';
import { httpStatusOf, problemOf } from './mesh-client.ts';
import { badRequest } from './request-body.ts';

/**
 * Where a call for the peer of this id goes; for the empty id `{ address: null }`: to any. Only to peers that the mesh told us
 * of: a page must not choose where this server connects to.
 */
export function targetOf(peer: string): { readonly address: string | null } | Response {
  if (peer === '') return { address: null };
  const address = mesh().hub.apiAddressOf(peer);
  return address === null ? badRequest('This peer is not known, or takes no clients.') : { address };
}

/** Every peer but the one of this id, if any, and where it takes clients; a refusal when there is none. */
export function othersThan(peer: string): ReadonlyMap<string, string> | Response {
  const others = new Map([...mesh().hub.apiAddresses()].filter(([id]) => id !== peer));
  return others.size === 0 ? badRequest(`There is no ${peer === '' ? '' : 'other '}peer that takes clients.`) : others;
}

/** What comes of a call to the mesh, as JSON; or its refusal, with the HTTP status that stands for it. */
export async function answerOf(work: () => Promise<unknown>): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (error) {
    const problem = problemOf(error);
    return Response.json({ error: problem }, { status: httpStatusOf(problem) });
  }
}
