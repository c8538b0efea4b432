import { eventually } from '../support/shell.ts';
import type { Release } from './release.ts';

/** `starling …` in a pod's own container, as docs/operations tells whoever is on call. Throws when it fails. */
async function inPod(release: Release, pod: string, role: string, args: readonly string[]): Promise<string> {
  const token = (await release.secret('tokens'))[role] ?? '';
  const command = ['exec', '-i', pod, '-c', 'peer', '--', 'starling', ...args, '--token', '-', '--timeout', '20s'];
  return await release.kubectl(command, { stdin: token });
}

/** From inside one peer all are seen, with what they run. */
export async function doctorInPod(release: Release, peers: number): Promise<void> {
  const [pod] = await release.peers();
  const said = await inPod(release, pod?.name ?? '', 'viewer', ['doctor']);
  for (const line of [`ok    ${peers} of ${peers} peers asked answer`, 'ok    all peers run version ']) {
    if (!said.includes(line)) throw new Error(`"${line}" is missing in:\n${said}`);
  }
  const listed = JSON.parse(await inPod(release, pod?.name ?? '', 'viewer', ['peers', '-o', 'json'])) as {
    readonly name: string;
    readonly version: string;
  }[];
  const versions = new Set(listed.map(({ version }) => version));
  if (listed.length !== peers || versions.size !== 1 || versions.has('')) {
    throw new Error(
      `versions as one peer knows them: ${listed.map((each) => `${each.name} ${each.version}`).join(', ')}`,
    );
  }
}

/** Asked at another peer, one leaves; its pod is no endpoint any more, and comes back as the same peer when it is deleted. */
export async function drainByCommand(release: Release, peers: number): Promise<void> {
  const [asked, drained] = await release.peers();
  if (asked === undefined || drained === undefined) throw new Error('no peers');
  await inPod(release, asked.name, 'operator', ['drain', drained.name]);
  await eventually(30_000, async () => {
    const pod = (await release.peers()).find(({ name }) => name === drained.name);
    if (pod?.ready !== false) throw new Error(`${drained.name} is still ready`);
    const said = await inPod(release, asked.name, 'viewer', ['peers']);
    if (said.includes(`${drained.name} `)) throw new Error(`still listed:\n${said}`);
  });
  await release.kubectl(['delete', 'pod', drained.name]);
  await release.waitForPeers(peers);
}
