/**
 * The chart on a real cluster: installed, tested, half killed, scaled, upgraded under traffic, removed. Each step is a
 * test; the last line counts them.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, usage } from './options.ts';
import { Release } from './release.ts';
import { Report } from './report.ts';
import { foreignPod, secretsStaySecret } from './security.ts';
import { attempt, eventually, run } from './shell.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === null) {
    console.log(usage);
    return 0;
  }
  const release = new Release(options);
  const report = new Report();
  const { peers } = options;
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error(signal)));
  });
  let installed = false;
  try {
    await Promise.race([interrupted, steps()]);
  } catch (error) {
    report.failed++;
    console.log(`not ok - stopped: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
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

    const up = await report.test(`helm installs ${peers} peers and the dashboard, and all get ready`, async () => {
      await release.upgrade();
      await release.waitForPeers(peers);
    });
    if (!up) {
      console.log(await release.diagnosis());
      return;
    }

    await report.test('helm test publishes and searches at every peer', async () => {
      const { code, output } = await release.test();
      if (code !== 0) throw new Error(output);
    });

    await report.test('the dashboard shows its page and the mesh through a port-forward', dashboard);

    await report.test('every peer serves metrics and says why it is ready', async () => {
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

    await report.test('a pod that is no peer reaches the API, and neither links nor an answer without a token', () =>
      foreignPod(release),
    );
    await report.test('secrets stand in no pod description and in no log', () => secretsStaySecret(release));
    await report.test('half the peers are killed at once; nothing is lost and the mesh is one again', killHalf);
    await report.test('helm test fails while a peer belongs to another mesh', strangerIsNoticed);
    await report.test(`scaled to ${peers - 4}: the rest is one mesh without the others`, () => scale(peers - 4));
    await report.test(`scaled to ${peers + 2}: the new ones are part of the mesh`, () => scale(peers + 2));
    await report.test(`scaled back to ${peers}`, () => scale(peers));
    await report.test('a deleted pod comes back as the same peer', deletedPodKeepsItsIdentity);
    await report.test('a rolling upgrade replaces every pod and a subscriber loses nothing', rollingUpgrade);
    await report.test('certificates are renewed under traffic, and a subscriber loses nothing', renewal);
    await smoke();

    await report.test('helm uninstalls everything, volumes too', async () => {
      await release.uninstall();
      await eventually(60_000, async () => {
        const kinds =
          'pods,services,statefulsets,deployments,persistentvolumeclaims,networkpolicies,poddisruptionbudgets';
        const left = await release.kubectl(['get', kinds, '-l', 'app.kubernetes.io/instance=starling', '-o', 'name']);
        if (left.trim() !== '') throw new Error(`left: ${left}`);
      });
    });
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
    const traffic = await startTraffic(survivors.map(({ ip }) => `${ip}:7401`));
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
    const id = async () => {
      const json = await release.kubectl(['exec', 'starling-peer-1', '-c', 'peer', '--', 'node', '-e', readStatus]);
      return (JSON.parse(json) as { id: string }).id;
    };
    const before = await id();
    await release.kubectl(['delete', 'pod', 'starling-peer-1', '--timeout=60s']);
    await release.waitForPeers(peers);
    const after = await id();
    if (before !== after || before === undefined) throw new Error(`was ${before}, is ${after}`);
    return release.verify(peers);
  }

  /** Certificates that are good for a minute are renewed after 40 s, several times while messages flow. */
  async function renewal(): Promise<string> {
    await release.upgrade(['--set', 'tls.leafLifetime=60s'], 600);
    const pods = await release.waitForPeers(peers);
    await release.verify(peers);
    const before = await expiries();
    const traffic = await startTraffic(pods.map(({ ip }) => `${ip}:7401`));
    await eventually(150_000, async () => {
      const now = await expiries();
      const kept = before.filter((expiry, index) => (now[index] ?? 0) < expiry + 60);
      if (kept.length > 0) throw new Error(`${kept.length} certificates are not renewed twice`);
    });
    await release.verify(peers);
    return traffic.stop();
  }

  /** When each peer's certificate ends, in seconds since 1970. */
  async function expiries(): Promise<number[]> {
    const pods = await release.peers();
    const texts = await Promise.all(
      pods.map(({ name }) => release.kubectl(['exec', name, '-c', 'peer', '--', 'node', '-e', readMetrics])),
    );
    return texts.map((text) => {
      const value = Number(/^starling_certificate_expiry_timestamp_seconds(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1]);
      if (!Number.isFinite(value)) throw new Error('a peer does not say when its certificate ends');
      return value;
    });
  }

  async function rollingUpgrade(): Promise<string> {
    const [authority, tokens] = [await release.secret('authority'), await release.secret('tokens')];
    const traffic = await startTraffic([`${release.serviceName}:7401`]);
    const before = new Set((await release.peers()).map(({ uid }) => uid));
    await release.upgrade(['--set-string', `peer.podAnnotations.upgraded=at-${Date.now()}`], 600);
    const after = await release.waitForPeers(peers);
    const kept = after.filter(({ uid }) => before.has(uid)).map(({ name }) => name);
    if (kept.length > 0) throw new Error(`not replaced: ${kept.join(', ')}`);
    if (JSON.stringify(authority) !== JSON.stringify(await release.secret('authority'))) {
      throw new Error('the upgrade made another authority');
    }
    if (JSON.stringify(tokens) !== JSON.stringify(await release.secret('tokens'))) {
      throw new Error('the upgrade made other tokens');
    }
    await release.verify(peers);
    return traffic.stop();
  }

  /** A publisher and a subscriber that use the SDK inside the cluster; `stop` throws when a message was lost. */
  async function startTraffic(addresses: readonly string[]): Promise<{ stop(): Promise<string> }> {
    const pod = await release.startMeshCheck(['traffic', `--addresses=${addresses.join(',')}`, '--rate=20']);
    await eventually(60_000, async () => {
      const log = await release.kubectl(['logs', pod]);
      if (!log.includes('listening')) throw new Error(`no traffic:\n${log}`);
    });
    return {
      async stop() {
        await release.kubectl(['exec', pod, '--', 'sh', '-c', 'kill -TERM 1']);
        const { code, output } = await release.endOf(pod, 90_000);
        if (code !== 0) throw new Error(output);
        return output.trim().split('\n').at(-1) ?? '';
      },
    };
  }

  async function smoke(): Promise<void> {
    const title = 'k6 smoke: what is published at one peer is heard at another in time, documents are found';
    if ((await attempt('sh', ['-c', 'command -v k6'])).code !== 0) return report.skip(title, 'k6 is not on the PATH');
    await report.test(title, async () => {
      const forwards = await Promise.all([0, 1, 2].map((n) => release.forward(`pod/starling-peer-${n}`, 7401)));
      try {
        const script = new URL('../../load-tests/scenarios/smoke.ts', import.meta.url).pathname;
        const folder = await mkdtemp(join(tmpdir(), 'starling-e2e-'));
        const authority = join(folder, 'ca.pem');
        await writeFile(authority, (await release.secret('authority'))['tls.crt'] ?? '');
        const env = {
          STARLING_ADDRESSES: forwards.map(({ address }) => address).join(','),
          STARLING_CA_FILE: authority,
          STARLING_TOKEN: (await release.secret('tokens')).client ?? '',
          // What is tried here is the chart, on a machine that may be small and busy; k6 by itself judges speed.
          SMOKE_DELIVERY_P99_MS: '5000',
        };
        await run('k6', ['run', '--quiet', '--no-usage-report', script], { timeoutMs: 180_000, env });
      } finally {
        await Promise.all(forwards.map((forward) => forward.stop()));
      }
    });
  }
}

/** Run inside a peer's pod, where there is Node.js but no curl. */
const readMetrics = "fetch('http://127.0.0.1:7402/metrics').then((answer) => answer.text()).then(console.log)";
const readStatus = "fetch('http://127.0.0.1:7402/status').then((answer) => answer.text()).then(console.log)";

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`e2e:k8s: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(64);
  },
);
