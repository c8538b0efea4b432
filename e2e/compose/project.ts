import { fileURLToPath } from 'node:url';
import { attempt, run } from '../support/shell.ts';

const name = 'starling-e2e';
const file = fileURLToPath(new URL('../../deploy/compose.yaml', import.meta.url));
const compose = ['compose', '--project-name', name, '--file', file];

/** deploy/compose.yaml under a name of its own, by `docker compose`. */
export class Project {
  /** Throws with what the command printed when it fails. */
  compose(args: readonly string[], timeoutMs = 180_000): Promise<string> {
    return run('docker', [...compose, ...args], { timeoutMs });
  }

  docker(args: readonly string[]): Promise<string> {
    return run('docker', args);
  }

  /** Starts what is missing of so many peers and the dashboard, and waits until all are healthy. Those that run go on. */
  async up(peers: number): Promise<void> {
    const scale = `peer=${peers}`;
    await this.compose(['up', '--detach', '--no-build', '--no-recreate', '--wait', '--scale', scale], 300_000);
    const running = await this.peers();
    if (running.length !== peers) throw new Error(`${running.length} peers run, not ${peers}`);
  }

  /** The containers of the peers that run, sorted by their ids. */
  async peers(): Promise<string[]> {
    const ids = await this.compose(['ps', '--quiet', '--status', 'running', 'peer']);
    return ids
      .split('\n')
      .filter((id) => id !== '')
      .sort();
  }

  /** The mesh's own check, in one of its containers: every peer that DNS names knows all, hears all, finds all. Answers its last line. */
  async verify(count: number): Promise<string> {
    const [any = ''] = await this.peers();
    const args = ['exec', any, 'mesh-check', 'verify', '--dns', 'peer', '--peers', String(count), '--timeout', '60'];
    return (await this.docker(args)).trim().split('\n').at(-1) ?? '';
  }

  /** Removes everything that it made, but not the images. */
  async down(): Promise<void> {
    await this.compose(['down', '--volumes', '--timeout', '20']);
    const mine = ['--filter', `label=com.docker.compose.project=${name}`];
    const left = [
      await this.docker(['ps', '--all', '--quiet', ...mine]),
      await this.docker(['network', 'ls', '--quiet', ...mine]),
    ].join('');
    if (left.trim() !== '') throw new Error(`left: ${left}`);
  }

  /** What a person would look at first. */
  async diagnosis(): Promise<string> {
    const looks = [
      ['ps', '--all'],
      ['logs', '--tail', '10'],
    ];
    const outputs: string[] = [];
    for (const args of looks) {
      const { output } = await attempt('docker', [...compose, ...args]);
      outputs.push(`docker compose ${args.join(' ')}\n${output.trim()}`);
    }
    return outputs.join('\n\n');
  }
}
