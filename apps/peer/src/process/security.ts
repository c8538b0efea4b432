import {
  CertificateWatch,
  createIdentity,
  type Identity,
  IdentityError,
  loadIdentity,
  namesOf,
  obtainCertificate,
  readPeerCertificateDer,
  readTlsKey,
  type TlsMaterial,
} from '@starling/identity';
import { MutualTls } from '@starling/transport-grpc';
import { ApiCredentials } from '../api/api-credentials.ts';
import type { Config } from '../config/schema.ts';
import type { Logs } from '../logs/logs.ts';
import { exitCodes, StartError } from '../start-error.ts';

/** How often the TLS directory is looked at when the system told no change. Default: guess; a renewal has hours. */
const pollMs = 10_000;

/** So long a peer waits for its certificate before it says so. Default: an issuer in the same pod takes less than a second. */
const patienceMs = 5_000;

/** Who this peer is, and how it proves it; `tls` is null when it was told to be insecure. */
export interface PeerSecurity {
  readonly identity: Identity;
  readonly tls: { readonly links: MutualTls; readonly api: ApiCredentials; readonly watch: CertificateWatch } | null;
}

/**
 * The peer's key, and its certificate for as long as it lives: asked for where there is none, followed when it is renewed.
 * Throws a StartError.
 */
export async function openSecurity(config: Config, logs: Logs, signal?: AbortSignal): Promise<PeerSecurity> {
  try {
    if (config.insecure) {
      const identity = keptIdentity(config);
      logs.peer.warn(
        'this peer is INSECURE: nothing that it says or hears is encrypted, and it believes whoever names itself (STARLING_INSECURE)',
      );
      return { identity, tls: null };
    }
    const { mesh, tlsDir: dir } = config;
    const identity = readTlsKey(dir) ?? keptIdentity(config);
    const names = namesOf(config.tlsNames);
    const notice = setTimeout(() => {
      logs.peer.warn(
        { dir, waitMs: config.tlsWaitMs },
        'waiting for a certificate: whoever is to issue it (starling ca serve; on Kubernetes the container "issuer") has not answered yet; its log says why',
      );
    }, patienceMs);
    const material = await obtainCertificate({
      dir,
      identity,
      mesh,
      names,
      waitMs: config.tlsWaitMs,
      ...(signal && { signal }),
    }).finally(() => clearTimeout(notice));
    const links = new MutualTls(mesh, material, readPeerCertificateDer);
    const api = new ApiCredentials(material);
    const watch = new CertificateWatch(material, {
      dir,
      identity,
      mesh,
      pollMs,
      renewed: (renewed) => {
        links.setKeys(renewed);
        api.renew(renewed);
        logs.peer.info(
          { expires: expiryOf(renewed) },
          'the certificate or its authorities changed: in use from now on',
        );
      },
      problem: (problem) =>
        logs.peer.warn({ problem }, 'the TLS directory holds what cannot be used: going on as before'),
    });
    return { identity, tls: { links, api, watch } };
  } catch (error) {
    if (error instanceof IdentityError) throw new StartError(error.message, exitCodes.unavailable, error);
    throw error;
  }
}

/** When a certificate expires, for people. */
export function expiryOf({ peer }: TlsMaterial): string {
  return new Date(peer.expiresAt).toISOString();
}

function keptIdentity(config: Config): Identity {
  return config.dataDir === '' ? createIdentity() : loadIdentity(config.dataDir);
}
