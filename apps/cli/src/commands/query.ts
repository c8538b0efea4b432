import type { QueryStrategyName, QuerySummary } from '@starling/client';
import { exitCode } from '../exit-codes.ts';
import { counted, json, printable, shortId } from '../output.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface QueryCommandOptions extends SessionOptions {
  readonly limit: string;
  readonly strategy: QueryStrategyName;
  readonly budget: string;
}

/** Asks the mesh. Exit code 1 when not every peer has answered, unless it was not to ask every one and found what was wanted. */
export function query(text: string, options: QueryCommandOptions): Promise<number> {
  const limit = wholeNumber('--limit', options.limit, 1, 1_000);
  const messageBudget = wholeNumber('--budget', options.budget, 0, 65_536);
  return withClient(options, 'client', async (client) => {
    let code: number = exitCode.incomplete;
    const { strategy } = options;
    const asking = { limit, timeoutMs: milliseconds(options.timeout), strategy, messageBudget };
    for await (const event of client.query(text, asking)) {
      if (options.output === 'json') console.log(json(event));
      if (event.kind === 'summary')
        code = event.complete || event.reason === 'limit' ? exitCode.ok : exitCode.incomplete;
      if (options.output === 'json') continue;
      if (event.kind === 'hit') {
        console.log(
          `${event.score.toFixed(2).padStart(6)}  ${printable(event.id)}  at ${shortId(event.peerId)}  ${printable(json(event.fields))}`,
        );
      } else {
        console.log(summaryLine(event));
      }
    }
    return code;
  });
}

const ends: Readonly<Record<string, string>> = {
  limit: 'enough was found',
  budget: 'the budget is spent',
  deadline: 'the time is over',
};

function summaryLine(summary: QuerySummary): string {
  const { hits, strategy, peersAnswered, peersAsked, messagesSpent, bytesSpent, cacheAgeMs, reason, choiceReason } =
    summary;
  if (cacheAgeMs !== null) {
    return `${counted(hits, 'hit')}; remembered from ${(cacheAgeMs / 1_000).toFixed(1)} s ago, 0 messages; not complete`;
  }
  const missing =
    summary.branchesMissing > 0 ? `, ${counted(summary.branchesMissing, 'part')} of the mesh missing` : '';
  const complete = summary.complete ? 'complete' : `not complete (${ends[reason] ?? reason}${missing})`;
  const cost = `${counted(messagesSpent, 'message')}, ${(bytesSpent / 1_024).toFixed(1)} KiB`;
  return `${counted(hits, 'hit')}; ${strategy}: ${peersAnswered} of ${counted(peersAsked, 'peer')} answered, ${cost}; ${complete}${
    choiceReason === '' ? '' : `\n  ${strategy} because ${choiceReason}`
  }`;
}
