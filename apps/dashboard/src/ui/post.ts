import type { MeshProblem } from '../server/mesh-client.ts';

/** Headers of a request to our own server, with a token of the person's own where there is one. */
export function requestHeaders(token: string): Record<string, string> {
  return { 'content-type': 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
}

/** Posts JSON to our own server; the answer, or the problem that it or the network had. */
export async function post(
  path: string,
  body: unknown,
  token: string,
  signal?: AbortSignal,
): Promise<Response | MeshProblem> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: requestHeaders(token),
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.ok) return response;
    const { error } = (await response.json()) as { error: MeshProblem };
    return error;
  } catch {
    return { code: 'UNAVAILABLE', message: 'The dashboard’s server does not answer.', reason: '', fields: [] };
  }
}
