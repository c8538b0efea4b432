import { eventually } from '../support/shell.ts';
import type { Release } from './release.ts';
import { apiOf, startTraffic, type Traffic } from './traffic.ts';

/**
 * Two rolling upgrades with one subscriber from before the first until after the second: from messages that nobody signs to
 * signed ones, as docs/security/signatures.md has it.
 */
export class ChangeOver {
  readonly #release: Release;
  readonly #peers: number;
  #traffic: Traffic | null = null;

  constructor(release: Release, peers: number) {
    this.#release = release;
    this.#peers = peers;
  }

  /** Every pod is replaced by one that signs, and takes what is not signed. */
  async toPrefer(): Promise<string> {
    const release = this.#release;
    const [authority, tokens] = [await release.secret('authority'), await release.secret('tokens')];
    this.#traffic = await startTraffic(release, [`${release.serviceName}:7401`]);
    const before = new Set((await release.peers()).map(({ uid }) => uid));
    await release.upgrade(this.#values('prefer'), 600);
    const after = await release.waitForPeers(this.#peers);
    const kept = after.filter(({ uid }) => before.has(uid)).map(({ name }) => name);
    if (kept.length > 0) throw new Error(`not replaced: ${kept.join(', ')}`);
    if (JSON.stringify(authority) !== JSON.stringify(await release.secret('authority'))) {
      throw new Error('the upgrade made another authority');
    }
    if (JSON.stringify(tokens) !== JSON.stringify(await release.secret('tokens'))) {
      throw new Error('the upgrade made other tokens');
    }
    return release.verify(this.#peers);
  }

  /** … and by one that takes nothing that is not signed. `values`: what else changes with it. */
  async toSigned(values: readonly string[]): Promise<string> {
    const release = this.#release;
    await release.upgrade([...this.#values('signed'), ...values], 600);
    await release.waitForPeers(this.#peers);
    await release.verify(this.#peers);
    const heard = await this.#traffic?.stop();
    const sum = async (result: string) => {
      const metric = `starling_signature_checks_total{result="${result}"}`;
      const pods = await release.peers();
      return (await Promise.all(pods.map(({ name }) => release.metric(name, metric)))).reduce((a, b) => a + b, 0);
    };
    const [verified, unsigned, forged, altered] = await Promise.all(
      ['verified', 'unsigned', 'refused-forged', 'refused-altered'].map(sum),
    );
    if (verified === 0 || unsigned !== 0 || forged !== 0 || altered !== 0) {
      throw new Error(`${verified} verified, ${unsigned} taken unsigned, ${forged} forged, ${altered} altered`);
    }
    return `${heard}; ${verified} signatures verified, nothing taken unsigned`;
  }

  #values(signatures: 'prefer' | 'signed'): string[] {
    return ['--set', `peer.replicas=${this.#peers}`, '--set', `peer.signatures=${signatures}`];
  }
}

/** Certificates that are good for a minute are renewed after 40 s, several times while messages flow. */
export async function renewal(release: Release, peers: number): Promise<string> {
  const pods = await release.peers();
  const before = await expiries(release);
  const traffic = await startTraffic(release, apiOf(pods));
  await eventually(150_000, async () => {
    const now = await expiries(release);
    const kept = before.filter((expiry, index) => (now[index] ?? 0) < expiry + 60);
    if (kept.length > 0) throw new Error(`${kept.length} certificates are not renewed twice`);
  });
  await release.verify(peers);
  return traffic.stop();
}

/** When each peer's certificate ends, in seconds since 1970. */
export async function expiries(release: Release): Promise<number[]> {
  const pods = await release.peers();
  const metric = 'starling_certificate_expiry_timestamp_seconds{certificate="own"}';
  return Promise.all(pods.map(({ name }) => release.metric(name, metric)));
}
