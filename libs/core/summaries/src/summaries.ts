import {
  decodeAscending,
  deltaBetween,
  encodeAscending,
  hashTerm,
  SharedTermSet,
  type TermHash,
  TermSet,
} from '@starling/digest';
import {
  type Input,
  isCount,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import { CatchUp, isVersion } from './catch-up.ts';
import type { SummariesConfig } from './config.ts';
import type {
  IndexSize,
  OffReason,
  SummariesCommand,
  SummariesEvent,
  SummariesMessage,
  SummaryDelta,
  SummaryRecord,
} from './messages.ts';
import { type Summary, SummaryTable } from './summary-table.ts';
import { WaitingDeltas } from './waiting-deltas.ts';

type Out = Outbox<SummariesMessage, SummariesEvent>;
type TermsCommand = Extract<SummariesCommand, { kind: 'terms' }>;

const never = Number.POSITIVE_INFINITY;
const nothing = new Uint8Array(0);
const fingerprintBits = 32;
/** Switched off by the size of the mesh or of memory, it is on again when the mesh is smaller by so much: it must not flap. */
const returnShare = 0.9;

/** What happened so far; `…Dropped` and `…Refused` count bounds that were reached. */
export interface SummariesStats {
  deltasSent: number;
  /** Bytes of terms in them. */
  deltaBytesSent: number;
  deltasApplied: number;
  /** What they follow was not here: waited for, then fetched. */
  deltasEarly: number;
  deltasDropped: number;
  summariesRefused: number;
  switchedOff: number;
  violations: number;
}

/** Which peers may answer a question. */
export interface Holders {
  /** Those whose summaries say that they may have it, this peer included. */
  readonly holders: readonly PeerId[];
  /** Members whose summaries are not here, or say that they may hold anything: how popular a term is does not show in them. */
  readonly unknown: readonly PeerId[];
}

/**
 * Full summaries, after PlanetP (F. Cuenca-Acuna et al., HPDC 2003): every peer holds a compact set of every other peer's
 * terms, so that it knows at once whom to ask. A change is broadcast as a delta; what broadcast missed, and all of it for a
 * joiner, comes from neighbours. An index that does not change costs nothing but a comparison of hashes now and then; a peer without an index takes no part.
 *
 * Neighbours are bounded by the membership core, members by the directory; all else by `SummariesConfig`.
 */
export class Summaries implements ProtocolCore<SummariesMessage, SummariesCommand, SummariesEvent> {
  readonly #config: SummariesConfig;
  readonly #selfId: PeerId;
  readonly #rng: Rng;
  readonly #table: SummaryTable;
  readonly #catchUp: CatchUp;
  readonly #members = new Map<PeerId, PeerInfo>();
  readonly #waiting: WaitingDeltas;
  /** Terms of the own index when it was last asked; Infinity: more than may ever be told. */
  #ownTerms = 0;
  /** This peer's own, whether or not it holds others'. */
  #own: Summary | undefined;
  #versionNext: number;
  #meshSize = 1;
  #off: OffReason | null;
  #offAtSize = 0;
  /** Somebody above has an index: until then there is nothing to tell, and nobody to ask for. */
  #isAttached = false;
  /** What the own index has now is not what was told. */
  #isChanged = false;
  #snapshotAt: Millis = never;
  #toldAt: Millis = Number.NEGATIVE_INFINITY;
  #roundAt: Millis = never;
  #now: Millis = 0;
  readonly stats: SummariesStats = {
    deltasSent: 0,
    deltaBytesSent: 0,
    deltasApplied: 0,
    deltasEarly: 0,
    deltasDropped: 0,
    summariesRefused: 0,
    switchedOff: 0,
    violations: 0,
  };

  constructor(config: SummariesConfig, self: PeerInfo, rng: Rng) {
    this.#config = config;
    this.#selfId = self.id;
    this.#rng = rng;
    // Versions of a later life are higher, without a memory of the earlier: an incarnation is the time of its start.
    this.#versionNext = Math.max(1, self.incarnation);
    this.#off = config.enabled ? null : 'disabled';
    this.#table = new SummaryTable(config.bytesMax, config.falseShareMax, rng);
    this.#waiting = new WaitingDeltas(config.waitingMax);
    this.#catchUp = new CatchUp(config, {
      ownId: self.id,
      table: this.#table,
      isWelcome: (id) => this.#members.has(id),
      recordOf: (id) => this.#recordOf(id),
      ownVersionSeen: (version) => this.#onOwnVersion(version),
    });
  }

  /** Terms that a peer may tell in a mesh of this size. */
  get termsBudget(): number {
    const { termsMax, bytesMax, bitsPerTerm } = this.#config;
    return Math.min(termsMax, Math.floor((bytesMax * 8) / (this.#meshSize * bitsPerTerm)));
  }

  /** Why this peer holds no summaries; null when it does. */
  get off(): OffReason | null {
    return this.#off;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#table.bytes;
  }

  /** Of the peers that do not have a word, the mean share that is found to have it. */
  get falseShare(): number {
    return this.#table.falseShare();
  }

  /** Peers whose summaries are held, this one included. */
  get covered(): number {
    return this.#table.size;
  }

  /** Known to be older than what its peer has told. */
  get stale(): number {
    return this.#catchUp.wanted.size;
  }

  /** For how long the oldest has been wanted, in ms. */
  staleMs(now: Millis): Millis {
    return this.#catchUp.wanted.size === 0 ? 0 : now - this.#catchUp.wanted.oldest;
  }

  get catchUpStats(): Readonly<CatchUp['stats']> {
    return this.#catchUp.stats;
  }

  /** A member, or this peer. */
  member(id: PeerId): PeerInfo | undefined {
    return this.#members.get(id);
  }

  /** Documents and words of every peer whose summary is held, for statistics of the whole mesh. */
  sizes(): IndexSize[] {
    return this.#table.summaries();
  }

  /** Does the summary of a peer say that it has this word? */
  hasTerm(id: PeerId, word: string): boolean {
    return this.#table.get(id)?.terms.has(hashTerm(word)) ?? false;
  }

  summaryOf(id: PeerId): Summary | undefined {
    return this.#table.get(id);
  }

  /**
   * Who may have a document with all terms of one of the lists; null when this peer holds no summaries. A list without terms
   * says nothing: everybody may.
   */
  holders(alternatives: readonly (readonly TermHash[])[]): Holders | null {
    if (!this.#isHolding) return null;
    const unknown = [...this.#members.keys()].filter((id) => this.#table.get(id) === undefined);
    return { holders: this.#table.holders(alternatives), unknown: [...unknown, ...this.#table.unbounded()] };
  }

  handle(now: Millis, input: Input<SummariesMessage, SummariesCommand>, out: Out): void {
    this.#now = now;
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkUp':
      case 'linkDown':
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        break;
      default:
        unreachable(input);
    }
    this.#onTime(now, out);
  }

  nextDeadline(): Millis {
    if (!this.#isAttached || this.#off === 'disabled') return never;
    return Math.min(this.#snapshotAt, this.#roundAt, this.#catchUp.next(this.#now));
  }

  get #isHolding(): boolean {
    return this.#isAttached && this.#off === null;
  }

  #attach(now: Millis, out: Out): void {
    this.#isAttached = true;
    this.#armRound(now);
    if (this.#off === null) this.#catchUp.compareWithAll(out);
  }

  #onMessage(now: Millis, from: PeerId, message: SummariesMessage, out: Out): void {
    if (!this.#isAttached || (this.#off !== null && message.kind !== 'summaryFetch')) return;
    switch (message.kind) {
      case 'summaryDigest':
        this.#report(from, this.#catchUp.onDigest(from, message.hashes, out), out);
        return;
      case 'summaryVersions':
        this.#report(from, this.#catchUp.onVersions(now, from, message, out), out);
        return;
      case 'summaryFetch':
        this.#report(from, this.#catchUp.onFetch(now, from, message.ids, out), out);
        return;
      case 'summaryRecords':
        this.#onRecords(now, from, message.records, out);
        return;
      default:
        unreachable(message);
    }
  }

  #onCommand(now: Millis, command: SummariesCommand, out: Out): void {
    switch (command.kind) {
      case 'neighborUp':
        this.#catchUp.neighborUp(command.peer);
        // Both ends see the link come up; one digest is enough to compare.
        if (this.#isHolding && this.#selfId < command.peer) this.#catchUp.sendDigest(command.peer, out);
        return;
      case 'neighborDown':
        this.#catchUp.neighborDown(command.peer);
        return;
      case 'memberUp':
        if (command.info.id !== this.#selfId) this.#members.set(command.info.id, command.info);
        return;
      case 'memberDown':
        this.#forget(command.id);
        return;
      case 'meshSize':
        this.#meshSize = command.peers;
        this.#onMeshSize(now, out);
        return;
      case 'delta':
        this.#onDelta(now, command.from, command.delta, out);
        return;
      case 'changed':
        if (!this.#isAttached) this.#attach(now, out);
        this.#isChanged = true;
        this.#armSnapshot(now);
        return;
      case 'terms':
        this.#onTerms(now, command, out);
        return;
      default:
        unreachable(command);
    }
  }

  #onTime(now: Millis, out: Out): void {
    if (!this.#isAttached || this.#off === 'disabled') return;
    if (this.#snapshotAt <= now) {
      this.#snapshotAt = never;
      out.emit({ kind: 'snapshot' });
    }
    if (this.#roundAt <= now) {
      this.#armRound(now);
      // Whom broadcast brought but the directory does not know, or no more.
      for (const id of [...this.#table.ids()]) if (id !== this.#selfId && !this.#members.has(id)) this.#forget(id);
      if (this.#off === null) this.#catchUp.compareWithOne(this.#rng, out);
    }
    if (this.#off === null) this.#catchUp.pump(now, out);
  }

  /** The own index as it is now: tells what is new since the last time. */
  #onTerms(now: Millis, { fingerprints, documents, words }: TermsCommand, out: Out): void {
    this.#isChanged = false;
    if (this.#off === 'disabled' || this.#off === 'mesh too large') {
      this.#isChanged = true; // Told when it is on again.
      return;
    }
    this.#ownTerms = fingerprints?.length ?? Number.POSITIVE_INFINITY;
    const mayHold = fingerprints === null || fingerprints.length > this.termsBudget;
    const values = mayHold ? new Uint32Array(0) : fingerprints;
    const old = this.#own;
    const before = old === undefined || old.mayHold !== mayHold ? null : old.terms.values();
    const { added, removed } =
      before === null ? { added: values, removed: new Uint32Array(0) } : deltaBetween(before, values);
    const isSame = added.length === 0 && removed.length === 0;
    if (before !== null && isSame && old?.documents === documents && old.words === words) return;
    const version = this.#versionNext++;
    // When most of it is new, all of it is no longer than what changed.
    const isWhole = before === null || added.length + removed.length > values.length;
    const delta: SummaryDelta = {
      version,
      base: isWhole ? 0 : (old?.version ?? 0),
      added: encodeAscending(isWhole ? values : added, fingerprintBits),
      removed: isWhole || removed.length === 0 ? nothing : encodeAscending(removed, fingerprintBits),
      documents,
      words,
      mayHold,
    };
    this.#own = { version, terms: TermSet.of(values), documents, words, mayHold };
    this.#toldAt = now;
    if (this.#off === null) this.#put(this.#selfId, this.#own, out);
    this.stats.deltasSent++;
    this.stats.deltaBytesSent += delta.added.length + delta.removed.length;
    out.emit({ kind: 'broadcast', delta });
  }

  #onDelta(now: Millis, from: PeerId, delta: SummaryDelta, out: Out): void {
    if (from === this.#selfId || !this.#isHolding) return;
    if (!isDelta(delta)) {
      this.#report(from, 'summary delta', out);
      return;
    }
    const held = this.#table.get(from);
    if (held !== undefined && held.version >= delta.version) return;
    if (delta.base !== 0 && (held === undefined || held.version !== delta.base)) {
      this.stats.deltasEarly++;
      if (!this.#waiting.add(from, delta)) this.stats.deltasDropped++;
      this.#catchUp.wanted.want(now, from, delta.version, null, now + this.#config.patienceMs);
      return;
    }
    if (!this.#apply(from, held, delta, out)) {
      this.#report(from, 'summary terms', out);
      return;
    }
    this.#applyWaiting(from, out);
  }

  #applyWaiting(id: PeerId, out: Out): void {
    for (;;) {
      const held = this.#table.get(id);
      const next = held === undefined ? undefined : this.#waiting.take(id, held.version);
      if (next === undefined || !this.#apply(id, held, next, out)) return;
    }
  }

  /** False: its terms are no terms. */
  #apply(id: PeerId, held: Summary | undefined, delta: SummaryDelta, out: Out): boolean {
    const added = decodeAscending(delta.added, fingerprintBits, this.#config.termsMax);
    const removed =
      delta.removed.length === 0
        ? new Uint32Array(0)
        : decodeAscending(delta.removed, fingerprintBits, this.#config.termsMax);
    if (added === null || removed === null) return false;
    const terms = delta.base === 0 || held === undefined ? TermSet.of(added) : held.terms.apply({ added, removed });
    if (terms.count > this.#config.termsMax) return false;
    const { version, documents, words, mayHold } = delta;
    this.stats.deltasApplied++;
    this.#put(id, { version, terms, documents, words, mayHold }, out);
    return true;
  }

  #onRecords(now: Millis, from: PeerId, records: readonly SummaryRecord[], out: Out): void {
    const broken = this.#catchUp.onRecords(now, from, records);
    if (broken !== null) {
      this.#report(from, broken, out);
      return;
    }
    for (const record of records) {
      const { id, version, documents, words, mayHold } = record;
      const { termsMax } = this.#config;
      const terms = mayHold ? TermSet.empty : TermSet.parse(record.terms, termsMax);
      const exact = mayHold || record.exact === undefined ? null : TermSet.parse(record.exact, termsMax);
      const isExact = exact === null ? mayHold || record.exact === undefined : exact.width === fingerprintBits;
      if (terms === null || !isExact || !isVersion(version) || !isCount(documents) || !isCount(words)) {
        this.#report(from, 'summary record', out);
        return;
      }
      if (!this.#members.has(id) || version <= (this.#table.get(id)?.version ?? 0)) continue;
      this.#put(id, { version, terms, documents, words, mayHold }, out, exact);
      if (this.#off !== null) return;
      this.#applyWaiting(id, out);
    }
  }

  #put(id: PeerId, summary: Summary, out: Out, exact: TermSet | null = null): void {
    if (this.#table.get(id) === undefined && this.#table.size >= this.#config.peersMax) {
      this.stats.summariesRefused++;
      return;
    }
    this.#catchUp.wanted.has(id, summary.version);
    if (!this.#table.put(id, summary, exact)) this.#switchOff('memory', out);
  }

  #forget(id: PeerId): void {
    this.#members.delete(id);
    this.#table.delete(id);
    this.#waiting.drop(id);
    this.#catchUp.wanted.drop(id);
  }

  #onMeshSize(now: Millis, out: Out): void {
    const { peersMax } = this.#config;
    const isOver = this.#ownTerms > this.termsBudget;
    const isWellUnder = this.#ownTerms <= this.termsBudget * returnShare;
    if (this.#own !== undefined && (this.#own.mayHold ? isWellUnder : isOver)) this.#armSnapshot(now);
    if (this.#off === null) {
      if (this.#meshSize > peersMax) this.#switchOff('mesh too large', out);
    } else if (this.#off === 'mesh too large') {
      if (this.#meshSize <= peersMax * returnShare) this.#switchOn(now, out);
    } else if (this.#off === 'memory' && this.#meshSize <= this.#offAtSize * returnShare) {
      this.#switchOn(now, out);
    }
  }

  #switchOff(reason: OffReason, out: Out): void {
    this.#off = reason;
    this.#offAtSize = this.#meshSize;
    this.stats.switchedOff++;
    this.#table.clear();
    this.#waiting.clear();
    this.#catchUp.clear();
    out.emit({ kind: 'switched', off: reason });
  }

  #switchOn(now: Millis, out: Out): void {
    this.#off = null;
    out.emit({ kind: 'switched', off: null });
    if (this.#own !== undefined) this.#put(this.#selfId, this.#own, out);
    if (this.#isChanged) this.#armSnapshot(now);
    this.#catchUp.compareWithOne(this.#rng, out);
  }

  /** Another life under this id told more than this one: go on above it, from nothing. */
  #onOwnVersion(version: number): void {
    if (version >= Number.MAX_SAFE_INTEGER - 2 ** 32) return;
    this.#versionNext = Math.max(this.#versionNext, version + 1);
    this.#own = undefined;
    this.#isChanged = true;
    this.#armSnapshot(this.#now);
  }

  #recordOf(id: PeerId): SummaryRecord | undefined {
    const summary = id === this.#selfId ? this.#own : this.#table.get(id);
    if (summary === undefined) return undefined;
    const { version, documents, words, mayHold } = summary;
    if (mayHold) return { id, version, documents, words, mayHold, terms: nothing };
    const { terms } = summary;
    const isFolded = terms instanceof SharedTermSet && terms.commonCount > 0 && terms.width < fingerprintBits;
    const exact = isFolded && { exact: TermSet.of(terms.exact()).toBytes() };
    return { id, version, documents, words, mayHold, terms: terms.toBytes(), ...exact };
  }

  #armSnapshot(now: Millis): void {
    if (this.#snapshotAt !== never || this.#off === 'disabled') return;
    this.#snapshotAt = Math.max(now + this.#config.batchMs, this.#toldAt + this.#config.deltaGapMs);
  }

  #armRound(now: Millis): void {
    this.#roundAt = now + this.#config.digestIntervalMs * (0.5 + this.#rng.float());
  }

  #report(peer: PeerId, rule: string | null, out: Out): void {
    if (rule === null) return;
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }
}

function isDelta({ version, base, documents, words }: SummaryDelta): boolean {
  return (
    isVersion(version) && (base === 0 || isVersion(base)) && base < version && isCount(documents) && isCount(words)
  );
}
