import type { PeerId } from '@starling/kernel';
import type { Contact } from './contact.ts';
import { compareDistance, type Position, sharedBits } from './position.ts';

export interface LookupOptions {
  readonly target: Position;
  /** Peers that have to have answered, or failed, before nobody nearer can be found. */
  readonly k: number;
  /** Disjoint paths. */
  readonly paths: number;
  /** Calls under way on each. */
  readonly parallel: number;
  /** How many more each answer without a record allows, and the most. 0: none. */
  readonly rampUp: number;
  readonly parallelMax: number;
  /** All k nearest are equals: whom to ask first is a matter of `rank` alone. */
  readonly areAllEqual: boolean;
  /** Of equals the lowest is asked first. */
  readonly rank: (contact: Contact) => number;
}

type State = 'new' | 'asked' | 'answered' | 'failed';

/** One peer as one lookup sees it. Of several paths that hear of it the first to ask owns it. */
export interface Candidate {
  readonly contact: Contact;
  readonly sharedBits: number;
  path: number;
  round: number;
  state: State;
}

interface Path {
  /** Nearest first. */
  readonly candidates: Candidate[];
  /** Asked, not answered, and not given up as slow. */
  active: number;
}

/** Candidates that a path keeps, in k. Those beyond could only matter if so many nearer ones failed. */
const candidatesInK = 4;

/**
 * One iterative lookup (Kademlia §2.3): ask the nearest peers known, learn of nearer ones, until the k nearest have answered.
 * With several paths, each keeps its own list and no peer is asked by two of them (S/Kademlia §4.2): one adversary spoils the
 * path it is on, not the others. It decides whom to ask; it neither sends nor reads a clock.
 */
export class Lookup {
  readonly target: Position;
  readonly #options: LookupOptions;
  readonly #paths: Path[];
  readonly #claimed = new Map<PeerId, Candidate>();
  #parallel: number;
  #turn = 0;

  constructor(options: LookupOptions) {
    this.target = options.target;
    this.#options = options;
    this.#parallel = options.parallel;
    this.#paths = Array.from({ length: options.paths }, () => ({ candidates: [], active: 0 }));
  }

  /** Deals the peers that this one knows out to the paths, so that each begins elsewhere. */
  begin(contacts: readonly Contact[]): void {
    contacts.forEach((contact, i) => {
      const at = i % this.#paths.length;
      this.#add(this.#paths[at] as Path, at, contact, 1);
    });
  }

  /** Whom to ask now; undefined: nobody until somebody answers, fails or is slow. It is asked from now on. */
  next(): Candidate | undefined {
    for (let i = 0; i < this.#paths.length; i++) {
      const at = (this.#turn + i) % this.#paths.length;
      const path = this.#paths[at] as Path;
      if (path.active >= this.#parallel) continue;
      const candidate = this.#best(path);
      if (candidate === undefined) continue;
      this.#turn = at + 1;
      candidate.state = 'asked';
      this.#claimed.set(candidate.contact.info.id, candidate);
      path.active++;
      return candidate;
    }
    return undefined;
  }

  /** It takes longer than most: another may be asked beside it. */
  slow(candidate: Candidate): void {
    this.#pathOf(candidate).active--;
  }

  answered(candidate: Candidate, wasSlow: boolean, contacts: readonly Contact[]): void {
    const { rampUp, parallelMax } = this.#options;
    candidate.state = 'answered';
    if (!wasSlow) this.#pathOf(candidate).active--;
    this.#parallel = Math.max(this.#parallel, Math.min(parallelMax, this.#parallel + rampUp));
    for (const contact of contacts) this.#add(this.#pathOf(candidate), candidate.path, contact, candidate.round + 1);
  }

  failed(candidate: Candidate, wasSlow: boolean): void {
    candidate.state = 'failed';
    if (!wasSlow) this.#pathOf(candidate).active--;
  }

  /** No path has anybody left to ask or to wait for. */
  get isExhausted(): boolean {
    return this.#paths.every((path) => this.#nearest(path).every(({ state }) => state === 'answered'));
  }

  /** Up to `count` peers that answered, nearest to the target first, of all paths. */
  closest(count: number): Contact[] {
    const answered = [...this.#claimed.values()].filter(({ state }) => state === 'answered');
    answered.sort((a, b) => compareDistance(this.target, a.contact.position, b.contact.position));
    return answered.slice(0, count).map(({ contact }) => contact);
  }

  #pathOf(candidate: Candidate): Path {
    return this.#paths[candidate.path] as Path;
  }

  #add(path: Path, at: number, contact: Contact, round: number): void {
    const { candidates } = path;
    const id = contact.info.id;
    let place = candidates.length;
    while (place > 0) {
      const before = candidates[place - 1] as Candidate;
      const order = compareDistance(this.target, before.contact.position, contact.position);
      if (order < 0) break;
      if (before.contact.info.id === id) return;
      place--;
    }
    const max = this.#options.k * candidatesInK;
    if (place >= max) return;
    const claimed = this.#claimed.get(id);
    const bits = claimed?.sharedBits ?? sharedBits(this.target, contact.position);
    const candidate = claimed ?? { contact, sharedBits: bits, path: at, round, state: 'new' };
    candidates.splice(place, 0, candidate);
    if (candidates.length > max && candidates.at(-1)?.state !== 'asked') candidates.pop();
  }

  /** The k nearest that did not fail, as the owner of each sees it. */
  #nearest(path: Path): Candidate[] {
    const nearest: Candidate[] = [];
    for (const own of path.candidates) {
      const candidate = this.#claimed.get(own.contact.info.id) ?? own;
      if (candidate.state === 'failed') continue;
      nearest.push(candidate);
      if (nearest.length === this.#options.k) break;
    }
    return nearest;
  }

  #best(path: Path): Candidate | undefined {
    const { rank, areAllEqual } = this.#options;
    let best: Candidate | undefined;
    let bestRank = 0;
    for (const candidate of this.#nearest(path)) {
      if (candidate.state !== 'new') continue;
      if (best === undefined) {
        best = candidate;
        bestRank = rank(candidate.contact);
        continue;
      }
      // Peers with equally long common prefixes bring the lookup on equally far.
      if (!areAllEqual && candidate.sharedBits < best.sharedBits) break;
      const itsRank = rank(candidate.contact);
      if (itsRank >= bestRank) continue;
      best = candidate;
      bestRank = itsRank;
    }
    return best;
  }
}
