import { exitCode } from '../exit-codes.ts';
import { counted, json, printable, shortId } from '../output.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface QueryCommandOptions extends SessionOptions {
  readonly limit: string;
}

/** Asks the whole mesh. Exit code 1 when not every peer has answered. */
export function query(text: string, options: QueryCommandOptions): Promise<number> {
  const limit = wholeNumber('--limit', options.limit, 1, 1_000);
  return withClient(options, 'client', async (client) => {
    let code: number = exitCode.incomplete;
    for await (const event of client.query(text, { limit, timeoutMs: milliseconds(options.timeout) })) {
      if (options.output === 'json') console.log(json(event));
      if (event.kind === 'summary') code = event.complete ? exitCode.ok : exitCode.incomplete;
      if (options.output === 'json') continue;
      if (event.kind === 'hit') {
        console.log(
          `${event.score.toFixed(2).padStart(6)}  ${printable(event.id)}  at ${shortId(event.peerId)}  ${printable(json(event.fields))}`,
        );
      } else {
        const missing =
          event.branchesMissing > 0 ? `, ${counted(event.branchesMissing, 'part')} of the mesh missing` : '';
        const complete = event.complete ? 'complete' : `not complete (${event.reason}${missing})`;
        console.log(
          `${counted(event.hits, 'hit')}; ${event.peersAnswered} of ${counted(event.peersAsked, 'peer')} answered, ${counted(event.messagesSpent, 'message')}; ${complete}`,
        );
      }
    }
    return code;
  });
}
