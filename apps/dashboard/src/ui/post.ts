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
    return noServer;
  }
}

const noServer: MeshProblem = {
  code: 'UNAVAILABLE',
  message: 'The dashboard’s server does not answer.',
  reason: '',
  fields: [],
};

/** Gets JSON from our own server; the value, or the problem that it or the network had. */
export async function getJson<T>(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly value: T } | { readonly problem: MeshProblem }> {
  try {
    const response = await fetch(path, signal === undefined ? {} : { signal });
    const body: unknown = await response.json();
    return response.ok ? { value: body as T } : { problem: (body as { error: MeshProblem }).error };
  } catch {
    return { problem: noServer };
  }
}
