import { randomUUID } from 'node:crypto';
import { attempt, type Ended, eventually, type RunOptions, run, start } from '../support/shell.ts';
import { imageValues, type Options } from './options.ts';

/** A pod, as far as the tests look at it. */
export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly stopping: boolean;
}

/** A volume of a pod that the tests start. */
export interface SecretVolume {
  readonly name: string;
  readonly secret: {
    readonly secretName: string;
    readonly items: readonly { readonly key: string; readonly path: string }[];
  };
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
    readonly status: {
      readonly podIP?: string;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  }[];
}

const chart = new URL('../../helm/starling', import.meta.url).pathname;

/** Settings of the test: small pods, so that a laptop holds the mesh, and no pause between pods of an upgrade. */
const testValues = [
  ...['--set', 'peer.minReadySeconds=1'],
  ...['--set-string', 'peer.resources.requests.cpu=10m'],
  ...['--set-string', 'peer.resources.requests.memory=96Mi'],
];

/** One release of the chart in its own namespace, by kubectl and helm. */
export class Release {
  readonly #options: Options;
  readonly #values: readonly string[];
  readonly #trustedKey: string;
  readonly name = 'starling';

  /** `values`: flags of helm that every upgrade has. `trustedKey`: where in the authority's Secret clients find whom to trust. */
  constructor(options: Options, values: readonly string[] = [], trustedKey = 'tls.crt') {
    this.#options = options;
    this.#trustedKey = trustedKey;
    this.#values = values;
  }

  kubectl(args: readonly string[], options?: RunOptions): Promise<string> {
    return run('kubectl', [...this.#kubectlContext(), ...args], options);
  }

  async createNamespace(): Promise<void> {
    // Restricted: a pod that asks for more than the standard allows is refused by the API server.
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.#options.namespace, labels } };
    await run('kubectl', [...this.#context('--context'), 'create', '-f', '-'], { stdin: JSON.stringify(manifest) });
  }

  async deleteNamespace(): Promise<void> {
    const args = ['delete', 'namespace', this.#options.namespace, '--ignore-not-found', '--timeout=120s'];
    await run('kubectl', [...this.#context('--context'), ...args], { timeoutMs: 150_000 });
  }

  /** Installs or upgrades, and waits until all is ready. */
  upgrade(values: readonly string[] = [], timeoutSeconds = 300): Promise<string> {
    const { peerImage, dashboardImage, peers, clusterDomain } = this.#options;
    return this.#helm(
      [
        ...['upgrade', '--install', this.name, chart, '--wait', '--timeout', `${timeoutSeconds}s`],
        ...imageValues('peer.image', peerImage),
        ...imageValues('dashboard.image', dashboardImage),
        ...[
          '--set',
          `peer.replicas=${peers}`,
          '--set-string',
          `clusterDomain=${clusterDomain}`,
          ...testValues,
          ...this.#values,
          ...values,
        ],
      ],
      { timeoutMs: (timeoutSeconds + 30) * 1_000 },
    );
  }

  /** `helm test`; answers how it ended with the pod's own words. */
  async test(): Promise<Ended> {
    const args = [...this.#helmContext(), 'test', this.name, '--logs', '--timeout', '150s'];
    return attempt('helm', args, { timeoutMs: 180_000 });
  }

  async uninstall(): Promise<void> {
    await this.#helm(['uninstall', this.name, '--wait', '--timeout', '120s'], { timeoutMs: 150_000 });
  }

  async peers(): Promise<Pod[]> {
    const json = await this.kubectl(['get', 'pods', '-l', 'app.kubernetes.io/component=peer', '-o', 'json']);
    return (JSON.parse(json) as PodList).items
      .map(({ metadata, status }) => ({
        name: metadata.name,
        uid: metadata.uid,
        ip: status.podIP ?? '',
        ready: status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
        stopping: metadata.deletionTimestamp !== undefined,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What a person would look at first: the pods, warnings, and the last words of a peer. */
  async diagnosis(): Promise<string> {
    const looks = [
      ['get', 'pods', '-o', 'wide'],
      ['get', 'events', '--field-selector', 'type=Warning', '--sort-by', '.lastTimestamp'],
      ['logs', `${this.name}-peer-0`, '-c', 'issuer', '--tail=20'],
      ['logs', `${this.name}-peer-0`, '-c', 'peer', '--tail=20'],
      ['logs', `${this.name}-peer-0`, '-c', 'peer', '--tail=20', '--previous'],
    ];
    const outputs: string[] = [];
    for (const args of looks) {
      const { output } = await attempt('kubectl', [...this.#kubectlContext(), ...args]);
      outputs.push(`kubectl ${args.join(' ')}\n${output.trim().split('\n').slice(-25).join('\n')}`);
    }
    return outputs.join('\n\n');
  }

  /** What a pod answers on its port for probes and scrapers, asked from within: images have Node.js and no curl. */
  get(pod: string, path: string): Promise<string> {
    const ask = `fetch('http://127.0.0.1:7402${path}').then((answer) => answer.text()).then(console.log)`;
    return this.kubectl(['exec', pod, '-c', 'peer', '--', 'node', '-e', ask]);
  }

  /** A metric of a pod, by its name and labels as they stand in the text. Throws when there is none. */
  async metric(pod: string, metric: string): Promise<number> {
    const line = (await this.get(pod, '/metrics')).split('\n').find((each) => each.startsWith(`${metric} `));
    if (line === undefined) throw new Error(`${pod} has no metric ${metric}`);
    return Number(line.slice(metric.length));
  }

  /** Waits until exactly so many peers are there and ready; answers them. */
  waitForPeers(count: number, timeoutMs = 120_000): Promise<Pod[]> {
    return eventually(timeoutMs, async () => {
      const peers = await this.peers();
      const ready = peers.filter((pod) => pod.ready && !pod.stopping).length;
      if (peers.length !== count || ready !== count)
        throw new Error(`${ready} of ${peers.length} peers are ready, not ${count}`);
      return peers;
    });
  }

  /** What a Secret of the release holds. */
  async secret(name: string): Promise<Readonly<Record<string, string>>> {
    const json = await this.kubectl(['get', 'secret', `${this.name}-${name}`, '-o', 'json']);
    const { data } = JSON.parse(json) as { data: Record<string, string> };
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  }

  /** Runs mesh-check inside the cluster until it ends; answers how, with its log. */
  async meshCheck(args: readonly string[], timeoutMs = 120_000): Promise<Ended> {
    const pod = await this.startMeshCheck(args);
    return this.endOf(pod, timeoutMs);
  }

  /** Starts mesh-check, as a client of the mesh, in a pod; answers the pod's name once it runs. */
  startMeshCheck(args: readonly string[]): Promise<string> {
    const { authority } = this;
    const token = {
      name: 'token',
      secret: { secretName: `${this.name}-tokens`, items: [{ key: 'client', path: 'client' }] },
    };
    return this.startPod(['mesh-check', ...args], {
      env: [...authority.env, { name: 'STARLING_TOKEN_FILE', value: '/run/token/client' }],
      volumes: [...authority.volumes, token],
    });
  }

  /** What a pod needs to know a peer by its certificate. */
  get authority(): { readonly env: readonly object[]; readonly volumes: readonly SecretVolume[] } {
    const secret = { secretName: `${this.name}-authority`, items: [{ key: this.#trustedKey, path: 'ca.crt' }] };
    return {
      env: [{ name: 'STARLING_CA_FILE', value: '/run/authority/ca.crt' }],
      volumes: [{ name: 'authority', secret }],
    };
  }

  /** Starts the peer's image with another command; answers the pod's name once it runs. Volumes are mounted under /run. */
  async startPod(
    args: readonly string[],
    {
      env = [],
      volumes = [],
    }: { readonly env?: readonly object[]; readonly volumes?: readonly { name: string }[] } = {},
  ): Promise<string> {
    const name = `mesh-check-${randomUUID().slice(0, 8)}`;
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'mesh-check',
            image: this.#options.peerImage,
            imagePullPolicy: 'IfNotPresent',
            args,
            env,
            volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/run/${name}`, readOnly: true })),
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
        volumes,
      },
    };
    await this.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(manifest) });
    await eventually(60_000, async () => {
      const phase = await this.kubectl(['get', 'pod', name, '-o', 'jsonpath={.status.phase}']);
      if (phase === 'Pending' || phase === '') throw new Error(`${name} is ${phase}`);
    });
    return name;
  }

  /** Waits until a pod has ended; answers its exit code and log, and removes it. */
  async endOf(pod: string, timeoutMs: number): Promise<Ended> {
    const code = await eventually(timeoutMs, async () => {
      const path = 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}';
      const text = await this.kubectl(['get', 'pod', pod, '-o', path]);
      if (text === '') throw new Error(`${pod} still runs:\n${await this.kubectl(['logs', pod, '--tail=20'])}`);
      return Number(text);
    });
    const log = await this.kubectl(['logs', pod]);
    await this.kubectl(['delete', 'pod', pod, '--wait=false']);
    return { code, stdout: log, output: log };
  }

  /** Verifies that so many peers are one mesh in which everything is heard and found. Throws when they are not. */
  async verify(peers: number, timeoutSeconds = 60): Promise<string> {
    const args = ['verify', `--dns=${this.peersName}`, `--peers=${peers}`, `--timeout=${timeoutSeconds}`];
    const { code, output } = await this.meshCheck(args, (timeoutSeconds + 30) * 1_000);
    if (code !== 0) throw new Error(output);
    return output.trim().split('\n').at(-1) ?? '';
  }

  /** Forwards a free local port to a port of a pod or service; answers the local address. */
  async forward(target: string, port: number): Promise<{ readonly address: string; stop(): Promise<void> }> {
    const args = [...this.#kubectlContext(), 'port-forward', '--address', '127.0.0.1', target, `:${port}`];
    const { match, stop } = await start('kubectl', args, /Forwarding from (127\.0\.0\.1:\d+)/, 30_000);
    return { address: match[1] as string, stop };
  }

  /** Name under which peers find each other: the addresses of all of them. */
  get peersName(): string {
    return `${this.name}-peers.${this.#options.namespace}.svc.${this.#options.clusterDomain}`;
  }

  /** Name under which clients find the mesh: one address that leads to a peer that is ready. */
  get serviceName(): string {
    return `${this.name}.${this.#options.namespace}.svc.${this.#options.clusterDomain}`;
  }

  #helm(args: readonly string[], options?: RunOptions): Promise<string> {
    return run('helm', [...this.#helmContext(), ...args], options);
  }

  #helmContext(): string[] {
    return [...this.#context('--kube-context'), '--namespace', this.#options.namespace];
  }

  #kubectlContext(): string[] {
    return [...this.#context('--context'), '--namespace', this.#options.namespace];
  }

  #context(flag: string): string[] {
    return this.#options.context === '' ? [] : [flag, this.#options.context];
  }
}
