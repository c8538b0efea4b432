import { Bloom, type TermHash } from '@starling/digest';
import type { Millis, Outbox, PeerId } from '@starling/kernel';
import type { SearchConfig } from './config.ts';
import type { QuestionTerms, SearchEvent, SearchMessage, TermsPart } from './messages.ts';

type Out = Outbox<SearchMessage, SearchEvent>;
type LinkTerms = Extract<SearchMessage, { kind: 'linkTerms' }>;

const never = Number.POSITIVE_INFINITY;
/** Form, size and hashes before the bits. */
const headBytes = 3;
const unknown: TermsPart = { isDelta: false, filter: new Uint8Array(0) };

/** What the digests of all links say together. */
export interface Sight {
  /** Peers within two links that digests speak for. */
  readonly peers: number;
  /** Links whose neighbour may have it, and links beyond which somebody may: at least so many peers, if no filter is mistaken. */
  readonly seen: number;
  /** How many of those the filters are expected to say falsely. */
  readonly falsely: number;
}

/** What was said over one link, both ways. */
interface LinkDigest {
  near: Bloom | null;
  beyond: Bloom | null;
  /** How often each is mistaken about one term; null: not counted since it changed. */
  nearFalse: number | null;
  beyondFalse: number | null;
  degree: number;
  /** The last version heard; 0: none, or track was lost. */
  heard: number;
  /** To be said: tell all of it. */
  wantsAgain: boolean;
  /** What the neighbour knows of ours. */
  saidNear: Bloom | null;
  saidBeyond: Bloom | null;
  saidDegree: number;
  said: number;
  /** When it may be told something next. */
  freeAt: Millis;
  /** Something changed that it was not told. */
  isDirty: boolean;
}

export interface LinkDigestStats {
  sent: number;
  received: number;
  bytesSent: number;
  lostTrack: number;
  linksIgnored: number;
}

/**
 * Attenuated Bloom filters of depth 2, one per link (Rhea and Kubiatowicz, INFOCOM'02 §3): what a neighbour has, and what its other
 * neighbours have. Neighbours tell each other when that changes, by the bits that differ, and at most every `digestIntervalMs`.
 * All filters are of one size, so a message has a bound and filters can be united.
 */
export class LinkDigests {
  readonly #config: SearchConfig;
  readonly #links = new Map<PeerId, LinkDigest>();
  #own: Bloom | null = null;
  /** Nothing is told before the index above has said what it has: a mesh without one says nothing at all. */
  #isTold = false;
  #dueAt: Millis = never;
  readonly stats: LinkDigestStats = { sent: 0, received: 0, bytesSent: 0, lostTrack: 0, linksIgnored: 0 };

  constructor(config: SearchConfig) {
    this.#config = config;
  }

  nextDeadline(): Millis {
    return this.#dueAt;
  }

  neighborUp(now: Millis, peer: PeerId): void {
    if (this.#links.has(peer)) return;
    if (this.#links.size >= this.#config.digestLinksMax) {
      this.stats.linksIgnored++;
      return;
    }
    this.#links.set(peer, {
      near: null,
      beyond: null,
      nearFalse: null,
      beyondFalse: null,
      degree: 1,
      heard: 0,
      wantsAgain: false,
      saidNear: null,
      saidBeyond: null,
      saidDegree: 0,
      said: 0,
      freeAt: now,
      isDirty: false,
    });
    this.#changed(now, null);
  }

  neighborDown(now: Millis, peer: PeerId): void {
    if (this.#links.delete(peer)) this.#changed(now, null);
  }

  /** What the index above has; null: more than it can tell. */
  ownTerms(now: Millis, fingerprints: Uint32Array | null): void {
    this.#isTold = true;
    this.#own = null;
    if (fingerprints !== null) {
      const own = new Bloom(this.#config.digestSizeLog2, this.#config.digestHashes);
      for (const fingerprint of fingerprints) own.add(hashOf(fingerprint));
      this.#own = own;
    }
    this.#changed(now, null);
  }

  /** 1: the neighbour itself may answer, 2: one of its neighbours may, 0: nothing known. */
  nearness(peer: PeerId, terms: QuestionTerms): number {
    const link = this.#links.get(peer);
    if (link === undefined) return 0;
    if (mayHave(link.near, terms)) return 1;
    return mayHave(link.beyond, terms) ? 2 : 0;
  }

  /** A sample of some fifty peers that costs no message: how common are these terms? */
  sight(terms: QuestionTerms): Sight {
    let [peers, seen, falsely] = [0, 0, 0];
    const shortest = Math.min(...terms.map(({ length }) => length));
    for (const link of this.#links.values()) {
      const { near, beyond, degree } = link;
      if (near !== null) {
        link.nearFalse ??= near.falsePositiveRate;
        peers++;
        seen += Number(mayHave(near, terms));
        falsely += link.nearFalse ** shortest;
      }
      if (beyond !== null) {
        link.beyondFalse ??= beyond.falsePositiveRate;
        peers += degree - 1;
        seen += Number(mayHave(beyond, terms));
        falsely += link.beyondFalse ** shortest;
      }
    }
    return { peers, seen, falsely };
  }

  degree(peer: PeerId): number {
    return this.#links.get(peer)?.degree ?? 1;
  }

  /** The name of the rule that the message breaks, or null. */
  received(now: Millis, from: PeerId, message: LinkTerms): string | null {
    const link = this.#links.get(from);
    // Of a link that is no neighbour's yet, or no more; or of one too many.
    if (link === undefined) return null;
    const { version, near, beyond, degree, again } = message;
    if (!Number.isSafeInteger(version) || version < 1) return 'terms version';
    if (!Number.isSafeInteger(degree) || degree < 0 || degree > this.#config.budgetMax) return 'terms degree';
    this.stats.received++;
    link.degree = Math.max(1, degree);
    if (again) {
      link.saidNear = null;
      link.saidBeyond = null;
      link.said = 0;
      this.#dirty(link);
    }
    // The first one says everything, also when the neighbour begins anew.
    if (version !== 1 && version !== link.heard + 1) {
      // A message was lost: what is known may be wrong, so it is forgotten until all of it comes again.
      this.stats.lostTrack++;
      link.near = null;
      link.beyond = null;
      link.heard = 0;
      link.wantsAgain = true;
      this.#dirty(link);
      return null;
    }
    const newNear = near === null ? link.near : this.#read(near, link.near);
    const newBeyond = beyond === null ? link.beyond : this.#read(beyond, link.beyond);
    if (newNear === undefined || newBeyond === undefined) return 'terms filter';
    link.heard = version;
    const isNews = newNear !== link.near;
    if (isNews) link.nearFalse = null;
    if (newBeyond !== link.beyond) link.beyondFalse = null;
    link.near = newNear;
    link.beyond = newBeyond;
    if (isNews) this.#changed(now, from);
    return null;
  }

  onTime(now: Millis, out: Out): void {
    if (now < this.#dueAt) return;
    this.#dueAt = never;
    if (!this.#isTold) return;
    for (const [peer, link] of this.#links) {
      if (!link.isDirty) continue;
      if (link.freeAt > now) this.#dueAt = Math.min(this.#dueAt, link.freeAt);
      else this.#tell(now, peer, link, out);
    }
  }

  /** Something that all links but one are to be told. */
  #changed(_now: Millis, but: PeerId | null): void {
    for (const [peer, link] of this.#links) if (peer !== but) this.#dirty(link);
  }

  #dirty(link: LinkDigest): void {
    link.isDirty = true;
    if (this.#isTold) this.#dueAt = Math.min(this.#dueAt, link.freeAt);
  }

  #tell(now: Millis, peer: PeerId, link: LinkDigest, out: Out): void {
    link.isDirty = false;
    const near = this.#own;
    const beyond = this.#beyond(peer);
    const isSame = link.said > 0 && same(near, link.saidNear) && same(beyond, link.saidBeyond);
    if (isSame && link.saidDegree === this.#links.size && !link.wantsAgain) return;
    const isFirst = link.said === 0;
    const message: LinkTerms = {
      kind: 'linkTerms',
      version: link.said + 1,
      near: isFirst || !same(near, link.saidNear) ? part(near, link.saidNear) : null,
      beyond: isFirst || !same(beyond, link.saidBeyond) ? part(beyond, link.saidBeyond) : null,
      degree: this.#links.size,
      again: link.wantsAgain,
    };
    link.said++;
    link.saidNear = near;
    link.saidBeyond = beyond;
    link.saidDegree = this.#links.size;
    link.wantsAgain = false;
    link.freeAt = now + this.#config.digestIntervalMs;
    this.stats.sent++;
    this.stats.bytesSent += (message.near?.filter.length ?? 0) + (message.beyond?.filter.length ?? 0);
    out.send(peer, message);
  }

  /** What all neighbours but one have. */
  #beyond(but: PeerId): Bloom | null {
    let united: Bloom | null = null;
    for (const [peer, { near }] of this.#links) {
      if (peer !== but && near !== null) united = united === null ? near : united.union(near);
    }
    return united;
  }

  /** Undefined: no filter that anybody may send. */
  #read({ isDelta, filter }: TermsPart, before: Bloom | null): Bloom | null | undefined {
    const { digestSizeLog2, digestHashes } = this.#config;
    if (filter.length === 0) return isDelta ? undefined : null;
    if (filter.length > headBytes + 2 ** (digestSizeLog2 - 3)) return undefined;
    const bloom = Bloom.parse(filter, digestSizeLog2);
    if (bloom === null) return undefined;
    if (isDelta) return before?.xor(bloom) ?? undefined;
    // Of a mesh that is set up otherwise: it cannot be united with ours, so it is as if nothing was said.
    return bloom.sizeLog2 === digestSizeLog2 && bloom.hashes === digestHashes ? bloom : null;
  }
}

function part(now: Bloom | null, before: Bloom | null): TermsPart {
  if (now === null) return unknown;
  const delta = before?.xor(now) ?? null;
  const all = now.toBytes();
  if (delta === null) return { isDelta: false, filter: all };
  const changes = delta.toBytes();
  return changes.length < all.length ? { isDelta: true, filter: changes } : { isDelta: false, filter: all };
}

function same(a: Bloom | null, b: Bloom | null): boolean {
  return a === b || (a !== null && b !== null && a.equals(b));
}

function mayHave(filter: Bloom | null, terms: QuestionTerms): boolean {
  return filter !== null && terms.some((list) => list.length > 0 && list.every((term) => filter.has(hashOf(term))));
}

/** A fingerprint's 32 bits as the 64 that a filter wants. */
function hashOf(fingerprint: number): TermHash {
  return { high: Math.imul(fingerprint ^ (fingerprint >>> 15), 0x9e3779b1) >>> 0, low: fingerprint };
}
