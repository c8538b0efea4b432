import type { Hit, SearchMessage } from './messages.ts';

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
    case 'seek':
      return messageBytes + 16 + message.queryId.length + message.text.length;
    case 'answer':
    case 'found':
      return messageBytes + message.queryId.length + hitsBytes(message.hits);
    case 'decline':
    case 'cancel':
      return messageBytes - 12 + message.queryId.length;
  }
}

function hitsBytes(hits: readonly Hit[]): number {
  let bytes = 0;
  for (const hit of hits) bytes += hitBytes + hit.documentId.length + hit.document.length;
  return bytes;
}
