import { type NextRequest, NextResponse } from 'next/server';
import { refusalOf, securityHeaders } from './server/guard.ts';
import { readSettings } from './server/settings.ts';

/** Judges every request, before any route or file. */
export function proxy(request: NextRequest): NextResponse {
  const nonce = crypto.randomUUID();
  const headers = securityHeaders(nonce, process.env.NODE_ENV === 'development');
  const refusal = refusalOf(
    {
      method: request.method,
      path: request.nextUrl.pathname,
      host: request.headers.get('host'),
      origin: request.headers.get('origin'),
      fetchSite: request.headers.get('sec-fetch-site'),
    },
    readSettings(process.env).hosts,
  );
  if (refusal !== null) {
    return NextResponse.json({ error: { code: 'PERMISSION_DENIED', message: refusal } }, { status: 403, headers });
  }
  // Next puts the nonce of the *request's* policy on the scripts that it writes.
  const requestHeaders = new Headers(request.headers);
  requestHeaders.set('content-security-policy', headers['content-security-policy'] ?? '');
  const response = NextResponse.next({ request: { headers: requestHeaders } });
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
