import type { MeshProblem } from '../../server/mesh-client.ts';
import { requestHeaders } from './console-token.ts';

/** Posts JSON to our own server; the answer, or the problem that it or the network had. */
export async function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response | MeshProblem> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: requestHeaders(),
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
