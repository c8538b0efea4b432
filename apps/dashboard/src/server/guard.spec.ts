import { describe, expect, it } from 'vitest';
import { type RequestFacts, refusalOf, securityHeaders } from './guard.ts';

const page: RequestFacts = { method: 'GET', path: '/', host: 'localhost:3000', origin: null, fetchSite: null };
const action: RequestFacts = { ...page, method: 'POST', path: '/api/publish', origin: 'http://localhost:3000' };
const stream: RequestFacts = { ...page, path: '/api/topology', fetchSite: 'same-origin' };

describe('the guard lets pass', () => {
  it.each<[string, RequestFacts]>([
    ['a page by name', page],
    ['a page by address', { ...page, host: '127.0.0.1:3000' }],
    ['a page by IPv6 address', { ...page, host: '[::1]:3000' }],
    ['a page by a name that is allowed', { ...page, host: 'Mesh.Example.com' }],
    ['a page by a name that is allowed with its port', { ...page, host: 'other.example.com:8443' }],
    ['an action of our own page', action],
    [
      'an action behind a proxy that ends TLS',
      { ...action, host: 'mesh.example.com', origin: 'https://mesh.example.com' },
    ],
    ['a stream of our own page', stream],
    ['a stream that a person opens', { ...stream, fetchSite: 'none' }],
    ['a stream of a program that is no browser', { ...stream, fetchSite: null }],
    ['a probe by the address of the pod', { ...page, path: '/healthz', host: '10.42.0.7:3000' }],
    ['Prometheus by the address of the pod', { ...page, path: '/metrics', host: '10.42.0.7:3000' }],
  ])('%s', (_, request) => {
    expect(refusalOf(request, ['mesh.example.com', 'other.example.com:8443'])).toBeNull();
  });
});

describe('the guard refuses', () => {
  it.each<[string, RequestFacts]>([
    ['a name that was bound to this address by somebody else', { ...page, host: 'evil.example' }],
    ['a name that only begins like ours', { ...page, host: 'localhost.evil.example:3000' }],
    ['a request without a host', { ...page, host: null }],
    ['an action of another origin', { ...action, origin: 'https://evil.example' }],
    ['an action of another port of this host', { ...action, origin: 'http://localhost:4000' }],
    ['an action of a page without origin', { ...action, origin: 'null' }],
    ['an action without an origin', { ...action, origin: null }],
    ['an action by another method', { ...action, method: 'DELETE', origin: null }],
    ['a stream of another origin', { ...stream, origin: 'https://evil.example' }],
    ['a stream of another site', { ...stream, fetchSite: 'cross-site' }],
    ['a stream of a sister site', { ...stream, fetchSite: 'same-site' }],
    ['a probe that is an action', { ...page, path: '/healthz', method: 'POST', host: 'evil.example' }],
  ])('%s', (_, request) => {
    expect(refusalOf(request, [])).not.toBeNull();
  });
});

describe('the headers', () => {
  it('allow only scripts with the nonce, no frames, and eval in development alone', () => {
    const { 'content-security-policy': policy = '' } = securityHeaders('n0nce', false);
    expect(policy).toContain("script-src 'self' 'nonce-n0nce'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe-eval');
    expect(securityHeaders('n0nce', true)['content-security-policy']).toContain('unsafe-eval');
  });
});
