import type { Bans } from '@starling/core-bans';
import type { AdmissionPolicy } from '@starling/core-hyparview';
import { type Misdeed, Reputation, type ReputationConfig, type ReputationEvent } from '@starling/core-reputation';
import type { Millis, Outbox, PeerId, PeerInfo } from '@starling/kernel';

/**
 * What the mesh makes of reputations and of operators' bans: who is welcome, and how good deeds are counted without costing each delivery a
 * judgement. They matter only when something bad is to be weighed, so they are told just before.
 */
export class Standing {
  readonly reputation: Reputation;
  readonly #config: ReputationConfig;
  readonly #bans: Bans;
  readonly #out: Outbox<never, ReputationEvent>;
  /** First deliveries not told yet, of neighbours only. */
  readonly #served = new Map<PeerId, number>();
  #now: Millis = 0;

  constructor(config: ReputationConfig, bans: Bans, onVerdict: (verdict: ReputationEvent) => void) {
    this.#config = config;
    this.#bans = bans;
    this.reputation = new Reputation(config);
    this.#out = { open: () => {}, send: () => {}, close: () => {}, emit: onVerdict };
  }

  /** The mesh's own policy with what this peer saw itself put before it. */
  policy(given: AdmissionPolicy): AdmissionPolicy {
    return {
      admit: (candidate: PeerInfo, neighbors: readonly PeerInfo[]) =>
        this.isWelcome(candidate.id) && given.admit(candidate, neighbors),
      remember: (peer: PeerInfo) =>
        this.reputation.isOffered(this.#now, peer.id) &&
        !this.#bans.isBanned(this.#now, peer.id) &&
        given.remember(peer),
    };
  }

  at(now: Millis): void {
    this.#now = now;
  }

  isBanned(peer: PeerId): boolean {
    return this.reputation.isBanned(this.#now, peer) || this.#bans.isBanned(this.#now, peer);
  }

  isWelcome(peer: PeerId): boolean {
    return !this.isBanned(peer) && this.reputation.scoreOf(this.#now, peer) >= this.#config.dropBelow;
  }

  served(neighbor: PeerId): void {
    this.#served.set(neighbor, (this.#served.get(neighbor) ?? 0) + 1);
  }

  misdeed(peer: PeerId, deed: Misdeed, times: number): void {
    const served = this.#served.get(peer) ?? 0;
    this.#served.delete(peer);
    if (served > 0) this.#observed(peer, 'firstDelivery', served);
    this.#observed(peer, deed, times);
  }

  forget(neighbor: PeerId): void {
    this.#served.delete(neighbor);
  }

  ban(peer: PeerId, forMs: Millis): void {
    this.#handle({ kind: 'command', command: { kind: 'ban', peer, forMs } });
  }

  pardon(peer: PeerId): void {
    this.#handle({ kind: 'command', command: { kind: 'pardon', peer } });
  }

  tick(): void {
    if (this.reputation.nextDeadline() <= this.#now) this.#handle({ kind: 'tick' });
  }

  #observed(peer: PeerId, deed: Misdeed | 'firstDelivery', times: number): void {
    this.#handle({ kind: 'command', command: { kind: 'observed', peer, deed, times } });
  }

  #handle(input: Parameters<Reputation['handle']>[1]): void {
    this.reputation.handle(this.#now, input, this.#out);
  }
}
