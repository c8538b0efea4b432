import { parsePattern } from '@starling/core-pubsub';
import { defaultMeshConfig, type MeshConfig, type MeshEvent } from '@starling/mesh';
import { Adversary, type AttackStrength } from '../attacks/adversary.ts';
import { censoredTopic, floodTopic, TreacherousNode, type Treachery } from '../attacks/treacherous-node.ts';
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

const signed: MeshConfig = { ...defended, plumtree: { ...defended.plumtree, signatures: 'signed' } };

/** Of a peer that takes 0.6 ms for a message, as these are made to: a quarter of what it can, as by default. */
const limits = { originWorkPerSecond: 420, originWorkBurst: 420 };
const unlimited = { originWorkPerSecond: 1e12, originWorkBurst: 1e12 };
const withLimits = (config: MeshConfig, own: typeof limits): MeshConfig => ({
  ...config,
  plumtree: { ...config.plumtree, ...own },
});

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
  /** Deliveries of what nobody published, and of what flooders did. */
  #forged = 0;
  #flooded = 0;

  constructor(
    { treachery, serviceMs }: Attack,
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
    return {
      delivered: (100 * this.#delays.length) / expected,
      p99,
      max,
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
            else this.#delays.push(now - publishedAt);
          }
        }
      },
    });
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

const forged: Row = {
  id: 'forged',
  what: 'deliveries of what nobody published',
  unit: '',
  goal: { is: '≤', value: 0 },
};
const verifications: Row = {
  id: 'verifications',
  what: 'signatures verified for each delivery',
  unit: '',
  goal: { is: '≤', value: 1.3 },
};
const flooded: Row = {
  id: 'flooded',
  what: "flooder's messages delivered to each peer per second",
  unit: '',
  goal: null,
};

/** Attackers, and what stands against them: the last variant is the one that has goals. */
interface Attack {
  readonly treachery: Treachery;
  readonly strength: AttackStrength;
  /** What one message costs an honest peer. 0: nothing. */
  readonly serviceMs: number;
  readonly variants: readonly (readonly [name: string, config: MeshConfig])[];
  /** Of the variants. */
  readonly meaning: string;
  readonly rows: readonly Row[];
}

/** Below `peersToJudge`. */
const cyclesWhenSmall = 10;

function attack(name: string, about: string, treachery: Treachery, more: Partial<Attack> = {}): Scenario {
  const all: Attack = {
    treachery,
    strength: usual,
    serviceMs: 0,
    variants: [
      ['bare', undefended],
      ['defended', defended],
    ],
    meaning: '"bare": neither ranks nor scores',
    rows,
    ...more,
  };
  const { strength, variants } = all;
  return {
    name: `attack/${name}`,
    about,
    engine: 'event',
    setup: `whole mesh, links of 10–50 ms; attackers ${strength.attackersPercent} % of the peers (not connections) with valid identities, as many links as they can get and ${strength.requests} urgent request per cycle of 1 s each; ${messagesPerCycle} messages per cycle from honest peers for ${strength.cycles} cycles (${cyclesWhenSmall} below ${peersToJudge} peers); ${all.meaning}`,
    peers: 200,
    seeds: 5,
    cpuSeconds: 90,
    reduced: { peers: 12, seeds: 1 },
    goals: variants.flatMap(([variant], i) =>
      all.rows.map(
        ({ id, what, unit, goal }): Goal => ({
          id: `${variant}-${id}`,
          what: `${variant}: ${what}`,
          unit,
          paper: '–',
          goal: i < variants.length - 1 ? null : goal,
          peersMin: peersToJudge,
          judgedBy: 'worst',
        }),
      ),
    ),
    run: (peers, seed, variation) => battles(all, peers, seed, variation),
  };
}

function battles(attack: Attack, peers: number, seed: number, variation: RunVariation = {}): Sample {
  const cycles = peers < peersToJudge ? Math.min(cyclesWhenSmall, attack.strength.cycles) : attack.strength.cycles;
  const strength = { ...attack.strength, cycles, ...variation.attack };
  const values: Record<string, number> = {};
  const hashes: string[] = [];
  let events = 0;
  for (const [variant, config] of attack.variants) {
    if (variation.variant !== undefined && variation.variant !== variant) continue;
    const battle = new Battle(attack, config, strength, peers, seed);
    const seen = battle.run();
    for (const { id } of attack.rows) values[`${variant}-${id}`] = seen[id] as number;
    const { world } = battle.harness;
    hashes.push(world.traceHash);
    events += world.stats.events;
  }
  return { seed, values, traceHash: hashes.join('-'), violations: [], events };
}

/** What peers with valid identities can do to the delivery of honest peers' messages (target 13). */
export const attacks: readonly Scenario[] = [
  attack('black-hole', 'attackers take every message and pass none on', 'blackHole'),
  attack('false-promises', 'attackers announce every message and serve none', 'falsePromise'),
  attack('censor', 'attackers pass everything on but one topic', 'censor'),
  attack('announcement-spam', 'attackers announce messages that there are not, 10,000 a second on each link', 'spam'),
  attack('replay', 'attackers send the last 32 messages again, ten times a second on each link', 'replay'),
  attack('forge', 'attackers alter what others publish, and publish in their names', 'forge', {
    variants: [
      ['links', defended],
      ['signed', signed],
    ],
    meaning:
      'ranks and scores in both; "links": members are believed; "signed": origins alone, with a keyed hash in place of a signature',
    rows: [...rows, forged, verifications],
  }),
  attack('flooding-publisher', 'an attacker publishes as fast as it can, 2,000 messages a second', 'flood', {
    strength: { ...usual, attackersPercent: 2, cycles: 10 },
    serviceMs: 0.6,
    variants: [
      ['bare', withLimits(undefended, unlimited)],
      ['defended', withLimits(defended, limits)],
    ],
    meaning:
      'a message costs an honest peer 0.6 ms; "bare": neither ranks nor scores nor limits; "defended": an origin is allowed a quarter of what it can, 420 a second and at once',
    rows: [...rows, flooded],
  }),
];
