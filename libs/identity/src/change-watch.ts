import { type FSWatcher, watch } from 'node:fs';

/**
 * Calls `look` soon after something changed in a directory, and every `pollMs` in any case: the system's notices are lost
 * on some file systems, and Kubernetes replaces a whole mounted directory by swapping a symbolic link.
 */
export class ChangeWatch {
  readonly #look: () => void;
  readonly #poll: NodeJS.Timeout;
  #notices: FSWatcher | null = null;
  #soon: NodeJS.Timeout | null = null;

  constructor(dir: string, pollMs: number, look: () => void) {
    this.#look = look;
    this.#poll = setInterval(() => {
      if (this.#notices === null) this.#listen(dir);
      look();
    }, pollMs);
    this.#poll.unref();
    this.#listen(dir);
  }

  close(): void {
    clearInterval(this.#poll);
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.#notices?.close();
  }

  #listen(dir: string): void {
    try {
      this.#notices = watch(dir, { persistent: false }, () => {
        // One change is several notices; a moment later the files are as they shall be.
        this.#soon ??= setTimeout(() => {
          this.#soon = null;
          this.#look();
        }, 20).unref();
      });
      this.#notices.on('error', () => {
        this.#notices?.close();
        this.#notices = null;
      });
    } catch {
      // Not there yet, or no notices on this file system: the poll does it.
      this.#notices = null;
    }
  }
}
