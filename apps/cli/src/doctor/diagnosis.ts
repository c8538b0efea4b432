import { authorityLateMs, certificateLateShare } from '@starling/identity';
import { PeerCondition, PeerState } from '@starling/wire';
import { counted } from '../output.ts';
import { type Finding, finding, named } from './finding.ts';
import type { Examined, Probed, Unreached } from './probe.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** When a person should know. */
export const thresholds = {
  /** Bans and certificates are judged with this much grace; above it they are not (libs/identity). */
  clockFailMs: 300_000,
  clockWarnMs: 5_000,
  /** As the alert StarlingDeliveryBelowTarget. */
  deliveryRatio: 0.999,
} as const;

/** What peers' answers say about the mesh. Pure: `now` in ms since 1970. */
export function diagnose(
  probed: readonly Probed[],
  { now, isEncrypted }: { readonly now: number; readonly isEncrypted: boolean },
): Finding[] {
  const all = new Map<string, Examined>();
  for (const each of probed) if (each.ok) all.set(each.peer.id, each);
  const peers = [...all.values()];
  const bannedIds = new Set(peers.flatMap(({ bans }) => bans.map(({ peerId }) => peerId)));
  const failed = probed.flatMap((each) => (each.ok ? [] : [each]));
  const findings = [...reach(peers, failed, bannedIds), encryption(isEncrypted)];
  if (peers.length === 0) return findings;
  // A banned peer is alone on purpose.
  const members = peers.filter(({ peer }) => !bannedIds.has(peer.id));
  return [
    ...findings,
    token(peers),
    ...certificates(peers, now),
    clocks(peers),
    coverage(members, bannedIds),
    links(members),
    states(members),
    versions(peers),
    delivery(members),
    bypassing(members),
    caches(peers),
    ...bans(peers, members),
  ];
}

function reach(peers: readonly Examined[], failed: readonly Unreached[], bannedIds: ReadonlySet<string>): Finding[] {
  const names = new Map<string, string>();
  const banned = new Set<string>();
  for (const { members } of peers) {
    for (const { apiAddress, name, id } of members) {
      names.set(apiAddress, name);
      if (bannedIds.has(id)) banned.add(apiAddress);
    }
  }
  const asked = peers.length + failed.length;
  const findings = [
    finding(
      'reachable',
      failed.length === 0 ? 'ok' : peers.length === 0 ? 'fail' : 'warn',
      `${peers.length} of ${counted(asked, 'peer')} asked ${peers.length === 1 ? 'answers' : 'answer'}`,
    ),
  ];
  for (const problem of failed) {
    const name = names.get(problem.address);
    const who = name === undefined || name === '' ? problem.address : `${name} (${problem.address})`;
    // Nobody misses whom the mesh threw out.
    const level = banned.has(problem.address) ? 'note' : 'fail';
    findings.push(finding('peer', level, `${who}: ${problem.message}`, adviceFor(problem)));
  }
  return findings;
}

function adviceFor({ code, reason, message }: Unreached): string {
  if (code === 'UNAUTHENTICATED')
    return 'the peer does not take this token: give one of this mesh with --token or STARLING_TOKEN; is its tokens file that of the other peers?';
  if (code === 'PERMISSION_DENIED') return 'the token has too few rights: use one of a viewer or higher';
  if (/does not encrypt/.test(message))
    return 'the peer runs without TLS (STARLING_INSECURE), or something else listens there: start it with STARLING_TLS_DIR, or add --insecure if the whole mesh is so';
  if (/expired/i.test(message))
    return 'its certificate was not renewed: look at the authority (starling ca serve) and at the peer’s log';
  if (/certificate/i.test(message))
    return 'it is not of the authority that was given: check --ca, and whether the peer belongs to this mesh';
  if (reason === 'DRAINING') return 'it is leaving the mesh';
  if (reason === 'NO_ANSWER') return 'it takes connections and does not answer in time: is it overloaded, or stopped?';
  return 'is the process running, is the port right, and does a firewall or NetworkPolicy let this machine in? A mesh that encrypts does not answer --insecure';
}

function encryption(isEncrypted: boolean): Finding {
  return isEncrypted
    ? finding('encryption', 'ok', 'calls are encrypted, and peers prove that they are of the authority that was given')
    : finding(
        'encryption',
        'warn',
        'nothing is encrypted (--insecure)',
        'give peers certificates: docs/operations/certificates.md',
      );
}

function token(peers: readonly Examined[]): Finding {
  const open = peers.filter(({ callerRole }) => callerRole === '');
  if (open.length > 0) {
    return finding(
      'token',
      'warn',
      `${named(namesOf(open))} ${open.length === 1 ? 'asks' : 'ask'} for no token: whoever reaches the API may do everything`,
      'set STARLING_TOKENS_FILE',
    );
  }
  const roles = [...new Set(peers.map(({ caller, callerRole }) => `${caller} (${callerRole})`))];
  return roles.length === 1
    ? finding('token', 'ok', `the token is good: ${roles[0]}`)
    : finding(
        'token',
        'warn',
        `peers take the token for different callers: ${roles.join(', ')}`,
        'give all peers the same tokens file',
      );
}

function certificates(peers: readonly Examined[], now: number): Finding[] {
  const own = peers.flatMap(({ peer, certificateExpiresAt: at, certificateValidFrom: from }) =>
    at === null ? [] : [{ name: peer.name, at, leastMs: (at - (from ?? at)) * certificateLateShare }],
  );
  const authority = peers.flatMap(({ peer, authorityExpiresAt: at }) =>
    at === null ? [] : [{ name: peer.name, at, leastMs: authorityLateMs }],
  );
  const judge = (check: string, what: string, list: typeof own, advice: string): Finding[] => {
    if (list.length === 0) return [];
    const first = list.reduce((a, b) => (b.at < a.at ? b : a));
    const late = list.find(({ at, leastMs }) => at - now < leastMs);
    const { name, at } = first.at <= now ? first : (late ?? first);
    const level = at <= now ? 'fail' : late === undefined ? 'ok' : 'warn';
    const when = at <= now ? `expired at ${new Date(at).toISOString()}` : `expires in ${spanOf(at - now)}`;
    return [finding(check, level, `the first ${what} (at ${name}) ${when}`, level === 'ok' ? undefined : advice)];
  };
  return [
    ...judge(
      'certificate',
      'certificate',
      own,
      'it should have been renewed: look at the authority (starling ca serve) and at that peer’s log',
    ),
    ...judge('authority', 'authority', authority, 'replace it while both are trusted: docs/operations/certificates.md'),
  ];
}

function clocks(peers: readonly Examined[]): Finding {
  const known = peers.flatMap(({ peer, clockAheadMs: ahead, clockErrorMs: error }) =>
    ahead === null ? [] : [{ name: peer.name, ahead, beyondMs: Math.max(0, Math.abs(ahead) - error) }],
  );
  if (known.length === 0) return finding('clock', 'note', 'no peer says what time it is');
  const worst = known.reduce((a, b) => (b.beyondMs > a.beyondMs ? b : a));
  const text = `the clock of ${worst.name} is ${spanOf(Math.abs(worst.ahead))} ${worst.ahead > 0 ? 'ahead of' : 'behind'} this machine's`;
  const advice = 'synchronise the clocks (NTP): certificates, tokens and bans are judged by them';
  if (worst.beyondMs > thresholds.clockFailMs) return finding('clock', 'fail', text, advice);
  if (worst.beyondMs > thresholds.clockWarnMs) return finding('clock', 'warn', text, advice);
  return finding('clock', 'ok', `all clocks are within ${spanOf(thresholds.clockWarnMs)} of this machine's`);
}

/** Everybody should know everybody. */
function coverage(members: readonly Examined[], bannedIds: ReadonlySet<string>): Finding {
  const answering = new Map(members.map(({ peer }) => [peer.id, peer.name]));
  const missing = members.flatMap(({ peer, members: known }) => {
    const ids = new Set(known.map(({ id }) => id));
    const unknown = [...answering].filter(([id]) => !ids.has(id)).map(([, name]) => name);
    return unknown.length === 0 ? [] : [`${peer.name} does not know ${named(unknown)}`];
  });
  const everybody = new Map(members.flatMap(({ members: known }) => known.map(({ id, name }) => [id, name] as const)));
  for (const id of bannedIds) everybody.delete(id);
  if (missing.length === 0) {
    return finding(
      'coverage',
      'ok',
      `every peer that answers knows all the others; ${counted(everybody.size, 'peer')} in all`,
    );
  }
  return finding(
    'coverage',
    'fail',
    named(missing),
    'islands, or a peer that has just come: ask again in a minute; else see the runbook islands-suspected',
  );
}

function links(members: readonly Examined[]): Finding {
  if (members.length === 0) return finding('links', 'note', 'only banned peers answer');
  if (members.length === 1 && members[0]?.members.length === 1)
    return finding('links', 'note', 'the mesh is a single peer');
  const alone = members.filter(({ neighbors }) => neighbors.length === 0);
  if (alone.length > 0) {
    return finding(
      'links',
      'fail',
      `${named(namesOf(alone))} ${alone.length === 1 ? 'has' : 'have'} no link`,
      'look at its log for why links are refused; see the runbook peer-isolated',
    );
  }
  const few = members.filter(({ neighbors, members: known }) => neighbors.length < 2 && known.length > 3);
  if (few.length > 0) {
    return finding(
      'links',
      'warn',
      `${named(namesOf(few))} ${few.length === 1 ? 'has' : 'have'} a single link: one more loss isolates it`,
      'wait a minute; if it stays, see whether peers can reach its link port',
    );
  }
  const least = Math.min(...members.map(({ neighbors }) => neighbors.length));
  return finding('links', 'ok', `every peer that answers has ${counted(least, 'link')} or more`);
}

function states(members: readonly Examined[]): Finding {
  const starting = members.filter(({ peer }) => peer.state === PeerState.STARTING);
  const draining = members.filter(({ peer }) => peer.state === PeerState.DRAINING);
  if (starting.length > 0)
    return finding(
      'state',
      'warn',
      `${named(namesOf(starting))} ${starting.length === 1 ? 'is' : 'are'} not ready yet`,
      'see the runbook peer-not-ready if it stays so',
    );
  if (draining.length > 0)
    return finding('state', 'note', `${named(namesOf(draining))} ${draining.length === 1 ? 'is' : 'are'} leaving`);
  return finding('state', 'ok', 'every peer that answers is ready');
}

function versions(peers: readonly Examined[]): Finding {
  const found = [...new Set(peers.map(({ peer }) => peer.version))].sort();
  return found.length === 1
    ? finding('version', 'ok', `all peers run version ${found[0]}`)
    : finding(
        'version',
        'warn',
        `peers run ${found.length} versions: ${found.join(', ')}`,
        'finish the upgrade; see the runbook mixed-versions',
      );
}

function delivery(members: readonly Examined[]): Finding {
  const known = members.flatMap(({ peer, deliveryRatio: ratio }) =>
    ratio === null ? [] : [{ name: peer.name, ratio }],
  );
  if (known.length === 0) return finding('delivery', 'note', 'no peer says how many canaries arrive');
  const worst = known.reduce((a, b) => (b.ratio < a.ratio ? b : a));
  const percent = `${(Math.floor(worst.ratio * 100_000) / 1_000).toString()} %`;
  return worst.ratio >= thresholds.deliveryRatio
    ? finding('delivery', 'ok', `canaries arrive: ${percent} at the least, over ten minutes`)
    : finding(
        'delivery',
        'warn',
        `${percent} of the canaries arrive at ${worst.name}`,
        'see the runbook delivery-below-target',
      );
}

function bypassing(members: readonly Examined[]): Finding {
  const who = members.filter(({ conditions }) => conditions.includes(PeerCondition.NEIGHBORS_BYPASSED));
  return who.length === 0
    ? finding('neighbors', 'ok', 'nobody has to get messages past its neighbours')
    : finding(
        'neighbors',
        'warn',
        `neighbours of ${named(namesOf(who))} do not pass everything on: members further away bring it`,
        'see the runbook neighbors-bypassed',
      );
}

function caches(peers: readonly Examined[]): Finding {
  const who = peers.filter(({ conditions }) => conditions.includes(PeerCondition.CACHE_UNWRITTEN));
  return who.length === 0
    ? finding('cache', 'ok', 'peers that have a data directory can write to it')
    : finding(
        'cache',
        'warn',
        `${named(namesOf(who))} cannot write to the data directory`,
        'make room there, or make it writable: after a restart only seeds lead back into the mesh',
      );
}

function bans(peers: readonly Examined[], members: readonly Examined[]): Finding[] {
  const names = new Map(peers.flatMap(({ members: known }) => known.map(({ id, name }) => [id, name] as const)));
  const inForce = new Map(members.flatMap(({ bans: list }) => list.map((ban) => [ban.peerId, ban] as const)));
  const listOf = ({ bans: list }: Examined): string =>
    list
      .map(({ peerId, number }) => `${peerId} ${number}`)
      .sort()
      .join();
  const keysOf = ({ operatorKeys }: Examined): string => [...operatorKeys].sort().join();
  const findings: Finding[] = [];
  for (const ban of inForce.values()) {
    const until =
      ban.until === undefined ? 'for good' : `until ${new Date(Number(ban.until.seconds) * 1_000).toISOString()}`;
    findings.push(
      finding(
        'bans',
        'note',
        `${names.get(ban.peerId) ?? ban.peerId.slice(0, 10)} is banned by ${ban.by} ${until}: ${ban.reason}`,
      ),
    );
  }
  if (inForce.size === 0) findings.push(finding('bans', 'ok', 'nobody is banned from the mesh'));
  if (new Set(members.map(keysOf)).size > 1) {
    findings.push(
      finding(
        'operators',
        'warn',
        'peers trust different operators’ keys',
        'give all peers the same STARLING_OPERATOR_KEYS_FILE',
      ),
    );
  } else if (new Set(members.map(listOf)).size > 1) {
    findings.push(
      finding(
        'bans',
        'warn',
        'not all peers know the same bans',
        'ask again in a minute; if it stays, peers cannot hear each other',
      ),
    );
  }
  return findings;
}

function namesOf(peers: readonly Examined[]): string[] {
  return peers.map(({ peer }) => peer.name);
}

/** `3 ms`, `12 s`, `5 min`, `20 h`, `9 days`. */
export function spanOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 2 * hourMs) return `${Math.round(ms / 60_000)} min`;
  return ms < 2 * dayMs ? `${Math.round(ms / hourMs)} h` : `${Math.floor(ms / dayMs)} days`;
}
