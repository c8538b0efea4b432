import { readFileSync } from 'node:fs';
import type { OutgoingDocument } from '@starling/client';
import { CliError, exitCode } from '../exit-codes.ts';
import { json } from '../output.ts';
import { type SessionOptions, withClient } from '../session.ts';

export interface PutDocsOptions extends SessionOptions {
  readonly id?: string;
  readonly file?: string;
}

/** Documents of one call; the API takes 1,000. */
const batch = 500;

/** Keeps documents at the peer that is asked: one given as JSON, or a file (`-`: standard input) with one a line. */
export function putDocs(text: string | undefined, options: PutDocsOptions): Promise<number> {
  if (options.file !== undefined && (text !== undefined || options.id !== undefined)) {
    throw new CliError(
      '--file takes its documents and their ids from the file: leave out the JSON and --id',
      exitCode.usage,
    );
  }
  const documents = text === undefined ? documentsOf(options.file) : [documentOf(text, options.id, 'the document')];
  return withClient(options, 'client', async (client) => {
    let total = 0;
    for (let at = 0; at < documents.length; at += batch) {
      total = await client.putDocuments(documents.slice(at, at + batch));
    }
    const result = { stored: documents.length, total };
    console.log(options.output === 'json' ? json(result) : `${documents.length} stored; the peer holds ${total}`);
    return exitCode.ok;
  });
}

function documentsOf(file: string | undefined): OutgoingDocument[] {
  if (file === undefined)
    throw new CliError('give a document as JSON, or --file with one document a line', exitCode.usage);
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CliError(`--file ${file}: ${(error as Error).message}`, exitCode.usage);
  }
  const lines = text.split('\n').map((line, index) => ({ line, where: `line ${index + 1}` }));
  return lines.filter(({ line }) => line.trim() !== '').map(({ line, where }) => documentOf(line, undefined, where));
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
