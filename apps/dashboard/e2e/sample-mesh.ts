import { Rng } from '@starling/kernel';
import type { BanFacts, LinkFacts, PeerCondition, PeerFacts, RemovalReason, ReportFacts } from '@starling/topology';

/** What a sample mesh tells its watchers. */
export interface SampleDelta {
  readonly reports: readonly ReportFacts[];
  readonly removed: readonly { readonly id: string; readonly reason: RemovalReason }[];
}

/**
 * A mesh as data, with peers, links and rates that look like the real ones: a random graph of degree about five and a
 * breadth-first tree in it. It lives by calls alone (`tick`, `kill`, `join`), so that a seed decides every picture.
 */
export class SampleMesh {
  readonly #rng: Rng;
  readonly #zones: readonly string[];
  readonly #peers = new Map<string, PeerFacts>();
  readonly #links = new Map<string, Map<string, { rttMs: number; isTree: boolean }>>();
  readonly #listeners = new Set<(delta: SampleDelta) => void>();
  readonly #conditions = new Map<string, PeerCondition[]>();
  #made = 0;

  constructor(peers: number, seed = 1, zones: readonly string[] = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']) {
    this.#rng = new Rng(seed);
    this.#zones = zones;
    for (let i = 0; i < peers; i++) this.#add();
    this.#growTree();
  }

  get ids(): readonly string[] {
    return [...this.#peers.keys()];
  }

  peer(id: string): PeerFacts | undefined {
    return this.#peers.get(id);
  }

  /** Tells where a peer takes clients. */
  serve(id: string, apiAddress: string): void {
    this.#change(id, { apiAddress });
  }

  /** Tells what a peer is doing, or that it is banned. */
  mark(id: string, facts: Pick<PeerFacts, 'state'> | { readonly ban: BanFacts | undefined }): void {
    this.#change(id, facts);
    this.tick();
  }

  /** Tells what a peer says is wrong with it; nothing: it is well again. */
  ail(id: string, ...conditions: PeerCondition[]): void {
    this.#conditions.set(id, conditions);
    this.tick();
  }

  /** Reports of everybody, with rates of the moment. */
  reports(): ReportFacts[] {
    return this.ids.map((id) => this.#report(id));
  }

  subscribe(listener: (delta: SampleDelta) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Everybody reports anew. */
  tick(): void {
    this.#tell({ reports: this.reports(), removed: [] });
  }

  /** They die; the survivors link up again. */
  kill(ids: readonly string[]): void {
    for (const id of ids) {
      this.#peers.delete(id);
      for (const other of this.#links.get(id)?.keys() ?? []) this.#links.get(other)?.delete(id);
      this.#links.delete(id);
    }
    for (const id of this.ids)
      while ((this.#links.get(id)?.size ?? 0) < Math.min(3, this.#peers.size - 1)) this.#linkAtRandom(id);
    this.#growTree();
    this.#tell({ reports: this.reports(), removed: ids.map((id) => ({ id, reason: 'dead' as const })) });
  }

  /** One more. Returns its id. */
  join(): string {
    const id = this.#add();
    this.#growTree();
    this.#tell({ reports: this.reports(), removed: [] });
    return id;
  }

  /** Cuts every link between two groups of peers. */
  cut(isLeft: (id: string) => boolean): void {
    for (const [id, links] of this.#links) {
      for (const other of [...links.keys()]) if (isLeft(id) !== isLeft(other)) links.delete(other);
    }
    this.#tell({ reports: this.reports(), removed: [] });
  }

  #change(id: string, facts: Partial<PeerFacts> | { readonly ban: BanFacts | undefined }): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) this.#peers.set(id, { ...peer, ...facts } as PeerFacts);
  }

  #tell(delta: SampleDelta): void {
    for (const listener of this.#listeners) listener(delta);
  }

  #add(): string {
    const number = this.#made++;
    const id = Array.from({ length: 52 }, () => 'abcdefghijklmnopqrstuvwxyz234567'[this.#rng.below(32)]).join('');
    this.#peers.set(id, {
      id,
      name: `starling-${number}`,
      zone: this.#zones[number % this.#zones.length] ?? '',
      linkAddress: `10.42.${number >> 8}.${number & 255}:7400`,
      apiAddress: '',
      incarnation: 1_790_000_000_000 + number * 350,
      state: 'ready',
      version: '0.1.0',
    });
    this.#links.set(id, new Map());
    const degree = Math.min(this.#peers.size - 1, 2 + this.#rng.below(2));
    for (let i = 0; i < degree; i++) this.#linkAtRandom(id);
    return id;
  }

  #linkAtRandom(id: string): void {
    const own = this.#links.get(id);
    const free = this.ids.filter((other) => other !== id && own?.has(other) === false);
    // Near links are preferred, as the mesh itself does, with some far ones kept.
    const near = free.filter((other) => this.#peers.get(other)?.zone === this.#peers.get(id)?.zone);
    const from = near.length > 0 && this.#rng.float() < 0.7 ? near : free;
    const other = from[this.#rng.below(Math.max(1, from.length))];
    if (other === undefined) return;
    const isNear = this.#peers.get(other)?.zone === this.#peers.get(id)?.zone;
    const link = { rttMs: (isNear ? 0.4 : 1.8) * (1 + this.#rng.float()), isTree: false };
    own?.set(other, link);
    this.#links.get(other)?.set(id, link);
  }

  #growTree(): void {
    for (const links of this.#links.values()) for (const link of links.values()) link.isTree = false;
    const [root] = this.#peers.keys();
    const reached = new Set(root === undefined ? [] : [root]);
    for (const id of reached) {
      for (const [other, link] of this.#links.get(id) ?? []) {
        if (reached.has(other)) continue;
        reached.add(other);
        link.isTree = true;
      }
    }
  }

  #report(id: string): ReportFacts {
    const links = [...(this.#links.get(id) ?? [])].map(([peerId, { rttMs, isTree }]): LinkFacts => {
      const rate = isTree ? 40 + 25 * this.#rng.float() : 2 * this.#rng.float();
      return {
        peerId,
        role: isTree ? 'eager' : 'lazy',
        rttMs,
        messagesInPerSecond: rate,
        messagesOutPerSecond: rate,
        bytesInPerSecond: rate * 620,
        bytesOutPerSecond: rate * 620,
        duplicatesPerSecond: isTree ? 0.2 * this.#rng.float() : 0,
      };
    });
    return {
      peer: this.#peers.get(id) as PeerFacts,
      links,
      deliveredPerSecond: 95 + 10 * this.#rng.float(),
      publishedPerSecond: 100 / this.#peers.size,
      droppedPerSecond: 0,
      passiveViewSize: 30,
      documentCount: 120,
      heapBytes: (38 + 6 * this.#rng.float()) * 1024 * 1024,
      loopUtilization: 0.03 + 0.03 * this.#rng.float(),
      conditions: this.#conditions.get(id) ?? [],
      reportTime: 0,
    };
  }
}
