import type { Millis, Outbox, PeerId, SmallMap } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';
import type { IHaveItem, PlumtreeEvent, PlumtreeMessage, SeqRange, StreamId } from './messages.ts';
import { type Missing, MissingMessages } from './missing.ts';
import type { Neighbor } from './neighbor.ts';
import type { OriginLimits } from './origin-limits.ts';
import type { PlumtreeStats } from './stats.ts';
import type { StreamState, StreamTable } from './stream-table.ts';
import type { TreeLabel } from './tree-label.ts';
import type { TreeLag } from './tree-lag.ts';
import type { TreeLinks } from './tree-links.ts';
import type { TreeTable } from './tree-table.ts';

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;

/** What one GRAFT asks for. */
interface Graft {
  readonly neighbor: Neighbor;
  readonly tree: TreeLabel;
  /** The link may stay as it is. */
  readonly isFetch: boolean;
  readonly ranges: SeqRange[];
}

/** What grafting has to know of the rest. */
export interface GraftingOptions<B> {
  readonly config: PlumtreeConfig;
  readonly neighbors: Pick<SmallMap<Neighbor>, 'get' | 'has'>;
  readonly streams: StreamTable;
  readonly trees: TreeTable;
  readonly links: TreeLinks<B>;
  readonly limits: OriginLimits;
  readonly lag: TreeLag;
  readonly stats: PlumtreeStats;
}

/**
 * SRDS'07 algorithm 2, tree repair: neighbours announce what the tree is to bring; what does not come in time is asked for from one after the
 * other of them, whose link becomes part of the tree by it.
 */
export class Grafting<B> {
  readonly #options: GraftingOptions<B>;
  /** Made when first needed: the simulator runs a hundred thousand of these. */
  #missing: MissingMessages | null = null;

  constructor(options: GraftingOptions<B>) {
    this.#options = options;
  }

  nextDeadline(): Millis {
    return this.#missing?.nextDeadline() ?? Number.POSITIVE_INFINITY;
  }

  /** Receive IHAVE, of items that are well formed. True: something is missing, and the deadline may be another. */
  announced(now: Millis, neighbor: Neighbor, items: readonly IHaveItem[], out: Out<B>): boolean {
    const { limits, links, stats, streams, trees } = this.#options;
    let isMissing = false;
    for (const item of items) {
      const { stream, from, to, round, tree: label } = item;
      // The tree brings it, or a digest when there is more time.
      if (limits.isBusy(stream, now)) {
        stats.throttled++;
        continue;
      }
      const state = streams.getOrAdd(stream, now);
      links.forgive(neighbor, state, from, to);
      if (state.isOwn) continue;
      if (to === state.treeSeq) {
        const tree = trees.get(label);
        tree?.leads.note(neighbor, state.treeRound - round, state.treeAt - now);
        if (tree !== undefined) links.approach(now, state, tree, label, neighbor, out);
      }
      if (to <= state.floor) links.shorten(now, trees.ofStream(now, state, label), label, item.entry, neighbor, out);
      else if (this.#note(now, neighbor, state, item)) isMissing = true;
    }
    return isMissing;
  }

  #note(now: Millis, neighbor: Neighbor, state: StreamState, { from, to, round, tree }: IHaveItem): boolean {
    const { config, lag, links, stats, trees } = this.#options;
    let isMissing = false;
    for (let seq = from; seq <= to; seq++) {
      if (state.has(seq)) continue;
      isMissing = true;
      this.#missing ??= new MissingMessages(config, lag);
      const announcer = { peer: neighbor.id, round, tree, at: now };
      const isDoubtful = !state.isPatient && links.isDoubtful(now, trees.get(tree));
      if (!this.#missing.announced(now, state, seq, announcer, isDoubtful)) stats.shed++;
    }
    return isMissing;
  }

  /** The message came. Returns what was known about it while it was missing. */
  settle(state: StreamState, seq: number): Missing | undefined {
    return state.repair?.missing ? this.#missing?.settle(state, seq) : undefined;
  }

  /** It is here now: who announced it before need not be told. */
  forgive({ state, seq, announcers, asked }: Missing): void {
    const { links, neighbors } = this.#options;
    for (const peer of [...announcers.map((announcer) => announcer.peer), ...asked]) {
      const neighbor = neighbors.get(peer);
      if (neighbor !== undefined) links.forgive(neighbor, state, seq, seq);
    }
  }

  /** Timer: graft the first announcer, and the next one after the second, shorter timeout. */
  tick(now: Millis, out: Out<B>): void {
    const missing = this.#missing;
    if (missing === null || missing.nextDeadline() > now) return;
    const { links } = this.#options;
    const grafts: Graft[] = [];
    for (let entry = missing.expire(now); entry !== undefined; entry = missing.expire(now)) {
      this.#ask(now, missing, entry, grafts);
    }
    for (const { neighbor, tree, isFetch, ranges } of grafts) {
      if (isFetch) links.fetch(now, neighbor, tree, ranges, out);
      else links.graft(now, neighbor, tree, ranges, out);
    }
    this.#blame(now, missing, out);
  }

  #ask(now: Millis, missing: MissingMessages, entry: Missing, grafts: Graft[]): void {
    const { config, limits, stats } = this.#options;
    const { state, seq } = entry;
    if (limits.isBusy(state.id, now)) {
      missing.settle(state, seq);
      stats.throttled++;
      return;
    }
    if (missing.isComing(now, entry) || !missing.mayAsk(now, entry)) return;
    const announcer = this.#nextAnnouncer(entry);
    if (announcer === undefined || state.has(seq)) {
      missing.settle(state, seq);
      if (announcer === undefined) {
        stats.abandoned++;
        missing.owed(now, entry);
      }
      return;
    }
    const { neighbor, tree } = announcer;
    // Who asks a second one has asked one that has nothing, or is gone.
    const isFetch = state.isDense && entry.asked.length === 0;
    let graft = grafts.findLast((one) => one.neighbor === neighbor && one.tree === tree && one.isFetch === isFetch);
    if (graft === undefined || graft.ranges.length >= config.pullRangesMax) {
      graft = { neighbor, tree, isFetch, ranges: [] };
      grafts.push(graft);
    }
    addToRanges(graft.ranges, state.id, seq);
    missing.askedOne(now, entry, neighbor.id);
  }

  /** Announced, asked for, and never sent by anybody: its announcers broke a promise. */
  #blame(now: Millis, missing: MissingMessages, out: Out<B>): void {
    const { config, limits, neighbors } = this.#options;
    const broken = new Map<PeerId, number>();
    for (let entry = missing.overdue(now); entry !== undefined; entry = missing.overdue(now)) {
      if (entry.state.has(entry.seq) || entry.seq <= entry.state.floor) continue;
      if (limits.hasShedSince(entry.state.id, now - 2 * config.promiseMs)) continue;
      for (const peer of entry.asked) if (neighbors.has(peer)) broken.set(peer, (broken.get(peer) ?? 0) + 1);
    }
    for (const [peer, messages] of broken) out.emit({ kind: 'brokenPromise', peer, messages });
  }

  #nextAnnouncer(entry: Missing): { readonly neighbor: Neighbor; readonly tree: TreeLabel } | undefined {
    for (let next = entry.announcers.shift(); next !== undefined; next = entry.announcers.shift()) {
      const neighbor = this.#options.neighbors.get(next.peer);
      if (neighbor !== undefined) return { neighbor, tree: next.tree };
    }
    return undefined;
  }
}

function addToRanges(ranges: SeqRange[], stream: StreamId, seq: number): void {
  const last = ranges[ranges.length - 1];
  if (last !== undefined && last.stream === stream && last.to === seq - 1) {
    ranges[ranges.length - 1] = { stream, from: last.from, to: seq };
  } else {
    ranges.push({ stream, from: seq, to: seq });
  }
}
