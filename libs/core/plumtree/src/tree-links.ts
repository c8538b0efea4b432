import type { Millis, Outbox, PeerId, Rng } from '@starling/kernel';
import { Announcements } from './announcements.ts';
import type { PlumtreeConfig } from './config.ts';
import { messagesMax, type SteadyLead } from './leads.ts';
import type { Gossip, IHaveItem, PlumtreeEvent, PlumtreeMessage, SeqRange } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import { PatientAnnouncements } from './patient-announcements.ts';
import type { PlumtreeStats } from './stats.ts';
import type { StreamState } from './stream-table.ts';
import type { Tree } from './tree.ts';
import { crossingsOf, type Entry, isShared, nextEntry, type TreeLabel } from './tree-label.ts';
import type { TreeTable } from './tree-table.ts';

/** What a message that the parent did bring first takes off its omissions. 1/8: guess, of a relay that leaves out more than that the doubt stays. */
const fadePerMessage = 1 / 8;
/** Omissions count up to so many, so that one that was cut off for a while is trusted again after a dozen messages. 4: guess. */
const omissionsMax = 4;

/**
 * In a tree of several senders. 5 links: measured (plumtree/latency, 3,000 peers): with 3 or 4, links are exchanged for the sake of chance, and shared
 * trees get longer. 10 ms: measured (the same): at 0 shared trees are a tenth shorter for twice as many copies too many, at 30 a tenth longer.
 */
const leadInShared: SteadyLead = { links: 5, ms: 10, messages: messagesMax };
/**
 * In a tree of one sender, where what is nearer is nearer for good. −20 ms: announcements wait for 45 on average, so a push would have saved 25.
 * Not where dozens of messages are under way: who is late there is so by its queues. 4 messages: measured (gossipsub/baseline, 1,000 peers, 20 links): 0.6 % of the
 * deliveries take a detour, 0.9 with 8, and 1.05 by the other rule.
 */
const leadInOwn: SteadyLead = { links: 5, ms: -20, messages: 4 };

/** After so many messages in a row that only the feed brought it is the parent. 4: as many as omissions count. */
const unbroughtMax = 4;

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;

/** How a message that this neighbour sent entered our zone. */
export function entryBy(neighbor: Neighbor, tree: Tree, { entry, round }: Gossip<unknown>): Entry {
  return neighbor.isFar ? nextEntry(entry, tree.rankAt(round)) : entry;
}

/**
 * How the links of trees become eager and lazy, the neighbour being told, and what lazy ones are owed. The rules for zones are here:
 * each tree is to enter a zone over one far link, straight from where the message was published.
 *
 * Functions take the tree and the label beside it, for a full table lets many labels share one tree.
 */
export class TreeLinks<B> {
  readonly #config: PlumtreeConfig;
  readonly #trees: TreeTable;
  readonly #stats: PlumtreeStats;
  readonly #neighbors: readonly Neighbor[];
  readonly #announcements: Announcements;
  readonly #patient: PatientAnnouncements;
  readonly #rng: Rng;

  /** `neighbors` is the live list of the owner. */
  constructor(
    config: PlumtreeConfig,
    trees: TreeTable,
    stats: PlumtreeStats,
    neighbors: readonly Neighbor[],
    rng: Rng,
  ) {
    this.#config = config;
    this.#trees = trees;
    this.#stats = stats;
    this.#neighbors = neighbors;
    this.#announcements = new Announcements(config, rng);
    this.#patient = new PatientAnnouncements(config, neighbors);
    this.#rng = rng;
  }

  /** When the waiting announcements are to leave. */
  get announceAt(): Millis {
    return this.#announcements.at;
  }

  /** Makes a link lazy here and at the other end. */
  prune(now: Millis, tree: Tree, label: TreeLabel, neighbor: Neighbor, out: Out<B>): void {
    tree.makeLazy(neighbor, now);
    this.#stats.prunesSent++;
    out.send(neighbor.id, { kind: 'prune', tree: label, yieldTo: null });
  }

  /** Makes a link eager here and at the other end, and asks for what is missing. */
  graft(now: Millis, neighbor: Neighbor, label: TreeLabel, ranges: readonly SeqRange[], out: Out<B>): void {
    const tree = this.#trees.getOrAdd(label, now);
    this.makeEager(tree, neighbor, out);
    if (ranges.length > 0) this.#noteFailedYield(now, tree);
    this.#stats.graftsSent++;
    out.send(neighbor.id, { kind: 'graft', ranges, tree: label });
  }

  /**
   * What is missing of a dense stream, from one who announced it. Once a second its link is grafted, for the tree may be broken. Deviation: in between the
   * messages are all that is asked for, and the link stays as it is. Where everybody is late, trees that are grafted for each late message have
   * several ways to each peer, of which one is ahead of another; what is under way comes twice, and pruning leaves holes that are grafted in turn.
   */
  fetch(now: Millis, neighbor: Neighbor, label: TreeLabel, ranges: readonly SeqRange[], out: Out<B>): void {
    const tree = this.#trees.getOrAdd(label, now);
    const mayOnlyAsk = tree.parent !== null && tree.isLazy(neighbor);
    if (!mayOnlyAsk || now - tree.graftedAt >= this.#config.pruneRepeatMs) {
      tree.graftedAt = now;
      this.graft(now, neighbor, label, ranges, out);
      return;
    }
    this.#noteFailedYield(now, tree);
    this.#stats.graftsSent++;
    out.send(neighbor.id, { kind: 'graft', ranges, tree: label });
    this.#stats.prunesSent++;
    out.send(neighbor.id, { kind: 'prune', tree: label, yieldTo: null });
  }

  #noteFailedYield(now: Millis, tree: Tree): void {
    const { yieldBarMs } = this.#config;
    if (now - tree.yieldedAt < yieldBarMs) tree.noYieldUntil = now + yieldBarMs;
  }

  /** The tree was only late: the link that was grafted for it is not needed, and each message would come twice until one is pruned. */
  ungraft(now: Millis, tree: Tree, label: TreeLabel, neighbor: Neighbor | undefined, out: Out<B>): void {
    if (neighbor !== undefined && neighbor !== tree.parent && !tree.isLazy(neighbor))
      this.prune(now, tree, label, neighbor, out);
  }

  /** Makes a link eager at this end. It was lazy when the waiting announcements were noted, so it is owed them. */
  makeEager(tree: Tree, neighbor: Neighbor, out: Out<B>): void {
    if (!tree.isLazy(neighbor)) return;
    const owed = this.#announcements.for(neighbor, tree);
    if (owed.length > 0) this.#sendIHave(neighbor, owed, out);
    tree.makeEager(neighbor);
  }

  /**
   * The parent is gone. A neighbour that only announced is to push in its place at once: what is under way is then late by a link, and not by a
   * timer. One of our own branch brings nothing; then the timer does it.
   */
  reattach(now: Millis, tree: Tree, gone: Neighbor, out: Out<B>): void {
    if (tree.feed !== null) return;
    tree.feed = this.#graftInstead(now, tree, tree.label, gone, 1, out);
    // Who has a message from us announces it with two links more than we had it with: such a one is perhaps of our own branch.
    if (gone.isFar || (tree.feed !== null && tree.leads.of(tree.feed) >= -1)) return;
    if (now - tree.usedAt <= this.#config.reattachMs) this.#askBranch(tree, tree.label, null, out);
  }

  /**
   * The parent grafts a link that is eager: it is cut off, and we with it. Whoever is nearer to where messages come from than we are is of no branch of
   * ours or the parent's, and is to push to us; if there is none, our own branch is asked in turn.
   */
  cutOff(now: Millis, tree: Tree, label: TreeLabel, parent: Neighbor, out: Out<B>): void {
    if (now - tree.usedAt > this.#config.reattachMs || now - tree.replacedAt < this.#config.graft2Ms) return;
    tree.replacedAt = now;
    const [nearest] = this.#nearest(tree, (neighbor) => !neighbor.isFar && tree.leads.of(neighbor) >= 1);
    if (nearest === undefined) this.#askBranch(tree, label, parent, out);
    else this.graft(now, nearest, label, [], out);
  }

  /** Those who have messages from us are to find another way, for we have none. */
  #askBranch(tree: Tree, label: TreeLabel, parent: Neighbor | null, out: Out<B>): void {
    for (const neighbor of tree.eager) {
      if (neighbor === parent || neighbor.isRetiring || neighbor.isFar) continue;
      this.#stats.graftsSent++;
      out.send(neighbor.id, { kind: 'graft', ranges: [], tree: label });
    }
  }

  /** Those that only announce, and stay: first who leads. */
  #nearest(tree: Tree, condition: (neighbor: Neighbor) => boolean): Neighbor[] {
    const others = this.#neighbors.filter(
      (neighbor) => !neighbor.isRetiring && tree.isLazy(neighbor) && condition(neighbor),
    );
    return this.#rng.sample(others, others.length).sort((a, b) => tree.leads.of(b) - tree.leads.of(a));
  }

  /** The parent will be gone soon: others are to push as well, and if they bring nothing, the next. */
  replace(now: Millis, tree: Tree, label: TreeLabel, retiring: Neighbor, out: Out<B>): void {
    if (now - tree.replacedAt < this.#config.graft2Ms) return;
    tree.replacedAt = now;
    this.#graftInstead(now, tree, label, retiring, 2, out);
  }

  /** A new neighbour, of a tree that has no parent, or one that retires. */
  attach(now: Millis, tree: Tree, neighbor: Neighbor, out: Out<B>): void {
    if (now - tree.usedAt > this.#config.reattachMs) return;
    if (tree.parent !== null && tree.parent.isFar !== neighbor.isFar) return;
    this.#graftOneWay(now, neighbor, tree, tree.label, out);
    if (tree.parent === null) tree.feed ??= neighbor;
  }

  /** A message is about to be pushed that did not come by the one that stands in for a parent: to the rest of the mesh that is the way. */
  openStandIn(tree: Tree, from: Neighbor | null, out: Out<B>): void {
    const { standIn } = tree;
    if (standIn === null || standIn === from) return;
    tree.feed = null;
    this.makeEager(tree, standIn, out);
  }

  /** Those that seem nearest to where messages come from, on the same side of the zone's border, so that the zone is still entered once. */
  #graftInstead(
    now: Millis,
    tree: Tree,
    label: TreeLabel,
    parent: Neighbor,
    count: number,
    out: Out<B>,
  ): Neighbor | null {
    if (now - tree.usedAt > this.#config.reattachMs) return null;
    const nearest = this.#nearest(tree, ({ isFar }) => isFar === parent.isFar);
    for (const other of nearest.slice(0, count)) this.#graftOneWay(now, other, tree, label, out);
    return nearest[0] ?? null;
  }

  /** It is to push to us, and we only announce to it: copies that cross on a link would make its other end prune it. */
  #graftOneWay(now: Millis, neighbor: Neighbor, tree: Tree, label: TreeLabel, out: Out<B>): void {
    this.graft(now, neighbor, label, [], out);
    tree.makeLazy(neighbor, Number.NEGATIVE_INFINITY);
  }

  /**
   * A second copy came, by a link that was grafted in place of a parent that retires or is gone: this is the parent from now on. Unless it may have
   * the message from us, for then it has made two links more: of those one goes on pushing, until the parent is gone. False: it is an ordinary
   * duplicate.
   */
  takesOver(now: Millis, state: StreamState, tree: Tree, message: Gossip<B>, neighbor: Neighbor, out: Out<B>): boolean {
    const { parent, feed } = tree;
    if (parent === null ? tree.isOwn : !parent.isRetiring || neighbor.isFar !== parent.isFar) return false;
    if (neighbor.isRetiring || !tree.isLazy(neighbor) || entryBy(neighbor, tree, message) !== tree.entry) return false;
    if (parent !== null) {
      if (message.seq !== state.treeSeq || message.round > state.treeRound + 1) {
        tree.feed ??= neighbor;
        return feed === null || feed === neighbor;
      }
      this.prune(now, tree, message.tree, parent, out);
    }
    this.makeEager(tree, neighbor, out);
    tree.parent = neighbor;
    tree.feed = null;
    return true;
  }

  /** Whether a payload of this neighbour was under way when its link was pruned here: it cannot know yet, and nothing follows. */
  isTail(now: Millis, tree: Tree, neighbor: Neighbor): boolean {
    return now - tree.prunedAt(neighbor) < this.#config.pruneRepeatMs;
  }

  /**
   * A neighbour that was pruned a moment ago brought a message first. Deviation: in the paper that makes its link eager again, at this end alone, and
   * the next second copy has the way pruned that does bring messages. It is taken back where there is no such way. False: it stays pruned.
   */
  takesBack(now: Millis, tree: Tree, label: TreeLabel, neighbor: Neighbor, out: Out<B>): boolean {
    // What was yielded is not wanted back.
    if (tree.parent !== null || now - tree.yieldedAt < this.#config.pruneRepeatMs) return false;
    this.graft(now, neighbor, label, [], out);
    return true;
  }

  /** A message of this tree had to be grafted, and came from elsewhere than from the tree's parent. */
  omitted(now: Millis, { parent }: Tree, from: PeerId): void {
    if (parent !== null && parent.id !== from) this.#count(now, parent);
  }

  #count(now: Millis, parent: Neighbor): void {
    parent.omissions = Math.min(this.#omissionsOf(now, parent) + 1, omissionsMax);
    parent.omittedAt = now;
  }

  /** Those that are not forgotten. */
  #omissionsOf(now: Millis, { omissions, omittedAt }: Neighbor): number {
    return now - omittedAt <= this.#config.doubtMs ? omissions : 0;
  }

  /**
   * A second copy of a message came. From one neighbour it is welcome, beside a parent that leaves messages out: what the parent does not pass
   * on comes from there. False: it is an ordinary duplicate.
   *
   * Deviation: the paper prunes the later link. A relay that censors would have its place back with the next message that it does pass on,
   * being nearest, and each one that it does not would cost a timer. Nor is the parent pruned: it may only have been cut off itself, and peers that doubt
   * each other's ways and prune them are alone together. The other link goes one way: were it pushed to as well, copies would cross on it, and
   * its other end prune it.
   */
  secondCopy(now: Millis, tree: Tree, label: TreeLabel, later: Neighbor, out: Out<B>): boolean {
    const { parent, feed } = tree;
    const isNeeded =
      parent !== null && parent !== later && parent.isFar === later.isFar && this.#isDoubted(now, parent);
    if (!isNeeded) {
      if (feed === later) tree.feed = null;
      return false;
    }
    if (feed === later) {
      parent.omissions -= fadePerMessage;
      return true;
    }
    if (feed !== null || this.#isDoubted(now, later)) return false;
    tree.feed = later;
    this.#graftOneWay(now, later, tree, label, out);
    return true;
  }

  /**
   * True: a message came by the feed before the parent brought it, and the parent is doubted still: its place stays as it is. Unless it brings
   * nothing at all, and is no way to anybody either: a second copy from it would have cost it its place.
   */
  cameByFeed(now: Millis, tree: Tree, from: Neighbor): boolean {
    const { parent, feed } = tree;
    if (feed !== from || parent === null || !this.#isDoubted(now, parent)) {
      tree.unbrought = 0;
      return false;
    }
    this.#count(now, parent);
    return ++tree.unbrought < unbroughtMax;
  }

  /** Has this tree's parent lately left something out? Once may be chance: it costs it no place, but less is waited for it. */
  isDoubtful(now: Millis, tree: Tree | undefined): boolean {
    const parent = tree?.parent ?? null;
    return parent !== null && this.#omissionsOf(now, parent) > 0;
  }

  #isDoubted(now: Millis, neighbor: Neighbor): boolean {
    return this.#omissionsOf(now, neighbor) >= this.#config.doubtOmissions;
  }

  /** LazyPush of a message just seen. `round` is what the receiver would get it with. */
  announce(now: Millis, tree: Tree, message: Gossip<B>, round: number, out: Out<B>): void {
    if (!tree.hasLazy) return;
    this.#announcements.add(now, tree, message, round);
    if (this.#announcements.isFull) this.flushAnnouncements(now, out);
  }

  flushAnnouncements(now: Millis, out: Out<B>): void {
    this.#announcements.flush(now, this.#neighbors, (neighbor, items) => this.#sendIHave(neighbor, items, out));
  }

  /** When some neighbour is owed patient announcements that can wait no longer. */
  get oweAt(): Millis {
    return this.#patient.at;
  }

  /** LazyPush of a message that is not urgent: it waits until the neighbour is sent something else. */
  announcePatiently(now: Millis, tree: Tree, message: Gossip<B>, round: number, out: Out<B>): void {
    if (!tree.hasLazy) return;
    this.#patient.add(now, tree, message, round, (neighbor, items) => this.#sendIHave(neighbor, items, out));
  }

  /** What this neighbour is owed goes now. */
  payOwed(neighbor: Neighbor, out: Out<B>): void {
    this.#patient.pay(neighbor, (to, items) => this.#sendIHave(to, items, out));
  }

  payDue(now: Millis, out: Out<B>): void {
    this.#patient.payDue(now, (neighbor, items) => this.#sendIHave(neighbor, items, out));
  }

  /** Who announces it has it: only one end of a lazy link has to say so. */
  forgive(neighbor: Neighbor, { id, isPatient }: StreamState, from: number, to: number): void {
    if (isPatient) this.#patient.forgive(neighbor, id, from, to);
    else this.#announcements.heard(neighbor, id, from, to);
  }

  /**
   * A near link brought a copy that had entered this zone by another peer than our own copy had: the circle runs over two
   * far links. Pruned here, as the paper has it, both would stay, and in the end a payload would cross into the zone as often as
   * there are peers with a far link. Or a far link brought one that crossed fewer far links than ours, if a little later.
   *
   * Deviation: this link stays, and of the two entries the worse gives up its far link. Entries compare alike at every
   * peer and for every message, so that no two ever give way to each other. False: it is an ordinary duplicate.
   */
  secondEntry(now: Millis, tree: Tree, message: Gossip<B>, neighbor: Neighbor, out: Out<B>): boolean {
    const label = message.tree;
    const entry = entryBy(neighbor, tree, message);
    if (neighbor.isFar) {
      // The other way round: it will find that out by our copy, and decide.
      if (crossingsOf(message.entry) > crossingsOf(tree.entry) + 1 && !tree.isLazy(neighbor)) return true;
      const isShorter = crossingsOf(entry) < crossingsOf(tree.entry);
      // Too late, it would be grafted for each message instead.
      if (!isShorter || now - tree.usedAt >= this.#config.graft2Ms) return false;
    }
    if (entry < tree.entry) {
      this.yieldEntry(now, tree, label, entry, out);
    } else if (tree.isLazy(neighbor)) {
      // It has not heard our copy, and soon it will need it.
      this.makeEager(tree, neighbor, out);
      out.send(neighbor.id, { kind: 'prune', tree: label, yieldTo: tree.entry });
    }
    return true;
  }

  /**
   * This part of the zone is to do without its entry: tell the next on the way to it, or prune the far link if we are it. When a
   * message is then missing the better way was broken, or a lie: nothing is yielded for a while.
   */
  yieldEntry(now: Millis, tree: Tree, label: TreeLabel, to: Entry, out: Out<B>): void {
    const { parent } = tree;
    if (to >= tree.entry || parent === null || now < tree.noYieldUntil) return;
    if (now - tree.yieldedAt < this.#config.pruneRepeatMs) return;
    tree.yieldedAt = now;
    this.#stats.yields++;
    if (parent.isFar) this.prune(now, tree, label, parent, out);
    else out.send(parent.id, { kind: 'prune', tree: label, yieldTo: to });
  }

  /**
   * The zone is entered by another peer than before: paths that were short from there may be long from here. So this message
   * floods the zone, and leaves shortest paths behind. Not in a tree that senders of several zones share.
   */
  enteredAnew(now: Millis, tree: Tree, label: TreeLabel, entry: Entry, out: Out<B>): void {
    tree.entry = entry;
    if (!tree.hasLazy || isShared(label) || label !== tree.label) return;
    if (now - tree.openedAt < this.#config.pruneRepeatMs) return;
    tree.openedAt = now;
    for (const neighbor of this.#neighbors) if (!neighbor.isFar) this.makeEager(tree, neighbor, out);
  }

  /**
   * A neighbour announced a message that is here. §3.8 with far links instead of hops, for hops tell little here: one by
   * which messages would come over fewer far links becomes eager. When the next message proves it right, the longer way will have been
   * the duplicate.
   */
  shorten(now: Millis, tree: Tree, label: TreeLabel, entry: Entry, neighbor: Neighbor, out: Out<B>): void {
    if (crossingsOf(entry) + (neighbor.isFar ? 1 : 0) >= crossingsOf(tree.entry) || !tree.isLazy(neighbor)) return;
    if (now - tree.shortenedAt < this.#config.pruneRepeatMs) return;
    tree.shortenedAt = now;
    this.#stats.optimizations++;
    this.graft(now, neighbor, label, [], out);
  }

  /**
   * A neighbour announced a message. One that has long been much nearer than the parent, or quicker, is to push as well, one way: when it brings the next
   * message first it is the parent, and the longer way the duplicate; if not, it is.
   *
   * Deviation: §3.8 exchanges them on one message and by hops. A tree that many senders share then gets longer by it: what is nearer to one of them is
   * farther from the next.
   */
  approach(now: Millis, state: StreamState, tree: Tree, label: TreeLabel, neighbor: Neighbor, out: Out<B>): void {
    const { parent } = tree;
    const lead = tree.hasManySenders || state.isDense ? leadInShared : leadInOwn;
    if (!tree.leads.isSteadily(neighbor, lead) || !tree.isLazy(neighbor)) return;
    if (parent === null || parent.isFar !== neighbor.isFar || parent.isRetiring || neighbor.isRetiring) return;
    if (tree.feed !== null || now - tree.shortenedAt < this.#config.pruneRepeatMs) return;
    tree.shortenedAt = now;
    tree.leads.moved();
    this.#stats.optimizations++;
    this.#graftOneWay(now, neighbor, tree, label, out);
  }

  #sendIHave(neighbor: Neighbor, items: readonly IHaveItem[], out: Out<B>): void {
    this.#stats.iHavesSent++;
    out.send(neighbor.id, { kind: 'iHave', items });
  }
}
