import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SignedBan } from '@starling/core-bans';
import { timestampMsMax } from '@starling/kernel';
import type { Logger } from 'pino';
import * as z from 'zod';

/** 512 records of the largest kind, in base64, and as many bans of this peer's own. */
const fileBytesMax = 4 * 1024 * 1024;

const text = (most: number) => z.string().max(most);
const fileSchema = z.object({
  records: z.array(z.object({ statement: text(4_096), signature: text(256), key: text(128) })).max(4_096),
  here: z
    .array(
      z.object({ peer: text(256), until: z.number().nullable(), reason: text(256), by: text(256), at: z.number() }),
    )
    .max(4_096),
});

/** A ban by an operator at this peer alone. Times in ms since 1970. */
export interface LocalBan {
  readonly peer: string;
  /** Infinity: until it is lifted. */
  readonly until: number;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
}

export interface KeptBans {
  readonly records: readonly SignedBan[];
  readonly here: readonly LocalBan[];
}

/**
 * The bans that an operator decided on, over a restart. A file that cannot be read is told and left as it is: records come back from
 * the neighbours, and nothing is overwritten before something changes.
 */
export class BanFile {
  readonly #path: string;
  readonly #log: Logger;
  #saving: Promise<void> = Promise.resolve();
  #next: (() => KeptBans) | null = null;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Never throws. */
  load(): KeptBans {
    try {
      if (statSync(this.#path).size > fileBytesMax) throw new Error(`is larger than ${fileBytesMax} bytes`);
      const file = fileSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return {
        records: file.records.map(({ statement, signature, key }) => ({
          statement: bytes(statement),
          signature: bytes(signature),
          key,
        })),
        here: file.here.map((ban) => ({ ...ban, until: endOf(ban.until) })),
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#log.error(
          { file: this.#path, problem: (error as Error).message.split('\n', 1)[0] },
          'the bans that were kept cannot be read: those of the mesh will come from the neighbours',
        );
      }
      return { records: [], here: [] };
    }
  }

  /** Writes what `bans` gives when its turn comes; of several calls while one is under way the last counts. */
  save(bans: () => KeptBans): Promise<void> {
    const isWaiting = this.#next !== null;
    this.#next = bans;
    if (!isWaiting) {
      this.#saving = this.#saving.then(() => {
        const next = this.#next;
        this.#next = null;
        return next === null ? undefined : this.#write(next());
      });
    }
    return this.#saving;
  }

  async #write({ records, here }: KeptBans): Promise<void> {
    const file: z.input<typeof fileSchema> = {
      records: records.map(({ statement, signature, key }) => ({
        statement: Buffer.from(statement).toString('base64'),
        signature: Buffer.from(signature).toString('base64'),
        key,
      })),
      here: here.map((ban) => ({ ...ban, until: Number.isFinite(ban.until) ? ban.until : null })),
    };
    const temporary = `${this.#path}.${randomBytes(6).toString('hex')}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(temporary, `${JSON.stringify(file)}\n`, { mode: 0o600 });
      await rename(temporary, this.#path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      this.#log.error(
        { file: this.#path, problem: (error as Error).message },
        'the bans cannot be kept over a restart',
      );
    }
  }
}

/** What nobody lives to see is as good as no end, and could be told to nobody. */
function endOf(until: number | null): number {
  return until === null || until > timestampMsMax ? Number.POSITIVE_INFINITY : until;
}

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}
