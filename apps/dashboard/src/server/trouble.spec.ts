import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { Authority } from '@starling/identity';
import { describe, expect, it } from 'vitest';
import { addressProblem, diagnose, troubleOf } from './trouble.ts';

describe('an address of a peer', () => {
  it.each(['127.0.0.1:7401', 'starling.mesh.svc.cluster.local:7401', '[::1]:7401', 'a:1', 'a:65535'])(
    'may be %s',
    (address) => expect(addressProblem(address)).toBeNull(),
  );

  it.each([
    ['peer-0', 'is not host:port'],
    ['http://peer-0:7401', 'is not host:port'],
    ['peer-0:grpc', 'is not host:port'],
    ['::1', 'is not host:port'],
    ['peer 0:7401', 'is not host:port'],
    ['peer-0:0', 'no such port: 0'],
    ['peer-0:99999', 'no such port: 99999'],
  ])('is not %s', (address, words) => expect(addressProblem(address)).toContain(words));
});

describe('what is wrong with a peer', () => {
  it('is its address, when no such host is known', async () => {
    const dialled = { problem: null, isEncrypted: true };
    expect(await diagnose('no-such-host.invalid:7401', dialled)).toMatchObject({
      trouble: expect.stringMatching(/bad-address|unreachable/),
    });
    expect(await diagnose('127.0.0.1:1', dialled)).toMatchObject({
      trouble: 'unreachable',
      message: 'does not answer',
    });
  });

  it.each([
    'it does not encrypt',
    'its certificate is refused: self-signed certificate',
    'it is no peer of the mesh m',
  ])('is its TLS: %s', async (problem) =>
    expect(await diagnose('127.0.0.1:1', { problem, isEncrypted: true })).toMatchObject({
      trouble: 'tls',
      message: problem,
    }),
  );

  it('is no disagreement where nothing is said at all, encrypted or not', async () => {
    const problem = 'what listens there says nothing without encryption';
    expect(await diagnose('127.0.0.1:1', { problem, isEncrypted: false })).toMatchObject({ trouble: 'unreachable' });
  });

  it('is that it encrypts and the dashboard does not', async () => {
    const authority = await Authority.create('m');
    const server = createServer({ key: authority.key, cert: authority.certificate, ALPNProtocols: ['h2'] });
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
    try {
      const dialled = { problem: null, isEncrypted: false };
      expect(await diagnose(`127.0.0.1:${port}`, dialled)).toMatchObject({
        trouble: 'tls',
        message: expect.stringContaining('it encrypts'),
      });
    } finally {
      server.close();
    }
  });

  it.each([
    [status.UNAUTHENTICATED, 'refused'],
    [status.PERMISSION_DENIED, 'refused'],
    [status.UNIMPLEMENTED, 'not-a-peer'],
    [status.UNAVAILABLE, 'broken'],
    [status.INTERNAL, 'broken'],
    [undefined, 'broken'],
  ])('is, when its stream ends with %s, %s', (code, trouble) => {
    expect(troubleOf({ ...(code === undefined ? {} : { code }), details: 'so it said' })).toMatchObject({
      trouble,
      message: 'so it said',
    });
  });
});
