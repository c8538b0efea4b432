import { parsePattern } from '@starling/core-pubsub';
import type { MeshConfig, MeshEvent } from '@starling/mesh';
import { Adversary, type AttackStrength } from '../attacks/adversary.ts';
import { censoredTopic, floodTopic, TreacherousNode, type Treachery } from '../attacks/treacherous-node.ts';
import { numberOf, payloadOf } from '../checkers/messages.ts';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { summarize } from '../measure/summary.ts';
import { MeshHarness, type MeshPeer, meshOf } from './mesh.ts';

const settleMs = 40_000;
/** A message that has not come by then counts as not delivered. */
const patienceMs = 20_000;
export const messagesPerCycle = 2;

/** Lets a mesh form, then be attacked; honest peers publish all the while, and every honest peer listens. */
export class Battle {
  readonly harness: MeshHarness;
  readonly #adversary: Adversary;
  readonly #publishedAt: number[] = [];
  readonly #delays: number[] = [];
  /** For each message the honest peers that had an honest neighbour when it was published, and how soon such a peer had it. */
  readonly #linked: ReadonlySet<MeshPeer>[] = [];
  readonly #linkedDelays: number[] = [];
  /** Of messages published in the second half of the attack. */
  readonly #laterDelays: number[] = [];
  readonly #honest: MeshPeer[];
  #verdicts = 0;
  #slanders = 0;
  /** Deliveries of what nobody published, and of what flooders did. */
  #forged = 0;
  #flooded = 0;

  constructor(
    { treachery, serviceMs }: { readonly treachery: Treachery; readonly serviceMs: number },
    config: MeshConfig,
    strength: AttackStrength,
    peers: number,
    seed: number,
  ) {
    const adversary = new Adversary(strength, peers, seed);
    this.#adversary = adversary;
    this.harness = new MeshHarness({
      seed,
      network: network(latencies.uniform10to50),
      config,
      isChecked: false,
      bootAs: (own, info, rng) =>
        adversary.has(info.id) ? new TreacherousNode(adversary, treachery, own, info, rng) : undefined,
    });
    this.harness.start(peers, 20);
    const { world } = this.harness;
    this.#honest = world.peers.filter(({ info }) => !adversary.has(info.id));
    for (const { info } of this.#honest) adversary.aim(info);
    world.runUntil(settleMs);
    this.#listen();
    for (const peer of this.#honest) world.slow(peer, serviceMs);
    adversary.attacksFrom = world.now;
    // A peer's deadline changed behind its back: wake them.
    for (const peer of world.peers) {
      if (adversary.has(peer.info.id)) world.command(peer, { kind: 'contacts', peers: [] });
    }
  }

  run(): Readonly<Record<string, number>> {
    const { world } = this.harness;
    const { cycles } = this.#adversary.strength;
    const begun = this.#honest.reduce((sum, { messagesOut }) => sum + messagesOut, 0);
    for (let cycle = 0; cycle < cycles; cycle++) {
      for (let i = 0; i < messagesPerCycle; i++) {
        this.#publish(i % 2 === 0 ? 'sim.load' : censoredTopic);
        world.runUntil(world.now + 1_000 / messagesPerCycle);
      }
    }
    const sent = this.#honest.reduce((sum, { messagesOut }) => sum + messagesOut, 0) - begun;
    world.runUntil(world.now + patienceMs);
    const { p99, max } = summarize(this.#delays);
    const expected = this.#publishedAt.length * this.#honest.length;
    const later = summarize(this.#laterDelays);
    const linked = this.#linked.reduce((sum, { size }) => sum + size, 0);
    return {
      delivered: (100 * this.#delays.length) / expected,
      p99,
      max,
      alone: 100 * (1 - linked / expected),
      // Of nobody nothing is missing.
      linkedDelivered: linked === 0 ? 100 : (100 * this.#linkedDelays.length) / linked,
      linkedP99: summarize(this.#linkedDelays).p99,
      laterDelivered: (100 * this.#laterDelays.length) / (expected / 2),
      laterP99: later.p99,
      laterMax: later.max,
      links: this.#linksHeld(),
      sent: sent / this.#honest.length / cycles,
      verdicts: this.#verdicts,
      slanders: this.#slanders,
      forged: this.#forged,
      flooded: this.#flooded / this.#honest.length / cycles,
      verifications: this.#verifications(),
    };
  }

  #publish(topic: string): void {
    const { world } = this.harness;
    const peer = this.#honest[world.rng.below(this.#honest.length)] as MeshPeer;
    const number = this.#publishedAt.push(world.now) - 1;
    this.#linked.push(new Set(this.#honest.filter((each) => this.#hasHonestNeighbor(each))));
    world.command(peer, {
      kind: 'publish',
      requestId: number,
      topic,
      payload: payloadOf(number),
      headers: {},
      wantHeld: false,
    });
  }

  #listen(): void {
    const { world } = this.harness;
    const everything = parsePattern('>');
    if (!everything.ok) throw new Error(everything.problem);
    const options = { patterns: [everything.value], cursors: [], since: null, replayAll: false };
    const subscriptions = new Map(this.#honest.map((peer) => [peer, meshOf(peer).pubsub.open(world.now, options)]));
    world.observe({
      event: (peer, event: MeshEvent, now) => {
        if (event.kind === 'judged' && event.verdict.kind !== 'pardoned' && !this.#adversary.has(peer.info.id)) {
          this.#verdicts++;
          if (!this.#adversary.has(event.verdict.peer)) this.#slanders++;
        }
        const subscription = event.kind === 'readable' ? subscriptions.get(peer) : undefined;
        while (subscription?.hasMore()) {
          for (const read of subscription.read(64)) {
            if (read.kind !== 'message' || read.message.body.kind !== 'user') continue;
            const publishedAt = this.#publishedAt[numberOf(read.message.body.payload)];
            if (read.message.body.topic === floodTopic) this.#flooded++;
            else if (publishedAt === undefined) this.#forged++;
            else this.#arrived(peer, numberOf(read.message.body.payload), now - publishedAt);
          }
        }
      },
    });
  }

  #arrived(peer: MeshPeer, number: number, delay: number): void {
    this.#delays.push(delay);
    if (this.#linked[number]?.has(peer)) this.#linkedDelays.push(delay);
    if (number >= (messagesPerCycle * this.#adversary.strength.cycles) / 2) this.#laterDelays.push(delay);
  }

  #hasHonestNeighbor(peer: MeshPeer): boolean {
    return meshOf(peer)
      .root.membership.activeView()
      .some(({ id }) => !this.#adversary.has(id));
  }

  /** For each message that an honest peer took from another. */
  #verifications(): number {
    let verified = 0;
    let taken = 0;
    for (const peer of this.#honest) {
      const stats = meshOf(peer).root.broadcast.signatureStats;
      verified += (stats?.verified ?? 0) + (stats?.refusedForged ?? 0);
      taken += (stats?.verified ?? 0) + (stats?.cached ?? 0);
    }
    return verified / Math.max(1, taken);
  }

  #linksHeld(): number {
    let links = 0;
    let held = 0;
    for (const peer of this.#honest) {
      for (const { id } of meshOf(peer).root.membership.activeView()) {
        links++;
        if (this.#adversary.has(id)) held++;
      }
    }
    return (100 * held) / Math.max(1, links);
  }
}
