import type { Discovery } from '@starling/host';
import { readBounded } from './bounded-file.ts';
import { codeOf, type OnTrouble, Trouble } from './trouble.ts';

const fileBytesMax = 64 * 1024;

/** Addresses from a file, one per line, `#` begins a comment. Read anew each time: it may be a mounted ConfigMap. */
export class FileDiscovery implements Discovery {
  readonly name = 'file';
  readonly trouble: Trouble;
  readonly #path: string;

  constructor(path: string, onTrouble: OnTrouble) {
    this.#path = path;
    this.trouble = new Trouble(`file ${path}`, onTrouble);
  }

  /** Nothing when there is no such file yet; rejects when it cannot be read or is larger than 64 KiB. */
  async find(): Promise<readonly string[]> {
    try {
      const text = await readBounded(this.#path, fileBytesMax);
      this.trouble.worked();
      return text
        .split('\n')
        .map((line) => line.replace(/#.*/, '').trim())
        .filter((line) => line !== '');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      this.trouble.failed(error);
      throw error;
    }
  }
}
