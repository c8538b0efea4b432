/** Addresses learnt that are kept beside the configured ones. Guess: enough to survive most of a large mesh. */
const learntMax = 256;
/** An address that failed is tried last for so long. Guess: a peer's restart. */
const failureMs = 5_000;

/** Where peers can be asked, the best first: the last that answered, then configured ones, then those learnt. */
export class AddressBook {
  readonly #configured: readonly string[];
  readonly #learnt = new Set<string>();
  readonly #failedAt = new Map<string, number>();
  #last: string | null = null;

  constructor(configured: readonly string[]) {
    this.#configured = configured;
  }

  get size(): number {
    return this.candidates(0).length;
  }

  /** Remembers addresses that peers told; the earliest are forgotten beyond the bound. */
  learn(addresses: Iterable<string>): void {
    for (const address of addresses) {
      if (address === '' || this.#configured.includes(address)) continue;
      this.#learnt.delete(address);
      this.#learnt.add(address);
    }
    for (const oldest of this.#learnt) {
      if (this.#learnt.size <= learntMax) break;
      this.#learnt.delete(oldest);
      this.#failedAt.delete(oldest);
    }
  }

  succeeded(address: string): void {
    this.#last = address;
    this.#failedAt.delete(address);
  }

  failed(address: string, now: number): void {
    if (this.#last === address) this.#last = null;
    this.#failedAt.set(address, now);
  }

  /** All addresses, each once, those that failed lately last (the longest ago first). */
  candidates(now: number): string[] {
    const all = [...new Set([...(this.#last === null ? [] : [this.#last]), ...this.#configured, ...this.#learnt])];
    const failure = (address: string): number => {
      const at = this.#failedAt.get(address) ?? Number.NEGATIVE_INFINITY;
      return now - at < failureMs ? at : Number.NEGATIVE_INFINITY;
    };
    return all.sort((one, other) => Math.sign(compare(failure(one), failure(other))));
  }
}

/** Infinities subtract to NaN. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
