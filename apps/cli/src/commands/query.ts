import type { QueryHit, QueryStrategyName, QuerySummary } from '@starling/client';
import { exitCode } from '../exit-codes.ts';
import { counted, json, printable, shortId } from '../output.ts';
import { pointed } from '../pointed.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';
import { queryPeers } from './query-peers.ts';

export interface QueryCommandOptions extends SessionOptions {
  readonly limit: string;
  readonly strategy: QueryStrategyName;
  readonly budget: string;
  /** About the peers rather than for documents. */
  readonly peers: boolean;
}

/**
 * Asks the mesh. People see the best hits in their final order when all are in; programs see every hit as it comes, and the order in
 * the summary. Exit code 1 when not every peer has answered, unless it was not to ask every one and found what was wanted.
 */
export function query(text: string, options: QueryCommandOptions): Promise<number> {
  if (options.peers) return queryPeers(text, options);
  const asking = askingOf(options);
  return withClient(options, 'client', async (client) => {
    const hits = new Map<string, QueryHit>();
    let end: QuerySummary | undefined;
    try {
      for await (const event of client.query(text, asking)) {
        if (options.output === 'json') console.log(json(event));
        if (event.kind === 'hit') {
          hits.set(event.id, event);
          continue;
        }
        end = event;
        if (options.output === 'table') print(hits, event);
      }
    } catch (error) {
      throw pointed(error, text);
    }
    return endOf(end);
  });
}

/** What the options ask for. */
export function askingOf({ limit, budget, strategy, timeout }: QueryCommandOptions) {
  return {
    limit: wholeNumber('--limit', limit, 1, 1_000),
    timeoutMs: milliseconds('--timeout', timeout),
    strategy,
    messageBudget: wholeNumber('--budget', budget, 0, 65_536),
  };
}

export function endOf(summary: QuerySummary | undefined): number {
  return summary?.complete === true || summary?.reason === 'limit' ? exitCode.ok : exitCode.incomplete;
}

const ends: Readonly<Record<string, string>> = {
  limit: 'enough was found',
  budget: 'the budget is spent',
  deadline: 'the time is over',
};

/** What it cost and reached, in a line. */
export function summaryLine(summary: QuerySummary): string {
  const { ranking, strategy, peersAnswered, peersAsked, messagesSpent, bytesSpent, cacheAgeMs, reason, choiceReason } =
    summary;
  if (cacheAgeMs !== null) {
    return `${counted(ranking.length, 'hit')}; remembered from ${(cacheAgeMs / 1_000).toFixed(1)} s ago, 0 messages; not complete`;
  }
  const missing =
    summary.branchesMissing > 0 ? `, ${counted(summary.branchesMissing, 'part')} of the mesh missing` : '';
  const complete = summary.complete ? 'complete' : `not complete (${ends[reason] ?? reason}${missing})`;
  const cost = `${counted(messagesSpent, 'message')}, ${(bytesSpent / 1_024).toFixed(1)} KiB`;
  return `${counted(ranking.length, 'hit')}; ${strategy}: ${peersAnswered} of ${counted(peersAsked, 'peer')} answered, ${cost}; ${complete}${
    choiceReason === '' ? '' : `\n  ${strategy} because ${choiceReason}`
  }`;
}

function print(hits: ReadonlyMap<string, QueryHit>, summary: QuerySummary): void {
  for (const { id, peerId, score } of summary.ranking) {
    const fields = printable(json(hits.get(id)?.fields ?? {}));
    console.log(`${score.toFixed(2).padStart(6)}  ${printable(id)}  at ${shortId(peerId)}  ${fields}`);
  }
  console.log(summaryLine(summary));
}
