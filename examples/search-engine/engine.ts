/**
 * A search engine of one's own: answers questions to the whole mesh from the text files of a folder.
 *
 *   npm start                                   a mesh, in one terminal
 *   npm run example:engine -- docs              this, in another
 *   npx starling query '@files broadcast tree'  and ask, at any peer
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, connect, type Question } from '@starling/client';

/** Larger files are no texts to read line by line. */
const fileBytesMax = 1_048_576;
/** Files looked at for one question. */
const filesMax = 5_000;

const folder = process.argv[2] ?? 'docs';
const data = process.env.STARLING_DATA ?? '.starling';
const addresses = (process.env.STARLING_ADDRESS ?? '127.0.0.1:7401').split(',');

/** Files whose text has every word of the question, with the first line that has one; the most mentions first. */
function* answer({ text, limit, signal }: Question): Iterable<Answer> {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return;
  const found: Required<Answer>[] = [];
  for (const file of filesOf(folder)) {
    if (signal.aborted) return;
    const content = readFileSync(file, 'utf8');
    const lower = content.toLowerCase();
    const mentions = words.map((word) => lower.split(word).length - 1);
    if (mentions.includes(0)) continue;
    const line = content.split('\n').find((each) => words.some((word) => each.toLowerCase().includes(word))) ?? '';
    const score = mentions.reduce((sum, count) => sum + count, 0);
    found.push({ id: file, fields: { file, line: line.trim().slice(0, 200) }, score });
  }
  yield* found.sort((a, b) => b.score - a.score).slice(0, limit);
}

function filesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(md|txt|ts|py)$/.test(name) && !name.includes('node_modules'))
    .slice(0, filesMax)
    .map((name) => join(root, name))
    .filter((file) => statSync(file).isFile() && statSync(file).size <= fileBytesMax);
}

const client = await connect({
  addresses,
  tls: { ca: readFileSync(process.env.STARLING_CA ?? join(data, 'ca.pem'), 'utf8') },
  token: readFileSync(join(data, 'responder.token'), 'utf8').trim(),
});
const engine = client.respond(
  {
    name: 'files-ts',
    topics: ['files'],
    onAttached: ({ address }) => console.log(`answers "@files …" from ${folder}, attached to ${address}`),
    onError: (error, { text }) =>
      console.error(`no answer to "${text}": ${error instanceof Error ? error.message : error}`),
  },
  answer,
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => engine.close());
await engine.closed.finally(() => client.close());
