import type { PeersAnswer, PeersCoverage } from '@starling/client';
import { lostReasonText, peersValueText } from '@starling/query';
import { exitCode } from '../exit-codes.ts';
import { counted, json, shortId, table } from '../output.ts';
import { pointed } from '../pointed.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface QueryPeersCommandOptions extends SessionOptions {
  readonly budget: string;
}

/** Asks all peers about themselves. Exit code 1 when not every peer that is known has answered. */
export function queryPeers(text: string, options: QueryPeersCommandOptions): Promise<number> {
  const messageBudget = wholeNumber('--budget', options.budget, 0, 4_294_967_295);
  return withClient(options, 'viewer', async (client) => {
    try {
      const answer = await client.queryPeers(text, {
        timeoutMs: milliseconds('--timeout', options.timeout),
        messageBudget,
      });
      console.log(options.output === 'json' ? json(answer, 2) : `${tableText(answer)}\n${coverageLine(answer)}`);
      return answer.coverage.complete ? exitCode.ok : exitCode.incomplete;
    } catch (error) {
      throw pointed(error, text);
    }
  });
}

function tableText({ columns, rows }: PeersAnswer): string {
  const header = columns.map(({ name }) => name);
  return table(
    header,
    rows.map(({ values, isOther }) => {
      const cells = values.map((value, at) => peersValueText(value, columns[at]?.type ?? 'text'));
      return isOther ? ['(other groups)', ...cells.slice(1)] : cells;
    }),
  );
}

/** Whom it speaks for and what it cost; then who is missing. */
export function coverageLine({ coverage, rowsCut }: Pick<PeersAnswer, 'coverage' | 'rowsCut'>): string {
  const { peersAnswered, peersKnown, messagesSpent, bytesSpent, elapsedMs, complete } = coverage;
  const cost = `${counted(messagesSpent, 'message')}, ${(bytesSpent / 1_024).toFixed(1)} KiB, ${elapsedMs.toFixed(1)} ms`;
  const cut = rowsCut > 0 ? `; ${counted(rowsCut, 'row')} beyond the limit` : '';
  const line = `${peersAnswered} of ${counted(peersKnown, 'peer')} answered; ${cost}; ${
    complete ? 'complete' : `not complete (${missing(coverage)})`
  }${cut}`;
  const lost = coverage.lost.map(
    ({ peerId, reason }) => `  missing from ${shortId(peerId)} on: ${lostReasonText(reason)}`,
  );
  return [line, ...lost].join('\n');
}

function missing({ peersKnown, peersAnswered, branchesMissing }: PeersCoverage): string {
  const peers = Math.max(0, peersKnown - peersAnswered);
  if (peers === 0) return `${counted(branchesMissing, 'part')} of the mesh missing`;
  return `${counted(peers, 'peer')} missing`;
}
