import { readFileSync, statSync } from 'node:fs';
import type { BanReader, SignedBan } from '@starling/core-bans';
import { IdentityError, OperatorKeys } from '@starling/identity';
import { decodeBanStatement } from '@starling/wire';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { exitCodes, StartError } from '../start-error.ts';

/** A file above this holds no keys of operators; 64 of them are below it. */
const fileBytesMax = 64 * 1024;
/** As often as the file of tokens. */
const pollMs = 2_000;

/** Whose records count at this peer: the public keys of a file, read again when it changes. */
export class TrustedOperators implements BanReader {
  readonly #mesh: string;
  readonly #path: string;
  readonly #log: Logger;
  #keys = OperatorKeys.none;
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  /** Throws a StartError when the file that is named cannot be used. */
  constructor({ mesh, operatorKeysFile }: Pick<Config, 'mesh' | 'operatorKeysFile'>, log: Logger) {
    this.#mesh = mesh;
    this.#path = operatorKeysFile;
    this.#log = log;
    if (this.#path === '') return;
    this.#seen = this.#version();
    try {
      this.#keys = this.#read();
    } catch (error) {
      throw new StartError(
        `STARLING_OPERATOR_KEYS_FILE=${this.#path}: ${(error as Error).message}`,
        exitCodes.usage,
        error,
      );
    }
  }

  get ids(): readonly string[] {
    return this.#keys.ids;
  }

  parse({ statement }: SignedBan): ReturnType<typeof decodeBanStatement> {
    return decodeBanStatement(this.#mesh, statement);
  }

  verify(record: SignedBan): 'valid' | 'forged' | 'unknownKey' {
    return this.#keys.verifyBan(record.statement, record);
  }

  /** Begins to look for changes. */
  watch(changed: () => void): void {
    if (this.#path === '') return;
    this.#timer ??= setInterval(() => {
      if (this.#check()) changed();
    }, pollMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What cannot be read changes nothing: a file that is being written must not lift every ban. */
  #check(): boolean {
    const version = this.#version();
    if (version === this.#seen) return false;
    this.#seen = version;
    try {
      this.#keys = this.#read();
      this.#log.info({ file: this.#path, keys: this.ids }, "the operators' keys were read again");
      return true;
    } catch (error) {
      const problem = (error as Error).message;
      this.#log.error({ file: this.#path, problem }, "the operators' keys cannot be read again; the old ones count");
      return false;
    }
  }

  #read(): OperatorKeys {
    if (statSync(this.#path).size > fileBytesMax) throw new IdentityError(`is larger than ${fileBytesMax} bytes`);
    return OperatorKeys.parse(readFileSync(this.#path, 'utf8'));
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
