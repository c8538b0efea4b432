/** Origins whose cursors are kept between two checkpoints; the API takes 4,096 cursors, one of them the checkpoint's. */
const originsMax = 4_095;

/** Where a subscriber stands: the last checkpoint, and for each origin its last message since then. */
export class CursorSet {
  #checkpoint: string | null;
  readonly #origins = new Map<string, string>();
  readonly #given: readonly string[];

  /** `given`: cursors to begin with, until a checkpoint stands for all of them. */
  constructor(given: readonly string[] = []) {
    this.#given = given;
    this.#checkpoint = null;
  }

  /** A message, or a gap, of this origin was taken. */
  passed(origin: string, cursor: string): void {
    this.#origins.delete(origin);
    this.#origins.set(origin, cursor);
    if (this.#origins.size <= originsMax) return;
    // The one heard from longest ago: its messages come again after a resume, and are known by their ids.
    for (const oldest of this.#origins.keys()) {
      this.#origins.delete(oldest);
      break;
    }
  }

  /** Everything before was taken. */
  checkpoint(cursor: string): void {
    this.#checkpoint = cursor;
    this.#origins.clear();
  }

  /** To be given in SubscribeRequest.cursors, to any peer. Empty when nothing was heard yet. */
  list(): string[] {
    const before = this.#checkpoint === null ? this.#given.slice(0, 4_096 - this.#origins.size) : [this.#checkpoint];
    return [...before, ...this.#origins.values()];
  }
}
