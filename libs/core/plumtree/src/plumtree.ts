import {
  assert,
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type ProtocolCore,
  type Rng,
  SmallMap,
  unreachable,
} from '@starling/kernel';
import { Admission } from './admission.ts';
import { BatchSignatures, type SignaturePrimitives, type SignatureStats } from './batch-signatures.ts';
import { checkPlumtreeConfig, type PlumtreeConfig } from './config.ts';
import { DigestRepair } from './digest-repair.ts';
import { Grafting } from './grafting.ts';
import type { MessageStore } from './message-store.ts';
import {
  ephemeralStream,
  type Gossip,
  type IHaveItem,
  type PlumtreeCommand,
  type PlumtreeEvent,
  type PlumtreeMessage,
  patientStream,
  type SeqRange,
  type StreamDigest,
  type StreamId,
} from './messages.ts';
import type { Missing } from './missing.ts';
import { Neighbor } from './neighbor.ts';
import { OriginLimits, workOf } from './origin-limits.ts';
import { Outsiders } from './outsiders.ts';
import { OwnPace } from './own-pace.ts';
import { Retention } from './retention.ts';
import { newStats, type PlumtreeStats } from './stats.ts';
import { type StreamState, StreamTable } from './stream-table.ts';
import type { Tree } from './tree.ts';
import { TreeChoice } from './tree-choice.ts';
import type { Entry, TreeLabel } from './tree-label.ts';
import { TreeLag } from './tree-lag.ts';
import { entryBy, TreeLinks } from './tree-links.ts';
import { TreeTable } from './tree-table.ts';
import {
  digestRuleBroken,
  gossipRuleBroken,
  graftRuleBroken,
  iHaveRuleBroken,
  nextRound,
  pruneRuleBroken,
  rangesRuleBroken,
} from './validity.ts';

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;

/**
 * Epidemic broadcast trees: Leitão, Pereira, Rodrigues, SRDS 2007 (TR-07-14). Payloads are pushed along the eager links,
 * which prune themselves to a tree; the other links carry announcements, by which a hole in the tree is noticed and
 * grafted. `DigestRepair` adds what announcements cannot reach.
 *
 * Deviation: an id is (stream, number), so that duplicate suppression is a watermark per stream, not a set of ids.
 */
export class Plumtree<B> implements ProtocolCore<PlumtreeMessage<B>, PlumtreeCommand<B>, PlumtreeEvent<B>> {
  /** What is held for grafts, pulls and replays. */
  readonly store: MessageStore<B>;
  readonly stats: PlumtreeStats = newStats();
  readonly #config: PlumtreeConfig;
  readonly #own: StreamState;
  readonly #ownEphemeral: StreamState;
  readonly #ownPatient: StreamState;
  readonly #streams: StreamTable;
  readonly #repair: DigestRepair<B>;
  readonly #outsiders: Outsiders<B>;
  readonly #retention: Retention<B>;
  readonly #byId = new SmallMap<Neighbor>();
  /** The same neighbours in the order in which they came: what loops go by. */
  readonly #neighbors: Neighbor[] = [];
  /** Those of them whose place went to another, the first to go first. */
  readonly #retiring: Neighbor[] = [];
  readonly #zone: string;
  readonly #trees: TreeTable;
  readonly #choice: TreeChoice;
  readonly #links: TreeLinks<B>;
  readonly #limits: OriginLimits;
  readonly #admission: Admission<B>;
  readonly #pace: OwnPace;
  readonly #sizeOf: (body: B) => number;
  /** Null: members are trusted. */
  readonly #signatures: BatchSignatures<B> | null;
  readonly #lag: TreeLag;
  readonly #grafting: Grafting<B>;
  /** Of the last input. */
  #now: Millis = 0;
  #deadline: Millis = Number.POSITIVE_INFINITY;
  /** False: it is to be looked for in all that waits. Nearly every second input announces what is here, and changes nothing. */
  #isDeadlineKnown = false;

  /**
   * `sizeOf` gives the bytes that a body takes in the store. `self.stream` must be new with every start; `self.zone` is
   * empty where zones are not known. `primitives` are needed unless `config.signatures` is `links`.
   */
  constructor(
    config: PlumtreeConfig,
    self: { readonly id: PeerId; readonly stream: StreamId; readonly zone: string },
    rng: Rng,
    sizeOf: (body: B) => number,
    primitives?: SignaturePrimitives<B>,
  ) {
    checkPlumtreeConfig(config);
    assert(config.signatures === 'links' || primitives !== undefined, 'signatures need their primitives');
    this.#signatures =
      config.signatures === 'links' || primitives === undefined ? null : new BatchSignatures(config, primitives);
    this.#limits = new OriginLimits(config);
    this.#admission = new Admission(config, this.#limits, this.#signatures, this.stats, sizeOf);
    this.#pace = new OwnPace(config, self.stream);
    this.#lag = new TreeLag(config);
    this.#sizeOf = sizeOf;
    this.#config = config;
    this.#zone = self.zone;
    this.#streams = new StreamTable(config.streamsMax);
    this.#own = this.#streams.addOwn(self.stream);
    this.#ownEphemeral = this.#streams.addOwn(ephemeralStream(self.stream));
    this.#ownPatient = this.#streams.addOwn(patientStream(self.stream));
    this.#trees = new TreeTable(config, self.id, this.#neighbors);
    this.#choice = new TreeChoice(config, self, this.#trees, this.#neighbors);
    this.#links = new TreeLinks(config, this.#trees, this.stats, this.#neighbors, rng);
    this.#grafting = new Grafting({
      ...{ config, neighbors: this.#byId, trees: this.#trees, links: this.#links },
      ...{ limits: this.#limits, lag: this.#lag, stats: this.stats, streams: this.#streams },
    });
    this.#retention = new Retention(config, this.stats, sizeOf);
    this.store = this.#retention.store;
    this.#outsiders = new Outsiders(config, this.#streams, this.store, this.stats);
    this.#repair = new DigestRepair(
      config,
      this.#streams,
      this.store,
      this.stats,
      rng,
      this.#neighbors,
      this.#outsiders,
      (now, stream) => this.#limits.isOver(stream, now),
    );
  }

  /** Neighbours that the payloads of a tree are pushed to, in the order in which they came. */
  eagerPeers(label: TreeLabel = this.zoneTree): PeerId[] {
    return this.#peersWhere((neighbor) => !this.#trees.get(label)?.isLazy(neighbor));
  }

  /** Neighbours that only announcements of a tree are sent to. */
  lazyPeers(label: TreeLabel = this.zoneTree): PeerId[] {
    return this.#peersWhere((neighbor) => this.#trees.get(label)?.isLazy(neighbor) ?? false);
  }

  /**
   * A tree for those who also need the way back: the links that payloads take or would take if there were any, and the others. What pushes to us one way, in
   * place of a parent, is among the first.
   */
  branches(label: TreeLabel): { readonly eager: PeerId[]; readonly lazy: PeerId[] } {
    const standIn = this.#trees.get(label)?.standIn?.id;
    const lazy = this.lazyPeers(label).filter((id) => id !== standIn);
    return { eager: this.#peersWhere(({ id }) => !lazy.includes(id)), lazy };
  }

  #peersWhere(condition: (neighbor: Neighbor) => boolean): PeerId[] {
    return this.#neighbors.filter((neighbor) => !neighbor.isRetiring && condition(neighbor)).map(({ id }) => id);
  }

  /** The place of a neighbour in the tree of this peer's zone; null when it is none. */
  roleOf(peer: PeerId): 'eager' | 'lazy' | null {
    const neighbor = this.#byId.get(peer);
    if (neighbor === undefined) return null;
    return this.#trees.get(this.zoneTree)?.isLazy(neighbor) ? 'lazy' : 'eager';
  }

  /** The tree that this peer's messages take while it sends few. */
  get zoneTree(): TreeLabel {
    return this.#choice.grownZoneTree(this.#now);
  }

  /** Payloads that this neighbour pushed and that were known, since it became one. */
  duplicatesFrom(peer: PeerId): number {
    return this.#byId.get(peer)?.duplicates ?? 0;
  }

  /** How long until one more own message would be taken; 0: now. What is ephemeral is taken always. */
  paceMs(now: Millis): Millis {
    return this.#pace.waitMs(now);
  }

  /** Streams whose watermark is kept, and those forgotten because there were too many. */
  get streams(): { readonly known: number; readonly evicted: number } {
    return { known: this.#streams.size, evicted: this.#streams.evicted };
  }

  /** Trees that are kept, those forgotten to make room, and messages whose tree found none. */
  get trees(): { readonly known: number; readonly evicted: number; readonly overflowed: number } {
    return { known: this.#trees.size, evicted: this.#trees.evicted, overflowed: this.#trees.overflowed };
  }

  /** What signatures cost and refused; null where nothing is signed. */
  get signatureStats(): Readonly<SignatureStats> | null {
    return this.#signatures?.stats ?? null;
  }

  handle(now: Millis, input: Input<PlumtreeMessage<B>, PlumtreeCommand<B>>, out: Out<B>): void {
    this.#now = now;
    if (this.#mayMoveDeadline(input)) this.#isDeadlineKnown = false;
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        this.#onTick(now, out);
        break;
      case 'linkUp':
      case 'linkDown':
        break; // Membership says who is a neighbour.
      default:
        unreachable(input);
    }
  }

  /** An announcement says so itself when it does; that a link is down concerns mostly a peer that is no neighbour. */
  #mayMoveDeadline(input: Input<PlumtreeMessage<B>, PlumtreeCommand<B>>): boolean {
    if (input.kind === 'message') return input.message.kind !== 'iHave';
    if (input.kind !== 'command' || input.command.kind !== 'neighborDown') return true;
    const { peer } = input.command;
    return this.#byId.has(peer) || this.#outsiders.find(peer) !== undefined;
  }

  /** Something is being sent to this peer: what it is owed goes along. */
  piggyback(peer: PeerId, out: Out<B>): void {
    const neighbor = this.#byId.get(peer);
    if (neighbor !== undefined) this.#links.payOwed(neighbor, out);
  }

  nextDeadline(): Millis {
    if (this.#isDeadlineKnown) return this.#deadline;
    let at = Math.min(this.#links.announceAt, this.#links.oweAt, this.#retention.sweepAt, this.#repair.nextDeadline());
    at = Math.min(at, this.#grafting.nextDeadline());
    const retiring = this.#retiring[0];
    if (retiring !== undefined) at = Math.min(at, retiring.retiresAt);
    this.#deadline = at;
    this.#isDeadlineKnown = true;
    return at;
  }

  #onMessage(now: Millis, from: PeerId, message: PlumtreeMessage<B>, out: Out<B>): void {
    if (message.kind === 'gossip') {
      this.#onGossip(now, from, message, out);
      return;
    }
    const neighbor = this.#byId.get(from);
    if (neighbor === undefined) {
      this.#onOutsider(now, from, message, out);
      return;
    }
    switch (message.kind) {
      case 'iHave':
        this.#onIHave(now, neighbor, message.items, out);
        break;
      case 'graft':
        this.#onGraft(now, neighbor, message, out);
        break;
      case 'prune':
        this.#onPrune(now, neighbor, message, out);
        break;
      case 'digest':
        this.#onDigest(now, neighbor, message, out);
        break;
      case 'pull':
        this.#onPull(neighbor, message.ranges, out);
        break;
      case 'held':
        this.#onHeld(neighbor, message, out);
        break;
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: PlumtreeCommand<B>, out: Out<B>): void {
    switch (command.kind) {
      case 'broadcast':
        this.#broadcast(now, command, out);
        break;
      case 'neighborUp':
        this.#neighborUp(now, command.peer, command.zone, out);
        break;
      case 'neighborDown':
        this.#neighborDown(now, command.peer, out);
        break;
      case 'neighborRetiring':
        this.#neighborRetiring(now, command.peer, out);
        break;
      case 'compare':
        this.#compare(now, command.peer, command.follow, out);
        break;
      default:
        unreachable(command);
    }
  }

  #onTick(now: Millis, out: Out<B>): void {
    if (this.#links.announceAt <= now) this.#links.flushAnnouncements(now, out);
    if (this.#links.oweAt <= now) this.#links.payDue(now, out);
    this.#grafting.tick(now, out);
    this.#repair.tick(now, out);
    for (
      let retired = this.#retiring[0];
      retired !== undefined && retired.retiresAt <= now;
      retired = this.#retiring[0]
    ) {
      this.#neighborDown(now, retired.id, out);
    }
    if (this.#retention.sweepAt <= now) this.#retention.sweep(now, out);
  }

  // Algorithm 1: eager push and lazy push

  /** Algorithm 1, Broadcast. */
  #broadcast(now: Millis, command: Extract<PlumtreeCommand<B>, { kind: 'broadcast' }>, out: Out<B>): void {
    const ephemeral = command.patient ? this.#ownPatient : this.#ownEphemeral;
    const state = command.ephemeral ? ephemeral : this.#own;
    const retryAfterMs = command.ephemeral ? 0 : this.#pace.waitMs(now);
    if (retryAfterMs > 0) {
      this.stats.overpaced++;
      out.emit({ kind: 'overpaced', retryAfterMs });
      return;
    }
    const seq = state.floor + 1;
    state.add(seq, now);
    state.lastAt = now;
    const wantHeld = command.wantHeld && !command.ephemeral;
    const stream = state.id;
    const label = command.ephemeral ? this.#choice.zoneTree(now) : this.#choice.next(now);
    const tree = this.#trees.ofStream(now, state, label);
    this.#links.openStandIn(tree, null, out);
    tree.isOwn = true;
    tree.entry = 0;
    tree.usedAt = now;
    const message: Gossip<B> = {
      kind: 'gossip',
      stream,
      seq,
      round: 0,
      publishedAt: now,
      wantHeld: false,
      repair: false,
      tree: label,
      entry: 0,
      signature: this.#signatures?.sign({ stream, seq, publishedAt: now, tree: label, body: command.body }) ?? null,
      body: command.body,
    };
    this.stats.published++;
    const isNewBatch = this.#signatures !== null && message.signature?.first === seq;
    this.#pace.spend(now, workOf(this.#sizeOf(command.body), isNewBatch));
    this.#keep(now, state, message);
    this.stats.delivered++;
    out.emit({ kind: 'delivered', message, from: null });
    const first: Gossip<B> = { ...message, round: 1, wantHeld };
    for (const neighbor of tree.eager) {
      this.stats.gossipsSent++;
      out.send(neighbor.id, first);
    }
    if (!state.isEphemeral) this.#pushOutside(now, message, tree.entry, null, out);
    // Only eager links would answer `held`; the others get a copy that says nothing about the tree.
    if (wantHeld && tree.hasLazy) this.#pushOutsideTree(tree, { ...first, repair: true }, out);
    this.#announce(now, state, tree, message, 1, out);
  }

  /** Algorithm 1, Receive GOSSIP. The hot path. */
  #onGossip(now: Millis, from: PeerId, received: Gossip<B>, out: Out<B>): void {
    const broken = gossipRuleBroken(received);
    if (broken !== null) {
      this.#violation(from, broken, out);
      return;
    }
    const { stream, seq } = received;
    const neighbor = this.#byId.get(from);
    const known = this.#streams.get(stream);
    const message = known?.has(seq) === true ? received : this.#admission.judge(now, from, received, known, out);
    if (message === 'refused') return;
    if (message === 'shed') {
      // Whoever announced it kept its word.
      if (known !== undefined) this.#grafting.settle(known, seq);
      return;
    }
    const state = known ?? this.#streams.getOrAdd(stream, now);
    const tree = this.#trees.ofStream(now, state, message.tree);
    const answersPull = message.repair && neighbor !== undefined && this.#repair.answersPull(now, neighbor, state);
    const hadHoles = state.hasHoles;
    if (!state.add(seq, now)) {
      this.#onDuplicate(now, from, state, tree, message, out);
      return;
    }
    if (state.hasHoles) this.#retention.noteHoles(now, state, hadHoles, out);
    const missing = this.#grafting.settle(state, seq);
    // Done with, so that nobody is asked for it again.
    if (!this.#admission.isInWindow(now, message)) return;
    state.lastAt = now;
    const isHeld = this.#keep(now, state, message);
    if (message.wantHeld && isHeld && !state.isEphemeral) out.send(from, { kind: 'held', stream, seq });
    this.stats.delivered++;
    out.emit({ kind: 'delivered', message, from });
    if (message.repair && neighbor === undefined) this.#repair.outsiderBrought(now, from, stream, out);
    if (answersPull) {
      // The tree's own copy may be on its way.
      const repair = state.repairing();
      if (seq > repair.repairedTo) {
        repair.repairedTo = seq;
        repair.graftedFrom = null;
        repair.pulledTo = seq;
      }
      // Not pushed on before the tree's copy, for most neighbours have it: what a pull brings is told to them by digest.
      this.stats.pulled++;
      return;
    }
    this.#passOn(now, from, state, tree, message, missing, out);
  }

  /** A first copy by the tree, or by a graft in its place: shapes the tree, and goes on. */
  #passOn(
    now: Millis,
    from: PeerId,
    state: StreamState,
    tree: Tree,
    message: Gossip<B>,
    missing: Missing | undefined,
    out: Out<B>,
  ): void {
    const { stream, seq, round } = message;
    const neighbor = this.#byId.get(from);
    tree.isOwn = false;
    tree.usedAt = now;
    if (message.repair) {
      const wasGrafted = missing !== undefined && missing.asked.length > 0;
      state.cameOutsideTree(seq, wasGrafted ? from : null);
      if (wasGrafted && !this.#limits.isBusy(stream, now)) this.#links.omitted(now, tree, from);
    } else if (neighbor !== undefined) {
      state.brought(now, seq, round);
      const lagMs = missing === undefined ? 0 : now - missing.since;
      if (!state.isPatient) this.#lag.delivered(now, lagMs);
      if (missing !== undefined && lagMs < this.#config.graft1Ms) {
        for (const asked of missing.asked)
          if (asked !== from) this.#links.ungraft(now, tree, message.tree, this.#byId.get(asked), out);
      }
      this.#links.openStandIn(tree, neighbor, out);
      if (this.#links.isTail(now, tree, neighbor) && !this.#links.takesBack(now, tree, message.tree, neighbor, out)) {
        // The way that there is brings it as well, and is not to be pruned for that.
        state.cameOutsideTree(seq, null);
      } else if (!this.#links.cameByFeed(now, tree, neighbor)) {
        const entry = entryBy(neighbor, tree, message);
        if (entry !== tree.entry) this.#links.enteredAnew(now, tree, message.tree, entry, out);
        this.#becomeParent(now, tree, neighbor, missing, message, out);
      }
    } else {
      state.cameOutsideTree(seq, null);
    }
    // From one that is no neighbour any more, a moment before the parent's own copy: pushed to, the parent would take that for a circle.
    const isFormer = neighbor === undefined && this.#outsiders.find(from) === undefined;
    this.#push(tree, message, isFormer ? (tree.parent?.id ?? from) : from, out);
    if (!state.isEphemeral) this.#pushOutside(now, message, tree.entry, from, out);
    this.#announce(now, state, tree, message, nextRound(round), out);
    if (missing !== undefined) this.#grafting.forgive(missing);
  }

  /** LazyPush. `round` is what the receiver would get it with. */
  #announce(now: Millis, state: StreamState, tree: Tree, message: Gossip<B>, round: number, out: Out<B>): void {
    if (state.isPatient) this.#links.announcePatiently(now, tree, message, round, out);
    else this.#links.announce(now, tree, message, round, out);
  }

  /** Algorithm 1: a payload that came twice means that the link closes a circle. */
  #onDuplicate(now: Millis, from: PeerId, state: StreamState, tree: Tree, message: Gossip<B>, out: Out<B>): void {
    const neighbor = this.#byId.get(from);
    if (message.seq === state.repair?.pulledTo) this.#passOnPulled(now, from, state, message, out);
    this.stats.duplicates++;
    if (message.wantHeld && this.store.get(message.stream, message.seq) !== undefined && neighbor !== undefined) {
      out.send(neighbor.id, { kind: 'held', stream: message.stream, seq: message.seq });
    }
    if (neighbor === undefined) return;
    neighbor.duplicates++;
    // Deviation: the paper has no traffic outside the tree. A copy that overtook the tree must not cost a tree link.
    if (message.repair) return;
    const repairedTo = state.repair?.repairedTo ?? 0;
    if (message.seq <= repairedTo) {
      // It was late, and left nothing out.
      neighbor.omissions = Math.max(0, neighbor.omissions - 1);
      if (message.seq === repairedTo) this.#onLateCopy(now, neighbor, state, tree, message, out);
      return;
    }
    const wasPruned = this.#links.isTail(now, tree, neighbor);
    if (!wasPruned && this.#links.takesOver(now, state, tree, message, neighbor, out)) return;
    if (message.entry !== tree.entry && this.#links.secondEntry(now, tree, message, neighbor, out)) return;
    if (wasPruned) return;
    if (this.#links.secondCopy(now, tree, message.tree, neighbor, out)) return;
    this.#links.prune(now, tree, message.tree, neighbor, out);
  }

  /**
   * A message that a pull from a new neighbour brought, and the tree brings a moment later. Whoever has it from us only has it now: as it was taken, for this
   * copy is not checked any more.
   */
  #passOnPulled(
    now: Millis,
    from: PeerId,
    state: StreamState,
    { seq, round, entry, repair }: Gossip<B>,
    out: Out<B>,
  ): void {
    state.repairing().pulledTo = 0;
    const held = this.store.get(state.id, seq);
    if (held === undefined) return;
    const tree = this.#trees.ofStream(now, state, held.tree);
    this.#passOn(now, from, state, tree, { ...held, round, entry, repair, wantHeld: false }, undefined, out);
  }

  /** The tree brought what was grafted a moment ago, and what was grafted is given back. */
  #onLateCopy(now: Millis, neighbor: Neighbor, state: StreamState, tree: Tree, message: Gossip<B>, out: Out<B>): void {
    const repair = state.repairing();
    const grafted = repair.graftedFrom;
    repair.graftedFrom = null;
    if (grafted === null || grafted === neighbor.id) return;
    this.#lag.wasHasty(now);
    this.#links.ungraft(now, tree, message.tree, this.#byId.get(grafted), out);
  }

  /** EagerPush: one shared object for all. `message` is as it came; nobody gets it back. */
  #push(tree: Tree, message: Gossip<B>, except: PeerId, out: Out<B>): void {
    let relayed: Gossip<B> | null = null;
    for (const neighbor of tree.eager) {
      if (neighbor.id === except) continue;
      relayed ??= relay(message, tree.entry);
      this.stats.gossipsSent++;
      out.send(neighbor.id, relayed);
    }
  }

  /** Nearly always there is nobody to push to. */
  #pushOutside(now: Millis, message: Gossip<B>, entry: Entry, from: PeerId | null, out: Out<B>): void {
    if (!this.#outsiders.hasFollowers) return;
    this.#outsiders.push(now, { ...relay(message, entry), repair: true }, from, out);
  }

  #pushOutsideTree(tree: Tree, message: Gossip<B>, out: Out<B>): void {
    for (const neighbor of this.#neighbors) {
      if (!tree.isLazy(neighbor)) continue;
      this.stats.gossipsSent++;
      out.send(neighbor.id, message);
    }
  }

  // Algorithm 2: tree repair

  /** Algorithm 2, Receive IHAVE. */
  #onIHave(now: Millis, neighbor: Neighbor, items: readonly IHaveItem[], out: Out<B>): void {
    const { iHaveItemsMax, iHaveRangeMax } = this.#config;
    const broken = iHaveRuleBroken(items, iHaveItemsMax, iHaveRangeMax);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.stats.iHavesReceived++;
    if (this.#grafting.announced(now, neighbor, items, out)) this.#isDeadlineKnown = false;
  }

  /** Algorithm 2, Receive GRAFT. No ranges: only the link is meant (§3.8). */
  #onGraft(
    now: Millis,
    neighbor: Neighbor,
    { ranges, tree }: Extract<PlumtreeMessage<B>, { kind: 'graft' }>,
    out: Out<B>,
  ): void {
    const broken = graftRuleBroken(ranges, this.#config.pullRangesMax, tree);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.stats.graftsReceived++;
    const grafted = this.#trees.getOrAdd(tree, now);
    if (ranges.length === 0 && grafted.parent === neighbor) this.#links.cutOff(now, grafted, tree, neighbor, out);
    this.#links.makeEager(grafted, neighbor, out);
    this.#repair.serve(neighbor, this.store, ranges, out);
    if (this.#retention.recent !== null) this.#repair.serve(neighbor, this.#retention.recent, ranges, out);
  }

  /** Algorithm 1, Receive PRUNE; or a neighbour that asks this part of the zone to give up its entry. */
  #onPrune(
    now: Millis,
    neighbor: Neighbor,
    { tree: label, yieldTo }: Extract<PlumtreeMessage<B>, { kind: 'prune' }>,
    out: Out<B>,
  ): void {
    const broken = pruneRuleBroken(label, yieldTo);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.stats.prunesReceived++;
    const tree = this.#trees.getOrAdd(label, now);
    if (tree.feed === neighbor) tree.feed = null;
    if (yieldTo === null) tree.makeLazy(neighbor, Number.NEGATIVE_INFINITY);
    else this.#links.yieldEntry(now, tree, label, yieldTo, out);
  }

  /** Who gave us a message first is our parent for its tree; §3.8 prefers an announcer that is much nearer. */
  #becomeParent(
    now: Millis,
    tree: Tree,
    neighbor: Neighbor,
    missing: Missing | undefined,
    { round, tree: label }: Gossip<B>,
    out: Out<B>,
  ): void {
    if (neighbor.isRetiring) this.#links.replace(now, tree, label, neighbor, out);
    if (tree.parent !== neighbor) {
      this.#links.makeEager(tree, neighbor, out);
      tree.parent = neighbor;
      tree.unbrought = 0;
      if (tree.feed === neighbor) tree.feed = null;
    }
    if (missing === undefined) return;
    for (const { peer, round: announced, at } of missing.announcers) {
      const nearer = this.#byId.get(peer);
      if (nearer === undefined || nearer === neighbor) continue;
      tree.leads.note(nearer, round - announced, now - at);
      this.#links.approach(now, missing.state, tree, label, nearer, out);
      if (round - announced < this.#config.optimizationThreshold) continue;
      this.stats.optimizations++;
      this.#links.graft(now, nearer, label, [], out);
      this.#links.prune(now, tree, label, neighbor, out);
      return;
    }
  }

  // Algorithm 3: overlay changes

  /** Algorithm 3, neighborUp: a new link is eager in the trees that have no way here yet. */
  #neighborUp(now: Millis, peer: PeerId, zone: string, out: Out<B>): void {
    const known = this.#byId.get(peer);
    if (known?.isRetiring === false) return;
    // One that retires begins anew, as its other end does; one that is compared with is a neighbour from now on.
    this.#neighborDown(now, peer, out);
    const neighbor = new Neighbor(peer, zone !== '' && this.#zone !== '' && zone !== this.#zone, this.#freeSlot());
    this.#byId.set(peer, neighbor);
    this.#neighbors.push(neighbor);
    for (const tree of this.#trees.neighborUp(neighbor)) this.#links.attach(now, tree, neighbor, out);
    this.#retention.expire(now);
    this.#repair.neighborUp(now, neighbor, out);
  }

  /** The first that no neighbour has. */
  #freeSlot(): number {
    let slot = 0;
    while (this.#neighbors.some((neighbor) => neighbor.slot === slot)) slot++;
    return slot;
  }

  /**
   * Algorithm 3, neighborDown. What it announced is skipped when its turn comes.
   *
   * Deviation: where it was the parent nobody waits for a timer to notice that messages are missing.
   */
  #neighborDown(now: Millis, peer: PeerId, out: Out<B>): void {
    const neighbor = this.#byId.get(peer);
    if (neighbor === undefined) {
      this.#repair.outsiderGone(now, peer, out);
      return;
    }
    this.#byId.delete(peer);
    this.#neighbors.splice(this.#neighbors.indexOf(neighbor), 1);
    if (neighbor.isRetiring) this.#retiring.splice(this.#retiring.indexOf(neighbor), 1);
    this.#choice.linkLost(now);
    for (const tree of this.#trees.neighborDown(neighbor)) this.#links.reattach(now, tree, neighbor, out);
    this.#repair.neighborDown(now, neighbor, out);
  }

  /**
   * Its place went to another, by the choice of either end: nothing is wrong with it, and its link stays up for a while. Deviation: the paper knows
   * links that are lost only. Where this was the parent another is grafted while it still pushes (`TreeLinks.takesOver`), so that no message waits for
   * a repair. In a large mesh whose places still move some links go in the time that every message takes.
   */
  #neighborRetiring(now: Millis, peer: PeerId, out: Out<B>): void {
    const neighbor = this.#byId.get(peer);
    if (neighbor === undefined || neighbor.isRetiring) return;
    neighbor.retiresAt = now + this.#config.retireMs;
    this.#retiring.push(neighbor);
    for (const tree of this.#trees.ofParent(neighbor)) this.#links.replace(now, tree, tree.label, neighbor, out);
    const first = this.#retiring[0];
    if (first !== undefined && this.#retiring.length > this.#config.retiringMax) this.#neighborDown(now, first.id, out);
  }

  // Beyond the paper: digests, pulls, held

  #onDigest(
    now: Millis,
    neighbor: Neighbor,
    message: Extract<PlumtreeMessage<B>, { kind: 'digest' }>,
    out: Out<B>,
  ): void {
    const broken = this.#digestRuleBroken(message.streams);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.#repair.onDigest(now, neighbor, message.streams, message.last, out);
  }

  #digestRuleBroken(streams: readonly StreamDigest[]): string | null {
    const { digestStreamsMax, pullRangesMax, digestRunsMax } = this.#config;
    return digestRuleBroken(streams, Math.max(digestStreamsMax, pullRangesMax * digestRunsMax));
  }

  /** From a neighbour of a moment ago, a peer that has not been made one, or one that compares what it holds with what is held here. */
  #onOutsider(now: Millis, from: PeerId, message: Exclude<PlumtreeMessage<B>, Gossip<B>>, out: Out<B>): void {
    switch (message.kind) {
      case 'digest': {
        const broken = this.#digestRuleBroken(message.streams);
        if (broken !== null) this.#violation(from, broken, out);
        else if (!this.#repair.onOutsiderDigest(now, from, message.streams, message.last, out)) this.stats.strangers++;
        break;
      }
      case 'pull': {
        const broken = rangesRuleBroken(message.ranges, this.#config.pullRangesMax);
        if (broken !== null) this.#violation(from, broken, out);
        else if (!this.#repair.onOutsiderPull(now, from, message.ranges, out)) this.stats.strangers++;
        break;
      }
      case 'graft':
      case 'prune': {
        const outsider = this.#outsiders.find(from);
        if (outsider === undefined) this.stats.strangers++;
        else if (message.kind === 'graft') this.#outsiders.follow(outsider);
        else outsider.isFollower = false;
        break;
      }
      default:
        // It will be told everything if it becomes one.
        this.stats.strangers++;
    }
  }

  #compare(now: Millis, peer: PeerId, follow: boolean, out: Out<B>): void {
    if (this.#byId.has(peer)) out.emit({ kind: 'compared', peer, brought: 0, lacked: 0, isOver: true });
    else this.#repair.compare(now, peer, follow, out);
  }

  #onPull(neighbor: Neighbor, ranges: readonly SeqRange[], out: Out<B>): void {
    const broken = rangesRuleBroken(ranges, this.#config.pullRangesMax);
    if (broken !== null) {
      this.#violation(neighbor.id, broken, out);
      return;
    }
    this.#repair.onPull(neighbor, ranges, out);
  }

  #onHeld(neighbor: Neighbor, { stream, seq }: { readonly stream: StreamId; readonly seq: number }, out: Out<B>): void {
    if (stream !== this.#own.id || !(seq >= 1 && seq <= this.#own.floor)) {
      this.#violation(neighbor.id, 'held of a message never published', out);
      return;
    }
    out.emit({ kind: 'held', seq, by: neighbor.id });
  }

  /** Holds a message for those who ask for it later. False: it is too large. */
  #keep(now: Millis, state: StreamState, message: Gossip<B>): boolean {
    const isKept = this.#retention.keep(now, state, message);
    if (!state.isEphemeral && isKept) this.#repair.changed(now, state);
    return isKept;
  }

  #violation(peer: PeerId, rule: string, out: Out<B>): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }
}

/** The message as it goes on: one link further. */
function relay<B>(message: Gossip<B>, entry: Entry): Gossip<B> {
  const { stream, seq, publishedAt, repair, tree, signature, body } = message;
  const round = nextRound(message.round);
  return { kind: 'gossip', stream, seq, round, publishedAt, wantHeld: false, repair, tree, entry, signature, body };
}
