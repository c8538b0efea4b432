import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CliError, exitCode } from './exit-codes.ts';
import { milliseconds, wholeNumber, withClient } from './session.ts';

const run = () => Promise.resolve(exitCode.ok);

describe('a time', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['5', 5_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['24h', 86_400_000],
  ])('%s is %d ms', (text, expected) => {
    expect(milliseconds('--timeout', text)).toBe(expected);
  });

  it.each(['', '5x', '-1s', 's', '1w', '1 s', '0', '0ms', '36501d', '9'.repeat(400)])(
    '%j is none, and a usage error that names the flag',
    (text) => {
      expect(() => milliseconds('--for', text)).toThrow(expect.objectContaining({ exitCode: exitCode.usage }));
      expect(() => milliseconds('--for', text)).toThrow(`--for ${text}: use a time such as`);
    },
  );
});

describe('a whole number', () => {
  it.each([
    ['1', 1],
    ['1000', 1_000],
  ])('%s is one', (text, expected) => {
    expect(wholeNumber('--limit', text, 1, 1_000)).toBe(expected);
  });

  it.each(['0', '1001', '1.5', '-1', '1e2', '', 'ten'])('%j is refused with the flag and its range', (text) => {
    expect(() => wholeNumber('--limit', text, 1, 1_000)).toThrow(
      new CliError(`--limit ${text}: use a whole number from 1 to 1000`, exitCode.usage),
    );
  });
});

describe('--address', () => {
  it.each(['localhost', ':7401', '127.0.0.1:', '127.0.0.1:0', '127.0.0.1:65536', '::1:7401', 'http://a:1', 'a b:1'])(
    '%s is refused before anything is dialled',
    async (address) => {
      const result = withClient(
        { address, timeout: '1s', output: 'table', data: 'nowhere', insecure: true },
        'viewer',
        run,
      );
      await expect(result).rejects.toMatchObject({
        exitCode: exitCode.usage,
        message: expect.stringContaining(address),
      });
    },
  );

  it('of a port where nobody listens is unreachable within the timeout', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    await new Promise((done) => server.close(done));
    const result = withClient(
      { address: `127.0.0.1:${port}`, timeout: '500ms', output: 'table', data: 'nowhere', insecure: true },
      'viewer',
      run,
    );
    await expect(result).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'UNREACHABLE' });
  });
});
