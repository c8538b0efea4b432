import type { Release } from './release.ts';

/** From a pod of the same namespace that is no part of the release. */
export async function foreignPod(release: Release): Promise<string> {
  const [peer] = await release.peers();
  const pod = await release.startPod(['node', '-e', knock, peer?.ip ?? '']);
  const { output } = await release.endOf(pod, 60_000);
  const { links, api, http } = JSON.parse(output) as Record<string, string>;
  if (api !== 'open') throw new Error(`the API is ${api}, so the test shows nothing`);
  if (links === 'open') throw new Error('the port of links can be reached');
  const check = await release.startPod(
    ['mesh-check', 'verify', `--addresses=${peer?.ip}:7401`, '--peers=1', '--timeout=10'],
    release.authority,
  );
  const { code, output: answer } = await release.endOf(check, 60_000);
  if (code === 0 || !answer.includes('carries no token')) throw new Error(`without a token: ${answer}`);
  return `links ${links}, API ${api}, HTTP ${http}; without a token: ${answer.trim().split('\n').at(-1)}`;
}

/** Neither a description that many may read nor a log holds a token or the authority's key. */
export async function secretsStaySecret(release: Release): Promise<string> {
  const tokens = Object.values(await release.secret('tokens'));
  const key = (await release.secret('authority'))['tls.key']?.split('\n')[1] ?? '';
  const secrets = [...tokens, key];
  if (secrets.some((secret) => secret.length < 32)) throw new Error('the Secrets are not what the test expects');
  const texts = [await release.kubectl(['get', 'pods,statefulsets,deployments,configmaps', '-o', 'json'])];
  for (const { name } of await release.peers()) {
    texts.push(await release.kubectl(['logs', name, '--all-containers']));
  }
  const at = texts.findIndex((text) => secrets.some((secret) => text.includes(secret)));
  if (at >= 0) throw new Error(`a secret stands in ${at === 0 ? 'the description of an object' : 'a log'}`);
  return `${secrets.length} secrets, ${texts.reduce((sum, text) => sum + text.length, 0)} characters`;
}

/** Run in a pod that is no peer: which of a peer's ports answer within 3 s. */
const knock = `
const net = require('node:net');
const ports = { links: 7400, api: 7401, http: 7402 };
const ask = (port) => new Promise((done) => {
  const socket = net.connect({ host: process.argv[1], port, timeout: 3000 });
  const end = (how) => { socket.destroy(); done(how); };
  socket.on('connect', () => end('open')).on('timeout', () => end('closed')).on('error', () => end('closed'));
});
Promise.all(Object.values(ports).map(ask)).then((all) =>
  console.log(JSON.stringify(Object.fromEntries(Object.keys(ports).map((name, at) => [name, all[at]])))));
`;
