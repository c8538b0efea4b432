import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** What a run needs to know. */
export interface Options {
  /** kubeconfig context; empty for the current one. */
  readonly context: string;
  readonly namespace: string;
  readonly peerImage: string;
  readonly dashboardImage: string;
  /** Shell command that builds the images and gives them to the cluster, run first; empty for none. */
  readonly prepare: string;
  readonly peers: number;
  readonly clusterDomain: string;
  /** Of the tests between installing and uninstalling only those with this word in their title; empty: all. */
  readonly only: string;
  /** cert-manager's controllers as tools/cert-manager builds them, and its CRDs; null: what needs them is skipped. */
  readonly certManager: { readonly binary: string; readonly crds: string } | null;
  /** Leave the release in place after a failure, to look at it. */
  readonly keep: boolean;
}

export const usage = `usage: npm run e2e:k8s -- [options]

Installs the chart in a namespace of its own on any cluster that kubectl reaches, breaks and upgrades it, and leaves
nothing behind. Needs kubectl and helm on the PATH, and k6 for the smoke test. Each option can be a variable instead.

  --peer-image NAME:TAG        E2E_PEER_IMAGE       image of the peer (starling-peer:0.1.0)
  --dashboard-image NAME:TAG   E2E_DASHBOARD_IMAGE  image of the dashboard (starling-dashboard:0.1.0)
  --prepare COMMAND            E2E_PREPARE          builds the images and loads them into the cluster, as in:
                                                    'deploy/build && kind load docker-image starling-peer:0.1.0 …'
  --context NAME               E2E_CONTEXT          kubeconfig context (the current one)
  --namespace NAME             E2E_NAMESPACE        made for the run and removed after it (starling-e2e)
  --peers N                    E2E_PEERS            peers of the mesh, 6 or more (10)
  --cluster-domain NAME        E2E_CLUSTER_DOMAIN   the cluster's DNS domain (cluster.local)
  --only WORDS                 E2E_ONLY             of the tests between installing and uninstalling those whose title
                                                    has these words (all)
  --cert-manager PROGRAM       E2E_CERT_MANAGER     cert-manager's controllers, to try tls.mode=certManager: 'go build -C
                                                    tools/cert-manager'; it and its CRDs are there for the run only
  --cert-manager-crds FOLDER   E2E_CERT_MANAGER_CRDS  its CRDs: deploy/crds of the module
  --keep                       E2E_KEEP=1           after a failure leave everything as it is`;

/** Reads flags and, for those not given, variables. Throws with one line that says what is wrong. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'peer-image': { type: 'string', default: env.E2E_PEER_IMAGE ?? 'starling-peer:0.1.0' },
      'dashboard-image': { type: 'string', default: env.E2E_DASHBOARD_IMAGE ?? 'starling-dashboard:0.1.0' },
      prepare: { type: 'string', default: env.E2E_PREPARE ?? '' },
      context: { type: 'string', default: env.E2E_CONTEXT ?? '' },
      namespace: { type: 'string', default: env.E2E_NAMESPACE ?? 'starling-e2e' },
      peers: { type: 'string', default: env.E2E_PEERS ?? '10' },
      'cluster-domain': { type: 'string', default: env.E2E_CLUSTER_DOMAIN ?? 'cluster.local' },
      only: { type: 'string', default: env.E2E_ONLY ?? '' },
      'cert-manager': { type: 'string', default: env.E2E_CERT_MANAGER ?? '' },
      'cert-manager-crds': { type: 'string', default: env.E2E_CERT_MANAGER_CRDS ?? '' },
      keep: { type: 'boolean', default: env.E2E_KEEP === '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const peers = Number(values.peers);
  if (!Number.isInteger(peers) || peers < 6 || peers > 100) throw new Error('--peers must be from 6 to 100');
  for (const image of [values['peer-image'], values['dashboard-image']]) {
    if (!/^[^@]+:[\w.-]+$/.test(image)) throw new Error(`${image} must be name:tag`);
  }
  const [binary, crds] = [values['cert-manager'], values['cert-manager-crds']];
  if ((binary === '') !== (crds === '')) throw new Error('--cert-manager and --cert-manager-crds belong together');
  return {
    context: values.context,
    namespace: values.namespace,
    peerImage: values['peer-image'],
    dashboardImage: values['dashboard-image'],
    prepare: values.prepare,
    peers,
    clusterDomain: values['cluster-domain'],
    only: values.only,
    // kubectl does not follow a link to a folder.
    certManager: binary === '' ? null : { binary, crds: realpathSync(crds) },
    keep: values.keep,
  };
}

/** `name:tag` as chart values. */
export function imageValues(prefix: string, image: string): string[] {
  const colon = image.lastIndexOf(':');
  return [
    ...['--set-string', `${prefix}.repository=${image.slice(0, colon)}`],
    ...['--set-string', `${prefix}.tag=${image.slice(colon + 1)}`],
  ];
}
