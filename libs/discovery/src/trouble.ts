/** Told when a source begins to fail, and not again until it has worked in between: one line in a log, not thousands. */
export type OnTrouble = (source: string, message: string) => void;

/** Passes the first failure of a row on, and counts them all. */
export class Trouble {
  readonly #source: string;
  readonly #tell: OnTrouble;
  #isFailing = false;
  #failures = 0;

  constructor(source: string, tell: OnTrouble) {
    this.#source = source;
    this.#tell = tell;
  }

  /** Whether it failed the last time. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  get failures(): number {
    return this.#failures;
  }

  failed(cause: unknown): void {
    this.#failures++;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#tell(this.#source, cause instanceof Error ? cause.message : String(cause));
  }

  worked(): void {
    this.#isFailing = false;
  }
}

/** The code of a system error, as in `ENOENT`; empty for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
