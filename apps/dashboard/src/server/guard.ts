/** The parts of a request by which it is judged. */
export interface RequestFacts {
  readonly method: string;
  readonly path: string;
  readonly host: string | null;
  readonly origin: string | null;
  /** `Sec-Fetch-Site`: what the browser says of where the request comes from. */
  readonly fetchSite: string | null;
}

/** Loopback's names: a page of another site cannot make a browser send them as `Host`. */
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

const openPaths: readonly string[] = ['/healthz', '/metrics'];

/**
 * Says why a request is refused; null when it may pass. Two attacks by pages of other sites end here: a name that is
 * re-bound to this address (the `Host` would be the attacker's), and a request forged across sites (the `Origin` would be).
 * `allowedHosts` are lower-case names, with or without a port.
 */
export function refusalOf(request: RequestFacts, allowedHosts: readonly string[]): string | null {
  // Probes and Prometheus come by address, and learn nothing but that the process answers, and how many look.
  if (openPaths.includes(request.path) && request.method === 'GET') return null;
  const host = request.host?.toLowerCase() ?? '';
  const name = host.replace(/:\d+$/, '');
  if (!loopbackHosts.includes(name) && !allowedHosts.includes(name) && !allowedHosts.includes(host)) {
    return 'This host name is not allowed: add it to STARLING_DASHBOARD_HOSTS.';
  }
  if (!request.path.startsWith('/api/')) return null;
  const isAction = request.method !== 'GET' && request.method !== 'HEAD';
  // Browsers name the origin of every POST. What does not is no browser page of ours.
  if (request.origin === null && isAction) return 'An action needs an Origin header.';
  if (request.origin !== null && hostOf(request.origin) !== host) return 'The request comes from another origin.';
  if (request.fetchSite !== null && request.fetchSite !== 'same-origin' && request.fetchSite !== 'none') {
    return 'The request comes from another site.';
  }
  return null;
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : null;
}

/** Headers that every answer carries. `nonce` allows the page's own inline scripts and nothing else. */
export function securityHeaders(nonce: string, isDevelopment: boolean): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`,
    // Positions and widths are inline styles; a style can not act.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return {
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}
