/** Characters and bytes of a request's body at most: the largest payload, in base64, and some. */
const bodyBytesMax = 1_500_000;

/** Reads a JSON object from a POST; a string says what is wrong with it. */
export async function readJsonObject(request: Request): Promise<Readonly<Record<string, unknown>> | string> {
  if (!request.headers.get('content-type')?.startsWith('application/json')) return 'Send application/json.';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bodyBytesMax) return `The request is larger than ${bodyBytesMax.toLocaleString('en')} bytes.`;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  return 'The body is not a JSON object.';
}

/** An answer that says what is wrong with the request. */
export function badRequest(message: string): Response {
  return Response.json({ error: { code: 'INVALID_ARGUMENT', message, reason: '', fields: [] } }, { status: 400 });
}

/** A field that is a string; the default when it is missing; null when it is something else. */
export function stringField(body: Readonly<Record<string, unknown>>, name: string, missing = ''): string | null {
  const value = body[name] ?? missing;
  return typeof value === 'string' ? value : null;
}
