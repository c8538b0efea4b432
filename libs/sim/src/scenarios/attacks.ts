import { parsePattern } from '@starling/core-pubsub';
import { defaultMeshConfig, type MeshConfig, type MeshEvent } from '@starling/mesh';
import { Adversary, type AttackStrength } from '../attacks/adversary.ts';
import { censoredTopic, TreacherousNode, type Treachery } from '../attacks/treacherous-node.ts';
import { numberOf, payloadOf } from '../checkers/messages.ts';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { summarize } from '../measure/summary.ts';
import type { Goal, Sample } from '../report.ts';
import { MeshHarness, type MeshPeer, meshOf } from './mesh.ts';
import type { RunVariation, Scenario } from './scenario.ts';

const usual: AttackStrength = { attackersPercent: 20, requests: 1, poison: 0, cycles: 60 };

/** Neither ranks nor scores: whoever asks is let in, and nobody is ever dropped for what it does. */
const undefended: MeshConfig = {
  ...defaultMeshConfig,
  hyparview: { ...defaultMeshConfig.hyparview, rankedPlaces: false },
  reputation: {
    ...defaultMeshConfig.reputation,
    offerBelow: Number.NEGATIVE_INFINITY,
    dropBelow: Number.NEGATIVE_INFINITY,
    banBelow: Number.NEGATIVE_INFINITY,
  },
};

/** Everything that there is against attackers from within. */
const defended: MeshConfig = {
  ...defaultMeshConfig,
  hyparview: { ...defaultMeshConfig.hyparview, rankedPlaces: true },
};

const settleMs = 40_000;
/** A message that has not come by then counts as not delivered. */
const patienceMs = 20_000;
const messagesPerCycle = 2;
/** In a smaller mesh attackers and honest peers all know each other, goals mean nothing, and ten cycles do. */
const peersToJudge = 60;

/** Lets a mesh form, then be attacked; honest peers publish all the while, and every honest peer listens. */
class Battle {
  readonly harness: MeshHarness;
  readonly #adversary: Adversary;
  readonly #publishedAt: number[] = [];
  readonly #delays: number[] = [];
  readonly #honest: MeshPeer[];
  #verdicts = 0;
  #slanders = 0;

  constructor(treachery: Treachery, config: MeshConfig, strength: AttackStrength, peers: number, seed: number) {
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
    return {
      delivered: (100 * this.#delays.length) / expected,
      p99,
      max,
      links: this.#linksHeld(),
      sent: sent / this.#honest.length / cycles,
      verdicts: this.#verdicts,
      slanders: this.#slanders,
    };
  }

  #publish(topic: string): void {
    const { world } = this.harness;
    const peer = this.#honest[world.rng.below(this.#honest.length)] as MeshPeer;
    const number = this.#publishedAt.push(world.now) - 1;
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
            if (publishedAt !== undefined) this.#delays.push(now - publishedAt);
          }
        }
      },
    });
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

interface Row {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** Of the defended mesh. */
  readonly goal: Goal['goal'];
}

const rows: readonly Row[] = [
  { id: 'delivered', what: 'delivered to honest peers', unit: '%', goal: { is: '≥', value: 100 } },
  { id: 'p99', what: 'delivery, p99', unit: 'ms', goal: { is: '≤', value: 1_000 } },
  { id: 'max', what: 'last delivery', unit: 'ms', goal: { is: '≤', value: 3_000 } },
  { id: 'links', what: 'links held by attackers', unit: '%', goal: null },
  { id: 'sent', what: 'messages that an honest peer sends per second', unit: '', goal: null },
  { id: 'verdicts', what: 'peers dropped or banned by honest peers', unit: '', goal: null },
  { id: 'slanders', what: '… that were honest', unit: '', goal: { is: '≤', value: 0 } },
];

function attack(name: string, about: string, treachery: Treachery): Scenario {
  return {
    name: `attack/${name}`,
    about,
    engine: 'event',
    setup: `whole mesh, links of 10–50 ms; attackers ${usual.attackersPercent} % of the peers (not connections) with valid identities, as many links as they can get and ${usual.requests} urgent request per cycle of 1 s each; ${messagesPerCycle} messages per cycle from honest peers for ${usual.cycles} cycles (10 below ${peersToJudge} peers); "bare": neither ranks nor scores`,
    peers: 200,
    seeds: 5,
    cpuSeconds: 90,
    reduced: { peers: 12, seeds: 1 },
    goals: (['bare', 'defended'] as const).flatMap((variant) =>
      rows.map(
        ({ id, what, unit, goal }): Goal => ({
          id: `${variant}-${id}`,
          what: `${variant}: ${what}`,
          unit,
          paper: '–',
          goal: variant === 'bare' ? null : goal,
          peersMin: peersToJudge,
          judgedBy: 'worst',
        }),
      ),
    ),
    run: (peers, seed, variation) => battles(treachery, peers, seed, variation),
  };
}

function battles(treachery: Treachery, peers: number, seed: number, variation: RunVariation = {}): Sample {
  const cycles = peers < peersToJudge ? 10 : usual.cycles;
  const strength = { ...usual, cycles, ...variation.attack };
  const values: Record<string, number> = {};
  const hashes: string[] = [];
  let events = 0;
  for (const [variant, config] of [
    ['bare', undefended],
    ['defended', defended],
  ] as const) {
    const battle = new Battle(treachery, config, strength, peers, seed);
    for (const [id, value] of Object.entries(battle.run())) values[`${variant}-${id}`] = value;
    const { world } = battle.harness;
    hashes.push(world.traceHash);
    events += world.stats.events;
  }
  return { seed, values, traceHash: hashes.join('-'), violations: [], events };
}

/** What relays with valid identities can do to the delivery of honest peers' messages (target 13). */
export const attacks: readonly Scenario[] = [
  attack('black-hole', 'attackers take every message and pass none on', 'blackHole'),
  attack('false-promises', 'attackers announce every message and serve none', 'falsePromise'),
  attack('censor', 'attackers pass everything on but one topic', 'censor'),
  attack('announcement-spam', 'attackers announce messages that there are not, 10,000 a second on each link', 'spam'),
  attack('replay', 'attackers send the last 32 messages again, ten times a second on each link', 'replay'),
];
