/**
 * The chart on a real cluster: installed, tested, half killed, scaled, upgraded under traffic, removed. Each step is a
 * test; the last line counts them.
 */
import { Report } from '../support/report.ts';
import { attempt, eventually, run } from '../support/shell.ts';
import { banReachesTheMesh } from './bans.ts';
import { withCertManager } from './cert-manager.ts';
import { k6 } from './load.ts';
import { doctorInPod, drainByCommand } from './on-call.ts';
import { Operator } from './operator.ts';
import { readOptions, usage } from './options.ts';
import { Release } from './release.ts';
import { foreignPod, secretsStaySecret } from './security.ts';
import { apiOf, startTraffic } from './traffic.ts';
import { ChangeOver, renewal } from './upgrades.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === null) {
    console.log(usage);
    return 0;
  }
  const operator = new Operator();
  const release = new Release(options, ['--set', 'auth.operatorKeysConfigMap=operators']);
  const report = new Report();
  const { peers } = options;
  const fewer = peers - 4;
  const changeOver = new ChangeOver(release, fewer);
  let installed = false;
  await report.untilStopped(steps);
  if (report.failed > 0 && options.keep) console.log(`kept: namespace ${options.namespace}`);
  else if (installed) {
    await report.test('nothing is left behind', async () => {
      await release.deleteNamespace();
      const volumes = await run('kubectl', ['get', 'persistentvolumes', '-o', 'json']);
      const left = (JSON.parse(volumes) as { items: { spec: { claimRef?: { namespace?: string } } }[] }).items.filter(
        ({ spec }) => spec.claimRef?.namespace === options.namespace,
      );
      if (left.length > 0) throw new Error(`${left.length} volumes are left`);
    });
  }
  console.log(`\n${report.close()}`);
  return report.failed > 0 ? 1 : 0;

  async function steps(): Promise<void> {
    if (options?.prepare) {
      const { prepare } = options;
      const ok = await report.test('the images are built and loaded', async () => {
        await run('sh', ['-c', prepare], { timeoutMs: 900_000 });
      });
      if (!ok) return;
    }
    await release.deleteNamespace();
    await release.createNamespace();
    installed = true;
    await release.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(operator.configMap('operators')) });

    const up = await report.test(`helm installs ${peers} peers and the dashboard, and all get ready`, async () => {
      await release.upgrade();
      await release.waitForPeers(peers);
    });
    if (!up) {
      console.log(await release.diagnosis());
      return;
    }

    await test('helm test publishes and searches at every peer', async () => {
      const { code, output } = await release.test();
      if (code !== 0) throw new Error(output);
    });

    await test('the dashboard shows its page and the mesh through a port-forward', dashboard);

    await test('every peer serves metrics and says why it is ready', async () => {
      const [pod] = await release.peers();
      const forward = await release.forward(`pod/${pod?.name}`, 7402);
      try {
        const metrics = await (await fetch(`http://${forward.address}/metrics`)).text();
        for (const name of ['starling_build_info', 'starling_view_size', 'starling_cluster_size_estimate']) {
          if (!metrics.includes(`\n${name}{`) && !metrics.includes(`\n${name} `)) throw new Error(`no metric ${name}`);
        }
        const ready = await fetch(`http://${forward.address}/readyz`);
        if (ready.status !== 200) throw new Error(`/readyz: ${ready.status} ${await ready.text()}`);
      } finally {
        await forward.stop();
      }
    });

    await test('a pod that is no peer reaches the API, and neither links nor an answer without a token', () =>
      foreignPod(release));
    await test('secrets stand in no pod description and in no log', () => secretsStaySecret(release));
    await test('starling doctor in a pod sees every peer, and what it runs', () => doctorInPod(release, peers));
    await test('an operator drains a peer by the command: it leaves, and comes back with its pod', () =>
      drainByCommand(release, peers));
    await test('half the peers are killed at once; nothing is lost and the mesh is one again', killHalf);
    await test('helm test fails while a peer belongs to another mesh', strangerIsNoticed);
    await test(`scaled to ${fewer}: the rest is one mesh without the others`, () => scale(fewer));
    await test('a rolling upgrade, to signed messages by way of prefer, replaces every pod', () =>
      changeOver.toPrefer());
    await test('… and the next one, to signed: a subscriber over both loses nothing', () =>
      changeOver.toSigned(['--set', 'tls.leafLifetime=60s']));
    await test('certificates are renewed under traffic, and a subscriber loses nothing', () => renewal(release, fewer));
    await test(`scaled to ${peers + 2}: the new ones are part of the mesh`, () => scale(peers + 2));
    await test(`scaled back to ${peers}`, () => scale(peers));
    await test('a deleted pod comes back as the same peer', deletedPodKeepsItsIdentity);
    await test('an operator bans a pod: out of the mesh and the Service, refused when it comes back, let in again', () =>
      banReachesTheMesh(release, operator, peers));
    await load();

    if (options?.keep && report.failed > 0) return;
    await report.test('helm uninstalls everything, volumes too', async () => {
      await release.uninstall();
      await eventually(60_000, async () => {
        const kinds =
          'pods,services,statefulsets,deployments,persistentvolumeclaims,networkpolicies,poddisruptionbudgets';
        const left = await release.kubectl(['get', kinds, '-l', 'app.kubernetes.io/instance=starling', '-o', 'name']);
        if (left.trim() !== '') throw new Error(`left: ${left}`);
      });
    });
    await certManager();
  }

  async function certManager(): Promise<void> {
    const title = 'cert-manager makes and renews the authority';
    if (options?.only !== '' && !title.includes(options?.only ?? '')) return;
    if (options?.certManager) await withCertManager(options, report);
    else report.skip(title, 'no --cert-manager is given');
  }

  /** One of the tests that `--only` chooses from. */
  async function test(title: string, body: () => Promise<unknown>): Promise<void> {
    if (options?.only === '' || title.includes(options?.only ?? '')) await report.test(title, body);
  }

  /**
   * What is tried here is the chart, on a machine that may be small and busy, and that the whole cluster shares with k6 and its
   * forwards; k6 by itself judges speed.
   */
  async function load(): Promise<void> {
    const runs: [string, string, Record<string, string>][] = [
      ['smoke: what is published at one peer is heard at another in time', 'smoke', { SMOKE_DELIVERY_P99_MS: '5000' }],
      [
        'search: a steady stream of questions finds everything at every peer',
        'search',
        {
          ...{ SEARCH_RATE: '2', SEARCH_SECONDS: '20', SEARCH_FIRST_HIT_P95_MS: '2500', SEARCH_DONE_P95_MS: '3000' },
          SEARCH_COMPLETE_MIN: '0.95',
        },
      ],
    ];
    const hasK6 = (await attempt('sh', ['-c', 'command -v k6'])).code === 0;
    for (const [title, scenario, env] of runs) {
      if (hasK6) await test(`k6 ${title}`, () => k6(release, scenario, env));
      else report.skip(`k6 ${title}`, 'k6 is not on the PATH');
    }
  }

  async function dashboard(): Promise<void> {
    const forward = await release.forward('service/starling-dashboard', 80);
    try {
      for (const path of ['/healthz', '/']) {
        const answer = await fetch(`http://${forward.address}${path}`, { signal: AbortSignal.timeout(20_000) });
        if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
      }
    } finally {
      await forward.stop();
    }
  }

  /** What is published through a survivor is owed to a listener at a survivor; what only the killed had is lost. */
  async function killHalf(): Promise<string> {
    const pods = await release.peers();
    const doomed = pods.slice(0, Math.floor(peers / 2));
    const survivors = pods.slice(doomed.length);
    const traffic = await startTraffic(release, apiOf(survivors));
    await release.kubectl(['delete', 'pod', ...doomed.map(({ name }) => name), '--force', '--grace-period=0']);
    await release.waitForPeers(peers);
    await release.verify(peers);
    return traffic.stop();
  }

  /** Only the highest-numbered pod takes the new mesh name. */
  async function strangerIsNoticed(): Promise<string> {
    const stranger = [
      '--set',
      `peer.updatePartition=${peers - 1}`,
      '--set-string',
      'mesh=another',
      '--set',
      'test.timeoutSeconds=20',
    ];
    await release.upgrade(stranger);
    await release.waitForPeers(peers);
    const { code, output } = await release.test();
    // Helm keeps the pod of a failed test, for its log.
    await release.kubectl(['delete', 'pod', 'starling-test', '--ignore-not-found']);
    await release.upgrade();
    await release.waitForPeers(peers);
    if (code === 0) throw new Error(`helm test passed although a peer is in another mesh:\n${output}`);
    await release.verify(peers);
    return output.split('\n').find((line) => line.startsWith('not ok')) ?? '';
  }

  async function scale(count: number): Promise<string> {
    await release.kubectl(['scale', 'statefulset/starling-peer', `--replicas=${count}`]);
    await release.waitForPeers(count);
    return release.verify(count);
  }

  async function deletedPodKeepsItsIdentity(): Promise<string> {
    const id = async () => (JSON.parse(await release.get('starling-peer-1', '/status')) as { id: string }).id;
    const before = await id();
    await release.kubectl(['delete', 'pod', 'starling-peer-1', '--timeout=60s']);
    await release.waitForPeers(peers);
    const after = await id();
    if (before !== after || before === undefined) throw new Error(`was ${before}, is ${after}`);
    return release.verify(peers);
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`e2e:k8s: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(64);
  },
);
