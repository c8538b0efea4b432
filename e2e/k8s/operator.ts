import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorKey } from '@starling/identity';
import { run } from '../support/shell.ts';
import type { Release } from './release.ts';

const command = new URL('../../apps/cli/src/main.ts', import.meta.url).pathname;

/** Somebody on call, on a machine outside the cluster: has an operator's key and token, and the `starling` command. */
export class Operator {
  readonly #key = OperatorKey.create();

  /** The public half of the key, as a ConfigMap for `auth.operatorKeysConfigMap`. */
  configMap(name: string): object {
    const data = { 'operator.pub': this.#key.publicPem };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  }

  /** Runs `starling args` at a peer, through a port-forward; answers what it printed. Throws when it fails. */
  async starling(release: Release, pod: string, args: readonly string[]): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'starling-operator-'));
    const forward = await release.forward(`pod/${pod}`, 7401);
    const [key, ca, token] = ['operator.key', 'ca.pem', 'token'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    try {
      this.#key.write(key);
      await writeFile(ca, (await release.secret('authority'))['tls.crt'] ?? '');
      await writeFile(token, (await release.secret('tokens')).operator ?? '', { mode: 0o600 });
      const access = ['--address', forward.address, '--ca', ca, '--token', token];
      const signed = ['ban', 'unban'].includes(args[0] ?? '') ? ['--operator-key', key, '--by', 'e2e'] : [];
      return await run(process.execPath, [command, ...args, ...access, ...signed, '--timeout', '20s']);
    } finally {
      await forward.stop();
      await rm(folder, { recursive: true });
    }
  }
}
