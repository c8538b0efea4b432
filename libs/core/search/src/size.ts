import type { TermStatistics } from '@starling/query';
import type { Hit, QuestionTerms, SearchMessage } from './messages.ts';

/** Tag, length and place in a frame of a message, and its numbers. */
const messageBytes = 24;
/** Tags and lengths of a hit, its peer's id of 52 characters, and its score. */
const hitBytes = 72;

/**
 * About how many bytes a message takes on a link: text by its characters, everything else by what it usually takes. The wire's
 * tests compare it with what is really encoded.
 */
export function estimatedBytes(message: SearchMessage): number {
  switch (message.kind) {
    case 'query':
      return messageBytes + 16 + message.queryId.length + message.text.length + statisticsBytes(message.statistics);
    case 'seek':
      return messageBytes + 16 + message.queryId.length + message.text.length + termsBytes(message.terms);
    case 'answer':
      return (
        messageBytes + message.queryId.length + hitsBytes(message.hits) + statisticsBytes(message.done?.statistics)
      );
    case 'found':
      return messageBytes + message.queryId.length + hitsBytes(message.hits);
    case 'decline':
    case 'cancel':
      return messageBytes - 12 + message.queryId.length;
    case 'linkTerms':
      return messageBytes + (message.near?.filter.length ?? 0) + (message.beyond?.filter.length ?? 0);
  }
}

function termsBytes(terms: QuestionTerms): number {
  let bytes = 0;
  for (const list of terms) bytes += 4 + 4 * list.length;
  return bytes;
}

function hitsBytes(hits: readonly Hit[]): number {
  let bytes = 0;
  for (const hit of hits) bytes += hitBytes + hit.documentId.length + hit.document.length + hitRankBytes(hit);
  return bytes;
}

/** Version, length and counts, where there are any. */
function hitRankBytes({ version, terms }: Hit): number {
  return (version === undefined ? 0 : 9) + (terms === undefined ? 0 : 6 + terms.length);
}

function statisticsBytes(statistics: TermStatistics | undefined): number {
  return statistics === undefined ? 0 : 12 + 2 * statistics.frequencies.length;
}
