import type { Aggregation } from '@starling/core-aggregate';
import type { BanReader, Bans } from '@starling/core-bans';
import type { Directory } from '@starling/core-directory';
import type { AdmissionPolicy } from '@starling/core-hyparview';
import type { Kademlia, LookupRecord, RecordVerifier, UnsignedRecord } from '@starling/core-kademlia';
import type { Keywords } from '@starling/core-keywords';
import type { Liveness } from '@starling/core-liveness';
import type { Observe, PeerReport } from '@starling/core-observe';
import { type Gossip, heldMessageBytes, isEphemeral, type SignaturePrimitives } from '@starling/core-plumtree';
import { PubSub } from '@starling/core-pubsub';
import type { Reputation, ReputationEvent } from '@starling/core-reputation';
import type { Search } from '@starling/core-search';
import type { Summaries } from '@starling/core-summaries';
import {
  assert,
  type Input,
  type LinkDownReason,
  type Millis,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import { AntiEntropy } from './anti-entropy.ts';
import type { MeshCommand, MeshEvent, MeshOutbox } from './api.ts';
import { Canary } from './canary.ts';
import type { MeshConfig } from './config.ts';
import { CoreOutbox } from './core-outbox.ts';
import { Links, need } from './links.ts';
import { type Body, type BodyCodec, type MeshMessage, rootSwarm } from './messages.ts';
import { AggregatePart } from './parts/aggregate-part.ts';
import { BansPart } from './parts/bans-part.ts';
import { Deadlines } from './parts/deadlines.ts';
import { DirectoryPart } from './parts/directory-part.ts';
import { HoldersPart } from './parts/holders-part.ts';
import { KeywordsPart } from './parts/keywords-part.ts';
import { LivenessPart } from './parts/liveness-part.ts';
import { LookupPart } from './parts/lookup-part.ts';
import { ObservePart } from './parts/observe-part.ts';
import type { AnyPart, Fact, Hub } from './parts/part.ts';
import { SearchPart } from './parts/search-part.ts';
import { SummariesPart } from './parts/summaries-part.ts';
import { QueryRouter, type Route } from './query-router.ts';
import { Standing } from './standing.ts';
import { parseStream } from './stream.ts';
import { Swarm, type SwarmCommand, type SwarmEvent, type SwarmMessage } from './swarm.ts';

/** Between two times that the membership is told of all members. 10 s: as often as it claims a place. */
const membersToldIntervalMs = 10_000;
/** Members in one command. 256: a guess, a page. */
const membersToldAtOnce = 256;

/** Random members looked at until one is no neighbour. 8: a guess; where most are neighbours there is no need. */
const comparisonTries = 8;

/** Once that an origin was over its allowance counts for so many seconds: peers hold themselves to less, so it is on purpose. Four of them ban. */
const deliberateFlood = 3;

export interface MeshOptions<B> {
  readonly config: MeshConfig;
  readonly self: PeerInfo;
  /** All of this peer's randomness. */
  readonly rng: Rng;
  /** Who may become a neighbour. */
  readonly admission: AdmissionPolicy;
  readonly bodies: BodyCodec<B>;
  /** Reads what operators sign; without it nobody is banned for the whole mesh. */
  readonly bans?: BanReader;
  /** What messages are signed with. Needed unless `config.plumtree.signatures` is `links`. */
  readonly primitives?: SignaturePrimitives<B> | undefined;
  /** Judges the records of lookups; without one none is believed or held. */
  readonly verifyRecord?: RecordVerifier;
  /** Signs this peer's own records; without it, it publishes no keywords. */
  readonly signRecord?: ((record: UnsignedRecord) => LookupRecord) | undefined;
}

/** An event of a core, for whom it concerns. A plain pair: a closure for each would be made for every delivery. */
interface HandOver {
  readonly handle: (event: unknown) => void;
  readonly event: unknown;
}

/**
 * One peer's whole brain: membership and broadcast, and the parts around them, each a core and what joins it to the others.
 * Each core writes to an outbox of its own; what one core says that concerns another is queued and handed over after the
 * first has returned, so no core is ever re-entered.
 */
export class Mesh<B> implements ProtocolCore<MeshMessage<B>, MeshCommand, MeshEvent> {
  /** Subscriptions: read them when `readable` was emitted. */
  readonly pubsub: PubSub<B>;
  /** Every peer is in this one. */
  readonly root: Swarm<B>;
  readonly #liveness: LivenessPart<B>;
  readonly #directory: DirectoryPart<B>;
  readonly #search: SearchPart<B>;
  readonly #observe: ObservePart<B>;
  readonly #bans: BansPart<B>;
  readonly #summaries: SummariesPart<B>;
  readonly #holders: HoldersPart<B>;
  readonly #router: QueryRouter;
  readonly #lookup: LookupPart<B>;
  readonly #keywords: KeywordsPart<B>;
  readonly #aggregate: AggregatePart<B>;
  /** All of them, in the order in which they are told things. */
  readonly #parts: readonly AnyPart[];
  readonly #deadlines = new Deadlines();
  readonly #standing: Standing;
  readonly #controlPerSecondMax: number;
  readonly #bodies: BodyCodec<B>;
  readonly #links: Links;
  readonly #swarmOut: CoreOutbox<B, SwarmMessage<B>, SwarmEvent<B>>;
  readonly #canary: Canary;
  readonly #antiEntropy: AntiEntropy;
  /** For whom to compare with. */
  readonly #rng: Rng;
  readonly #rtts = new Map<PeerId, Millis>();
  /** What one core said that concerns another. Emptied before `handle` returns. */
  readonly #handOvers: HandOver[] = [];
  #self: PeerInfo;
  #now: Millis = 0;
  #out!: MeshOutbox<B>;
  /** The request that the message being published answers. */
  #publishing: { readonly requestId: number } | undefined;
  #tellMembersFrom: Millis = 0;
  #isReadable = false;
  #isBypassTold = false;
  #isCaughtUp = false;
  #isLeaving = false;

  constructor({ config, self, rng, admission, bodies, bans, primitives, verifyRecord, signRecord }: MeshOptions<B>) {
    this.#self = self;
    this.#bodies = bodies;
    this.#links = new Links(config.linkLingerMs);
    this.#controlPerSecondMax = config.controlPerSecondMax;
    const hub = this.#hub();
    this.#bans = new BansPart(hub, config.bans, self.id, bans);
    this.#standing = new Standing(
      config.reputation,
      this.#bans.core,
      hub.later((verdict) => this.#onVerdict(verdict)),
    );
    // The log holds the messages that are held for repair, so they count alike.
    this.pubsub = new PubSub(config.pubsub, (body) => bodies.sizeOf(body) + heldMessageBytes);
    this.root = new Swarm({
      id: rootSwarm,
      hyparview: config.hyparview,
      plumtree: config.plumtree,
      self,
      rng: rng.child(),
      admission: { ...this.#standing.policy(admission), isDoubted: (id) => this.directory.isDoubted(id) },
      sizeOf: (body) => bodies.sizeOf(body),
      primitives,
    });
    this.#swarmOut = new CoreOutbox(
      hub.side,
      need.membership,
      (message) => message,
      hub.later((event) => this.#onSwarm(event)),
    );
    // On an idle link nothing else is sent for hours: what can wait goes along with its pings.
    const pinged = (peer: PeerId): void => this.root.piggyback(peer, this.#swarmOut);
    this.#liveness = new LivenessPart(hub, config.liveness, self, rng.child(), pinged);
    this.#directory = new DirectoryPart(hub, config.directory, self, rng.child());
    this.#observe = new ObservePart(hub, config.observe, self, rng.child(), (report) => this.completed(report));
    this.#canary = new Canary(config.canary, rng.child());
    this.#summaries = new SummariesPart(hub, config.summaries, self, rng.child());
    this.#holders = new HoldersPart(hub, config.holders, self.id, this.#summaries.core);
    this.#router = new QueryRouter(config.auto, {
      self: () => this.#self,
      peers: () => this.directory.size,
      member: (id) => this.directory.get(id),
      isNeighbor: (id) => this.root.membership.isNeighbor(id),
      hasKeywords: () => this.#keywords.core.isOn,
      sight: (terms) => this.search.sight(terms),
      summaries: this.#summaries.core,
    });
    this.#search = new SearchPart(hub, config.search, self.id, rng.child());
    this.#lookup = new LookupPart(hub, {
      ...{ config: config.lookup, self, rng: rng.child(), ...(verifyRecord && { verify: verifyRecord }) },
      members: (after, size) => this.directory.page(after, size),
      ended: (lookupId, result) => this.#keywords.lookedUp(lookupId, result),
    });
    this.#keywords = new KeywordsPart(hub, {
      ...{ config: config.keywords, rng: rng.child(), ...(signRecord && { sign: signRecord }) },
      sight: (word) => this.search.sight([[word]]),
      lookup: (command) => this.#lookup.command(command),
      found: (...found) => this.#onRouted(this.#router.keywordsFound(this.#now, ...found)),
    });
    this.#aggregate = new AggregatePart(hub, config.aggregate, self.id, (row) => this.#completedRow(row));
    this.#antiEntropy = new AntiEntropy(config.antiEntropy, rng.child());
    this.#rng = rng.child();
    this.#parts = [
      this.#liveness,
      this.#directory,
      this.#holders,
      this.#keywords,
      this.#search,
      this.#observe,
      this.#bans,
      this.#summaries,
      this.#lookup,
      this.#aggregate,
    ];
  }

  get liveness(): Liveness {
    return this.#liveness.core;
  }

  get directory(): Directory {
    return this.#directory.core;
  }

  get search(): Search {
    return this.#search.core;
  }

  get observe(): Observe {
    return this.#observe.core;
  }

  get aggregate(): Aggregation {
    return this.#aggregate.core;
  }

  get lookup(): Kademlia {
    return this.#lookup.core;
  }

  get keywords(): Keywords {
    return this.#keywords.core;
  }

  /** What the mesh's operators say about peers. */
  get bans(): Bans {
    return this.#bans.core;
  }

  /** Whether links with a peer are refused now, whoever decided that. */
  isBanned(peer: PeerId): boolean {
    return this.#standing.isBanned(peer);
  }

  get summaries(): Summaries {
    return this.#summaries.core;
  }

  get holders(): HoldersPart<B>['core'] {
    return this.#holders.core;
  }

  /** How long until one more `publish` would be taken; 0: now. */
  paceMs(now: Millis): Millis {
    return this.root.broadcast.paceMs(now);
  }

  /** Whether members that are no neighbours are asked for what comes, because neighbours were seen not to pass it on. */
  get isBypassing(): boolean {
    return this.#antiEntropy.isBypassing;
  }

  /** This peer, with its latest incarnation. */
  get self(): PeerInfo {
    return this.#self;
  }

  /** How often each way was chosen for a question that left it open. */
  get chosen(): QueryRouter['chosen'] {
    return this.#router.chosen;
  }

  /** How often a question went on another way, because the first found too little. */
  get fellBack(): QueryRouter['fellBack'] {
    return this.#router.fellBack;
  }

  /** Links that are up or being dialled: neighbours, and others for a moment. */
  get linkCount(): number {
    return this.#links.size;
  }

  /** What this peer thinks of others, from what it saw itself. */
  get reputation(): Reputation {
    return this.#standing.reputation;
  }

  /** Smoothed round trip to a neighbour, in ms; undefined when it was not measured yet. */
  rttOf(peer: PeerId): Millis | undefined {
    return this.#rtts.get(peer);
  }

  handle(now: Millis, input: Input<MeshMessage<B>, MeshCommand>, out: MeshOutbox<B>): void {
    this.#now = now;
    this.#standing.at(now);
    this.#out = out;
    switch (input.kind) {
      case 'message':
        this.#onMessage(input.from, input.message);
        break;
      case 'linkUp':
        this.#onLinkUp(input.peer);
        break;
      case 'linkDown':
        this.#onLinkDown(input.peer, input.reason);
        break;
      case 'command':
        this.#onCommand(input.command);
        break;
      case 'tick':
        this.#onTick();
        break;
      default:
        unreachable(input);
    }
    this.#settle();
  }

  nextDeadline(): Millis {
    const next = Math.min(
      this.root.nextDeadline(),
      this.pubsub.nextDeadline(),
      this.#canary.nextDeadline(),
      this.#antiEntropy.nextDeadline(),
      this.#links.nextDeadline(),
      this.#standing.reputation.nextDeadline(),
    );
    return Math.min(next, this.#deadlines.earliest());
  }

  /** What the parts see of this mesh. */
  #hub(): Hub<B> {
    return {
      side: {
        openLink: (peer, bit) => {
          if (this.#links.require(peer.id, bit, this.#now)) this.#out.open(peer);
        },
        send: (to, message) => this.#out.send(to, message),
        releaseLink: (peer, bit) => this.#links.release(peer, bit, this.#now),
      },
      deadlines: this.#deadlines,
      now: () => this.#now,
      later: (handle) => (event) => void this.#handOvers.push({ handle, event } as HandOver),
      emit: (event) => {
        if (event.kind === 'rtt') this.#rtts.set(event.peer, event.rttMs);
        this.#onRouted(this.#router.seen(this.#now, event));
      },
      broadcast: (body, patient) => this.#broadcast(body, false, patient),
      tell: (fact) => this.#tell(fact),
      membership: (command) => this.#swarmCommand(command),
      expel: (peer) => {
        this.#swarmCommand({ kind: 'expel', peer });
        this.#out.close(peer);
      },
      treeLinks: (tree) => this.root.broadcast.branches(tree),
      ownTree: () => this.root.broadcast.zoneTree,
      violation: ({ peer, rule }) => this.#onViolation({ kind: 'protocolViolation', peer, rule }),
      renew: (incarnation) => {
        this.#self = { ...this.#self, incarnation };
        this.root.membership.setSelf(this.#self);
        this.#out.emit({ kind: 'selfChanged', self: this.#self });
      },
      canaryInstead: () => {
        const canary = this.#canary.next(this.#now, this.directory.size);
        if (canary !== undefined) this.#sendCanary(canary);
        return canary !== undefined;
      },
    };
  }

  #tell(fact: Fact): void {
    for (const part of this.#parts) part.fact(fact);
  }

  /** Hands over what the cores said about each other until nobody has anything left to say. */
  #settle(): void {
    const queue = this.#handOvers;
    if (queue.length > 0) {
      for (let i = 0; i < queue.length; i++) {
        const { handle, event } = queue[i] as HandOver;
        handle(event);
      }
      queue.length = 0;
    }
    if (this.#isReadable) {
      this.#isReadable = false;
      this.#out.emit({ kind: 'readable' });
    }
    this.#swarmOut.forget();
  }

  #onMessage(from: PeerId, message: MeshMessage<B>): void {
    const now = this.#now;
    if (this.#standing.isBanned(from)) return;
    this.#links.traffic(from, now);
    if (isControl(message)) {
      const count = this.#links.counted(from, now);
      if (count > this.#controlPerSecondMax) {
        // Once for each second that was too full.
        if (count === this.#controlPerSecondMax + 1) this.#standing.misdeed(from, 'flood', 1);
        return;
      }
    }
    // A peer that talks is alive, whatever its pings do.
    this.liveness.sawTraffic(now, from);
    switch (message.area) {
      case 'membership':
      case 'broadcast':
        // A swarm that this peer is not in: nothing to do here, and nothing wrong with the sender, who may be newer.
        if (message.swarm === rootSwarm) this.root.handle(now, { kind: 'message', from, message }, this.#swarmOut);
        break;
      case 'liveness':
        this.#liveness.message(from, message.message);
        break;
      case 'directory':
        this.#directory.message(from, message.message);
        break;
      case 'search':
        this.#search.message(from, message.message);
        break;
      case 'bans':
        this.#bans.message(from, message.message);
        break;
      case 'summaries':
        this.#summaries.message(from, message.message);
        break;
      case 'holders':
        this.#holders.message(from, message.message);
        break;
      case 'lookup':
        this.#lookup.message(from, message.message);
        break;
      case 'aggregate':
        this.#aggregate.message(from, message.message);
        break;
      default:
        unreachable(message);
    }
  }

  #onLinkUp(peer: PeerInfo): void {
    const now = this.#now;
    this.#links.up(peer.id, now);
    this.root.handle(now, { kind: 'linkUp', peer }, this.#swarmOut);
    for (const part of this.#parts) part.linkUp(peer);
    if (this.#standing.isBanned(peer.id)) this.#out.close(peer.id);
  }

  #onLinkDown(peer: PeerId, reason: LinkDownReason): void {
    const now = this.#now;
    this.#links.down(peer);
    this.#rtts.delete(peer);
    this.root.handle(now, { kind: 'linkDown', peer, reason }, this.#swarmOut);
    for (const part of this.#parts) part.linkDown(peer, reason);
  }

  #onCommand(command: MeshCommand): void {
    switch (command.kind) {
      case 'contacts':
        this.#onContacts(command.peers);
        break;
      case 'publish': {
        const { topic, payload, headers, wantHeld, requestId } = command;
        this.#publishing = { requestId };
        this.#broadcast({ kind: 'user', topic, payload, headers }, wantHeld);
        break;
      }
      case 'ban':
        this.#standing.ban(command.peer, command.forMs);
        break;
      case 'pardon':
        this.#standing.pardon(command.peer);
        break;
      case 'leave':
        this.#leave();
        break;
      case 'query':
        this.#onRouted(this.#router.route(this.#now, command));
        break;
      case 'cancelQuery': {
        const queryId = this.#router.cancelled(command.queryId);
        this.#order({ ...command, queryId });
        break;
      }
      default:
        this.#order(command);
    }
  }

  /** A question goes where it is to go; anything else is for the layer above. */
  #onRouted(routed: MeshEvent | Route | null): void {
    switch (routed?.kind) {
      case undefined:
        break;
      case 'holders':
        this.#holders.ask(routed.command, routed.holders);
        break;
      case 'keywords':
        this.#keywords.find(routed.command, routed.fingerprints);
        break;
      case 'search':
        this.#search.ask(routed.command);
        break;
      default:
        this.#out.emit(routed as MeshEvent);
    }
  }

  #order(command: MeshCommand): void {
    assert(
      this.#parts.some((part) => part.order(command)),
      `a part for the command "${command.kind}"`,
    );
  }

  /**
   * The membership takes a contact in neither of its views for a hint of another island and bridges to it, which moves links.
   * In a mesh larger than both views most of its own peers are in neither, and discovery finds them again and again; but
   * whom the directory knows is on this island, or was when links to it broke, and lost neighbours are retried anyway.
   */
  #onContacts(peers: readonly PeerInfo[]): void {
    const isAlone = this.root.membership.activeView().length === 0;
    const news = isAlone ? peers : peers.filter(({ id }) => this.directory.get(id) === undefined);
    if (news.length > 0 || isAlone) this.#swarmCommand({ kind: 'contacts', peers: news });
  }

  #onTick(): void {
    const now = this.#now;
    if (this.root.nextDeadline() <= now) this.root.handle(now, { kind: 'tick' }, this.#swarmOut);
    for (const part of this.#parts) part.tick();
    if (this.pubsub.nextDeadline() <= now && this.pubsub.tick(now)) this.#isReadable = true;
    const canary = this.#canary.due(now, this.directory.size);
    if (canary !== undefined) {
      this.#sendCanary(canary);
      this.#directory.command({ kind: 'spoke' });
    }
    if (this.#antiEntropy.nextDeadline() <= now) this.#compare();
    this.#standing.tick();
    for (const peer of this.#links.expired(now)) this.#out.close(peer);
  }

  /** Asks members that are no neighbours what they hold, when it is time. */
  #compare(): void {
    const now = this.#now;
    const mayBeAsked = (id: PeerId): PeerInfo | undefined =>
      id === this.#self.id || this.root.membership.isNeighbor(id) || this.#standing.isBanned(id)
        ? undefined
        : this.directory.get(id);
    const random = (): PeerInfo | undefined => {
      const ids = this.directory.upIds();
      for (let tries = 0; tries < comparisonTries; tries++) {
        const peer = mayBeAsked(ids[this.#rng.below(ids.length)] as PeerId);
        if (peer !== undefined) return peer;
      }
      return undefined;
    };
    for (const { peer, follow } of this.#antiEntropy.due(now, mayBeAsked, random)) {
      if (this.#links.require(peer.id, need.comparison, now)) this.#out.open(peer);
      this.#swarmCommand({ kind: 'compare', peer: peer.id, follow });
    }
    this.#tellBypass();
  }

  #tellBypass(): void {
    if (this.isBypassing === this.#isBypassTold) return;
    this.#isBypassTold = this.isBypassing;
    this.#out.emit({ kind: 'bypass', isOn: this.isBypassing });
  }

  /** Out of everybody's views and directory, and never back in this incarnation. */
  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#canary.stop();
    this.#antiEntropy.stop();
    // The directory's farewell is a broadcast, so it must go out while there are still neighbours.
    this.#tell({ kind: 'leaving' });
    this.#settle();
    this.#swarmCommand({ kind: 'leave' });
    this.#settle();
    // All farewells are queued; closing flushes them. Lingering for answers would only hold up the end of the process.
    for (const peer of this.#links.peers()) this.#out.close(peer);
  }

  #onSwarm(event: SwarmEvent<B>): void {
    switch (event.kind) {
      case 'neighborUp':
        this.#onNeighborUp(event.peer);
        break;
      case 'neighborDown':
        this.#onNeighborDown(event.peer, event.reason);
        break;
      case 'contactsNeeded':
        this.#out.emit(event);
        break;
      case 'delivered':
        if (event.from !== null) this.#standing.served(event.from);
        this.#onDelivered(event.message, event.from);
        break;
      case 'overpaced':
        this.#refusePublish(event.retryAfterMs);
        break;
      case 'flooded':
        this.#standing.misdeed(event.peer, 'flood', deliberateFlood);
        break;
      case 'brokenPromise':
        this.#standing.misdeed(event.peer, 'brokenPromise', event.messages);
        break;
      case 'held':
        this.#out.emit(event);
        break;
      case 'compared':
        this.#antiEntropy.learned(this.#now, event.peer, event.brought, event.lacked);
        this.#tellBypass();
        if (event.isOver) this.#links.release(event.peer, need.comparison, this.#now);
        break;
      case 'caughtUp':
        if (!this.#isCaughtUp) {
          this.#isCaughtUp = true;
          this.#out.emit({ kind: 'caughtUp' });
        }
        break;
      case 'lost':
        if (!isEphemeral(event.range.stream)) {
          if (this.pubsub.lost(this.#now, event.range)) this.#isReadable = true;
        }
        break;
      case 'protocolViolation':
        this.#onViolation(event);
        break;
      default:
        unreachable(event);
    }
  }

  #onViolation(event: Extract<MeshEvent, { readonly kind: 'protocolViolation' }>): void {
    this.#standing.misdeed(event.peer, 'violation', 1);
    this.#out.emit(event);
  }

  #onVerdict(verdict: ReputationEvent): void {
    if (verdict.kind !== 'pardoned') {
      this.#swarmCommand({ kind: 'expel', peer: verdict.peer });
      if (verdict.kind === 'banned') this.#out.close(verdict.peer);
    }
    this.#out.emit({ kind: 'judged', verdict });
  }

  #onNeighborUp(peer: PeerInfo): void {
    this.#tell({ kind: 'neighborUp', peer });
    this.#canary.start(this.#now);
    this.#antiEntropy.start(this.#now);
    this.#out.emit({ kind: 'neighborUp', peer });
  }

  /**
   * The membership ranks whom it hears of for its places; the directory knows everybody. New members are told as they come, and
   * all of them again when a place was lost, since of those in line the membership keeps the first only.
   */
  #tellMembers(): void {
    if (this.#now < this.#tellMembersFrom) return;
    this.#tellMembersFrom = this.#now + membersToldIntervalMs;
    for (let after = ''; ; ) {
      const peers = this.directory.page(after, membersToldAtOnce);
      if (peers.length > 0) this.#swarmCommand({ kind: 'heard', peers });
      if (peers.length < membersToldAtOnce) return;
      after = peers.at(-1)?.id ?? '';
    }
  }

  #onNeighborDown(peer: PeerInfo, reason: string): void {
    this.#rtts.delete(peer.id);
    this.#standing.forget(peer.id);
    this.#tell({ kind: 'neighborDown', peer, isGone: reason !== 'evicted' && reason !== 'swapped' });
    this.#tellMembers();
    this.#out.emit({ kind: 'neighborDown', peer, reason });
  }

  #onDelivered(message: Gossip<B>, from: PeerId | null): void {
    if (from !== null && this.bans.size > 0 && this.bans.isBanned(this.#now, parseStream(message.stream).origin)) {
      this.#withhold(message);
      return;
    }
    const body = this.#bodies.decode(message.body);
    if (body === null) {
      // Forwarded already, unread; whoever made it is to blame, not the neighbour that relayed it.
      this.#out.emit({ kind: 'protocolViolation', peer: message.stream, rule: 'body that cannot be read' });
      return;
    }
    switch (body.kind) {
      case 'user':
        this.#antiEntropy.heard(this.#now);
        if (this.pubsub.delivered(this.#now, message, body.topic)) this.#isReadable = true;
        if (from === null) this.#answerPublish(message);
        break;
      case 'canary':
        if (from !== null) this.#onCanary(message, body.number, body.refreshMs);
        break;
      default:
        if (from !== null) this.#onPartBody(message, body);
    }
  }

  /**
   * What an origin says that the mesh has banned reaches nobody here, whoever brought it. Its stream goes on after a gap, as after
   * a message that nobody has any more.
   */
  #withhold({ stream, seq }: Gossip<B>): void {
    if (isEphemeral(stream)) return;
    if (this.pubsub.lost(this.#now, { stream, from: seq, to: seq })) this.#isReadable = true;
  }

  #sendCanary(number: number): void {
    this.#broadcast({ kind: 'canary', number, refreshMs: this.directory.refreshMs }, false);
    this.#out.emit({ kind: 'canarySent', number });
  }

  #answerPublish(message: Gossip<B>): void {
    const publishing = this.#publishing;
    if (!publishing) return;
    this.#publishing = undefined;
    this.#out.emit({
      kind: 'published',
      requestId: publishing.requestId,
      stream: message.stream,
      seq: message.seq,
      publishedAt: message.publishedAt,
      neighbors: this.root.membership.activeView().length,
    });
  }

  #refusePublish(retryAfterMs: Millis): void {
    const publishing = this.#publishing;
    if (!publishing) return;
    this.#publishing = undefined;
    this.#out.emit({ kind: 'publishRefused', requestId: publishing.requestId, retryAfterMs });
  }

  #onCanary(message: Gossip<B>, number: number, refreshMs: Millis): void {
    const { origin, incarnation } = parseStream(message.stream);
    this.#directory.command({ kind: 'heard', id: origin, incarnation, refreshMs });
    // The clocks of two machines differ; a message is never early.
    const delayMs = Math.max(0, this.#now - message.publishedAt);
    this.#out.emit({ kind: 'canary', origin, incarnation, number, delayMs, hops: message.round });
  }

  /** Each broadcast speaks for its origin only. */
  #onPartBody(gossip: Gossip<B>, body: Body): void {
    const { origin } = parseStream(gossip.stream);
    assert(
      this.#parts.some((part) => part.body(origin, body)),
      `a part for the body "${body.kind}"`,
    );
  }

  #swarmCommand(command: SwarmCommand<B>): void {
    this.root.handle(this.#now, { kind: 'command', command }, this.#swarmOut);
  }

  #broadcast(body: Body, wantHeld: boolean, patient = body.kind === 'canary'): void {
    // Only what users published is held for replay. The mesh's own messages repair themselves in their own ways.
    const command = {
      kind: 'broadcast',
      body: this.#bodies.encode(body),
      wantHeld,
      ephemeral: body.kind !== 'user',
      patient,
    } as const;
    this.#swarmCommand(command);
  }

  /** A report with what only the mesh knows: who it is, and what it makes of its links. */
  completed(report: Omit<PeerReport, 'number'>): Omit<PeerReport, 'number'> {
    const { broadcast, membership } = this.root;
    return {
      ...report,
      info: this.#self,
      passiveSize: membership.passiveView().length,
      conditions: this.isBypassing ? [...report.conditions, 'neighborsBypassed'] : report.conditions,
      links: report.links
        .filter((link) => membership.isNeighbor(link.peer))
        .map((link) => ({
          ...link,
          role: broadcast.roleOf(link.peer) ?? 'lazy',
          rttMs: this.#rtts.get(link.peer) ?? -1,
        })),
    };
  }

  /** What this peer can be asked about itself, with what only the mesh knows. */
  #completedRow(row: PeerRow): PeerRow {
    const { broadcast, membership } = this.root;
    const { id, name, zone, incarnation } = this.#self;
    return {
      ...row,
      ...{ id, name, zone, incarnation },
      known: this.directory.size,
      active: membership.activeView().length,
      eager: broadcast.eagerPeers(broadcast.zoneTree).length,
      passive: membership.passiveView().length,
      banned: this.reputation.bans(this.#now).length,
      rtt: [...this.#rtts.values()],
      links: this.#links.size,
      delivered: this.pubsub.stats.delivered,
      queries: this.search.activeCount,
      records: this.lookup.store.count,
    };
  }
}

/** What costs work and carries no body: bodies and what answers them come as fast as they are published. */
function isControl(message: MeshMessage<unknown>): boolean {
  return message.area !== 'broadcast' || message.message.kind === 'iHave';
}
