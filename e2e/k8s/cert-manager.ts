import type { Report } from '../support/report.ts';
import { eventually, run, start } from '../support/shell.ts';
import type { Options } from './options.ts';
import { Release } from './release.ts';
import { apiOf, startTraffic } from './traffic.ts';

const peers = 4;
const group = 'cert-manager.io/v1';
const privateKey = { algorithm: 'ECDSA', size: 256, encoding: 'PKCS8', rotationPolicy: 'Always' };

/** A company's root, and the issuer that signs meshes' authorities with it: the bootstrap that cert-manager's manual tells. */
const corporate = [
  { apiVersion: group, kind: 'Issuer', metadata: { name: 'bootstrap' }, spec: { selfSigned: {} } },
  {
    apiVersion: group,
    kind: 'Certificate',
    metadata: { name: 'corporate-root' },
    spec: {
      isCA: true,
      commonName: 'corporate root',
      secretName: 'corporate-root',
      duration: '87600h',
      privateKey,
      issuerRef: { name: 'bootstrap', kind: 'Issuer', group: 'cert-manager.io' },
    },
  },
  {
    apiVersion: group,
    kind: 'Issuer',
    metadata: { name: 'corporate' },
    spec: { ca: { secretName: 'corporate-root' } },
  },
];

/**
 * A release whose authority cert-manager makes and renews, in a namespace of its own: cert-manager's CRDs and controllers (which
 * run outside the cluster), an authority under a root, its renewal with another key, and all of it away again.
 */
export async function withCertManager(options: Options, report: Report): Promise<void> {
  const { binary, crds } = options.certManager as { binary: string; crds: string };
  const values = ['tls.mode=certManager', 'tls.certManager.issuerRef.name=corporate', 'dashboard.enabled=false'];
  const own = { ...options, namespace: `${options.namespace}-cm`, peers };
  const release = new Release(
    own,
    values.flatMap((value) => ['--set', value]),
    'ca.crt',
  );
  const context = options.context === '' ? [] : ['--context', options.context];
  // Too large for the annotation in which a client-side apply keeps what it applied.
  await run('kubectl', [...context, 'apply', '--server-side', '-f', crds]);
  await run('kubectl', [...context, 'wait', '--for=condition=Established', '--timeout=60s', '-f', crds]);
  const controllers = await start(binary, [], /\d+ controllers run/, 60_000);
  try {
    await release.deleteNamespace();
    await release.createNamespace();
    const installed = await report.test(
      `cert-manager makes the authority, and ${peers} peers are one mesh`,
      async () => {
        const list = { apiVersion: 'v1', kind: 'List', items: corporate };
        await release.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(list) });
        await release.upgrade();
        await release.waitForPeers(peers);
        const { code, output } = await release.test();
        if (code !== 0) throw new Error(output);
      },
    );
    if (!installed) {
      console.log(await release.diagnosis());
      return;
    }
    await report.test('cert-manager renews the authority, key and all, under traffic: same peers, nothing lost', () =>
      renewal(release),
    );
    await report.test('helm uninstalls it; of cert-manager only the Secret stays', async () => {
      await release.uninstall();
      const kinds = 'certificates,statefulsets,services,pods,persistentvolumeclaims,secrets';
      await eventually(60_000, async () => {
        const left = await release.kubectl([
          'get',
          kinds,
          '-o',
          'name',
          '--field-selector',
          'metadata.name!=corporate-root',
        ]);
        const names = left
          .trim()
          .split('\n')
          .filter((name) => name.includes('starling'));
        if (names.join() !== 'secret/starling-authority') throw new Error(`left: ${names.join(', ')}`);
      });
    });
  } finally {
    if (!(options.keep && report.failed > 0)) {
      await release.deleteNamespace();
      await controllers.stop();
      await run('kubectl', [...context, 'delete', '--ignore-not-found', '--timeout=60s', '-f', crds]);
    } else await controllers.stop();
  }
}

/**
 * The kubelet brings each pod the new Secret when it comes to it, up to a minute after another: meanwhile some issue by the new
 * key, and the rest knows the old one alone. A peer that starts just then has to be let in by them.
 */
async function renewal(release: Release): Promise<string> {
  const before = await state(release);
  const key = (await release.secret('authority'))['tls.key'];
  const traffic = await startTraffic(release, apiOf((await release.peers()).slice(1)));
  await renew(release, 'starling-authority');
  await eventually(60_000, async () => {
    if ((await release.secret('authority'))['tls.key'] === key) throw new Error('the authority has its old key');
  });
  await release.kubectl(['delete', 'pod', 'starling-peer-0', '--timeout=60s']);
  await release.waitForPeers(peers);
  const early = await state(release);
  const behind = early.filter(({ expiry }, at) => expiry === before[at]?.expiry).length;
  if (early[0]?.neighbors === 0) throw new Error('the peer that started with the new authority is alone');
  await eventually(180_000, async () => {
    const now = await state(release);
    const kept = now.filter(({ expiry }, at) => expiry <= (before[at]?.expiry ?? 0)).length;
    if (kept > 0) throw new Error(`${kept} peers know the old authority only`);
  });
  const after = await state(release);
  if (after.some(({ id }, at) => id !== before[at]?.id)) throw new Error('a peer has become another one');
  await release.verify(peers);
  return `${await traffic.stop()}; ${behind} of ${peers} did not know the new key when a peer that has it joined them`;
}

/** Who each peer is, whom it has, and when the first authority that it trusts expires. */
async function state(release: Release): Promise<{ id: string; neighbors: number; expiry: number }[]> {
  const metric = 'starling_certificate_expiry_timestamp_seconds{certificate="authority"}';
  return Promise.all(
    (await release.peers()).map(async ({ name }) => {
      const { id, neighbors } = JSON.parse(await release.get(name, '/status')) as { id: string; neighbors: object[] };
      return { id, neighbors: neighbors.length, expiry: await release.metric(name, metric) };
    }),
  );
}

/** What `cmctl renew` does: has a certificate issued anew, now. */
async function renew(release: Release, name: string): Promise<void> {
  const json = await release.kubectl(['get', 'certificate', name, '-o', 'json']);
  const { status } = JSON.parse(json) as { status: { conditions: object[] } };
  const issuing = {
    type: 'Issuing',
    status: 'True',
    reason: 'ManuallyTriggered',
    message: 'Renewed by the test',
    lastTransitionTime: new Date().toISOString().replace(/\.\d+/, ''),
  };
  const patch = JSON.stringify({ status: { conditions: [...status.conditions, issuing] } });
  await release.kubectl(['patch', 'certificate', name, '--subresource=status', '--type=merge', '-p', patch]);
}
