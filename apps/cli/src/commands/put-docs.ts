import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type OutgoingDocument, StarlingError } from '@starling/client';
import { CliError, exitCode } from '../exit-codes.ts';
import { json } from '../output.ts';
import { type SessionOptions, withClient } from '../session.ts';

export interface PutDocsOptions extends SessionOptions {
  readonly id?: string;
  readonly file?: string;
}

/** The progress is said so often, in ms. (guess: a person's patience) */
const progressEveryMs = 500;

/**
 * Keeps documents at the peer that is asked: one given as JSON, or those of a file (`-`: standard input) with one a line, of
 * any length. How far it is stands on standard error when that is a terminal.
 */
export function putDocs(argument: string | undefined, options: PutDocsOptions): Promise<number> {
  const { file, text } = sourceOf(argument, options.file);
  if (file !== undefined && options.id !== undefined) {
    throw new CliError('the ids of a file are in the file: leave out --id', exitCode.usage);
  }
  const documents = text === undefined ? documentsOf(file) : [documentOf(text, options.id, 'the document')];
  return withClient(options, 'client', async (client) => {
    let [stored, stale, total] = [0, 0, 0];
    const progress = new Progress(options.output === 'table' && process.stderr.isTTY);
    try {
      for await (const reached of client.putDocumentsStream(documents)) {
        ({ stored, stale, total } = reached);
        progress.say(`${stored + stale} of ${file === undefined ? 'one' : file}; the peer holds ${total}`);
      }
    } catch (error) {
      progress.end();
      // What was stored before is stored: whoever goes on from here has to know.
      if (error instanceof StarlingError && stored + stale > 0) console.error(`starling: ${stored + stale} were taken`);
      throw error;
    }
    progress.end();
    const older = stale === 0 ? '' : `, ${stale} left as they are: the peer has newer versions`;
    const line = `${stored} stored${older}; the peer holds ${total}`;
    console.log(options.output === 'json' ? json({ stored, stale, total }) : line);
    return exitCode.ok;
  });
}

/** An argument that is JSON is a document; any other is the name of a file. */
function sourceOf(
  argument: string | undefined,
  file: string | undefined,
): { readonly file?: string | undefined; readonly text?: string } {
  if (argument === undefined) {
    if (file === undefined) {
      throw new CliError('give a document as JSON, or a file with one document a line', exitCode.usage);
    }
    return { file };
  }
  if (file !== undefined) throw new CliError('give a document or --file, not both', exitCode.usage);
  return /^\s*[[{]/.test(argument) ? { text: argument } : { file: argument };
}

async function* documentsOf(file: string | undefined): AsyncGenerator<OutgoingDocument, void, void> {
  const isInput = file === '-' || file === undefined;
  // Read at once, a pipe that is closed or a file that is missing is told before anything is sent.
  const input = isInput ? process.stdin : createReadStream(file);
  let number = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (line.trim() !== '') yield documentOf(line, undefined, `line ${number}`);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${file}: ${(error as Error).message}`, exitCode.usage);
  }
}

function documentOf(text: string, id: string | undefined, where: string): OutgoingDocument {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${where} is no JSON: ${(error as Error).message}`, exitCode.usage);
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new CliError(`${where} must be a JSON object`, exitCode.usage);
  }
  const own = (fields as { id?: unknown }).id;
  const documentId = id ?? (typeof own === 'string' || typeof own === 'number' ? String(own) : undefined);
  if (documentId === undefined) throw new CliError(`${where} has no "id": add one, or give --id`, exitCode.usage);
  return { id: documentId, fields: fields as OutgoingDocument['fields'] };
}

/** One line that is written again and again. */
class Progress {
  readonly #isShown: boolean;
  readonly #began = performance.now();
  #saidAt = 0;

  constructor(isShown: boolean) {
    this.#isShown = isShown;
  }

  say(text: string): void {
    const now = performance.now();
    if (!this.#isShown || now - this.#saidAt < progressEveryMs) return;
    this.#saidAt = now;
    process.stderr.write(`\r\u001b[K${text}, ${((now - this.#began) / 1_000).toFixed(1)} s`);
  }

  end(): void {
    if (this.#isShown && this.#saidAt > 0) process.stderr.write('\r\u001b[K');
  }
}
