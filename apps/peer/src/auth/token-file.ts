import { readFileSync, statSync } from 'node:fs';
import type { Caller } from './caller.ts';
import { parseTokenList, type TokenEntry, TokenList } from './token-list.ts';

/** A file above this is no list of tokens. 1,024 lines of the longest kind are below it. */
const fileBytesMax = 256 * 1024;
/** How often it is looked whether the file changed: one `stat`. Half of what a person waits for. (guess) */
const pollMs = 2_000;

export interface TokenFileEvents {
  readonly reloaded: (tokens: number) => void;
  /** The file cannot be used; what was read before stays in force. */
  readonly failed: (problems: readonly string[]) => void;
}

/** The file is not there, or says what cannot be. One line per problem. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
  readonly problems: readonly string[];

  constructor(path: string, problems: readonly string[], cause?: unknown) {
    super(`${path}: ${problems.slice(0, 5).join('; ')}${problems.length > 5 ? '; …' : ''}`, { cause });
    this.problems = problems;
  }
}

/** Static tokens in a file, read again when it changes: by name (Kubernetes swaps a link) or in place. */
export class TokenFile {
  readonly #path: string;
  readonly #events: TokenFileEvents;
  #list: TokenList;
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  /** Throws a TokenFileError. */
  constructor(path: string, events: TokenFileEvents) {
    this.#path = path;
    this.#events = events;
    this.#seen = this.#version();
    this.#list = this.#read();
  }

  get size(): number {
    return this.#list.size;
  }

  /** The caller whose token this is; null when it is nobody's. One that has expired is found, and not valid. */
  find(token: string): Caller | null {
    const entry = this.#list.find(token);
    return entry === null ? null : this.#callerOf(entry);
  }

  /** Begins to look for changes. */
  watch(): void {
    this.#timer ??= setInterval(() => this.check(), pollMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads the file again if it changed. What cannot be read changes nothing: a half-written file must lock nobody out. */
  check(): void {
    const version = this.#version();
    if (version === this.#seen) return;
    this.#seen = version;
    try {
      this.#list = this.#read();
      this.#events.reloaded(this.#list.size);
    } catch (error) {
      this.#events.failed(error instanceof TokenFileError ? error.problems : [String(error)]);
    }
  }

  #callerOf(entry: TokenEntry): Caller {
    let list = this.#list;
    let isHeld = true;
    const isValid = (now: number): boolean => {
      if (list !== this.#list) {
        list = this.#list;
        isHeld = list.holds(entry);
      }
      return isHeld && now < entry.expiresAt;
    };
    return { name: entry.name, role: entry.role, isValid };
  }

  #read(): TokenList {
    let text: string;
    try {
      if (statSync(this.#path).size > fileBytesMax) throw new Error(`is larger than ${fileBytesMax} bytes`);
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      throw new TokenFileError(this.#path, [error instanceof Error ? error.message : String(error)], error);
    }
    const result = parseTokenList(text);
    if (!result.ok) throw new TokenFileError(this.#path, result.problems);
    return new TokenList(result.entries);
  }

  #version(): string {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(this.#path);
      return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    }
  }
}
