import { requestHeaders } from '../../ui/post.ts';
import { consoleToken } from './console-token.ts';
import type { SubscriptionEvent } from './subscription-event.ts';

/** As an EventSource would after a broken stream. */
const reconnectMs = 1_000;
/** Refusals that would come again, for ever. */
const finalCodes = ['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED'];

export interface SubscriptionListener {
  readonly onState: (state: 'connecting' | 'live' | 'ended') => void;
  readonly onEvent: (event: SubscriptionEvent) => void;
}

/**
 * Reads a subscription's events for ever, and goes on after the last one when the stream breaks. What an EventSource does,
 * but by a POST: an EventSource sends no headers, and the token must not be in the URL.
 */
export function openSubscription(
  request: { readonly topics: string; readonly replay: boolean; readonly peer: string },
  listener: SubscriptionListener,
): () => void {
  const abort = new AbortController();
  void run(request, listener, abort.signal);
  return () => abort.abort();
}

async function run(request: object, { onState, onEvent }: SubscriptionListener, signal: AbortSignal): Promise<void> {
  let cursor = '';
  while (!signal.aborted) {
    onState('connecting');
    try {
      const response = await fetch('/api/subscribe', {
        method: 'POST',
        headers: requestHeaders(consoleToken()),
        body: JSON.stringify({ ...request, cursor }),
        signal,
      });
      if (!response.ok) {
        const { error } = (await response.json()) as {
          error: Extract<SubscriptionEvent, { kind: 'problem' }>['problem'];
        };
        onEvent({ kind: 'problem', problem: error });
        onState('ended');
        return;
      }
      onState('live');
      for await (const { id, data } of eventsOf(response)) {
        if (id !== '') cursor = id;
        const event = JSON.parse(data) as SubscriptionEvent;
        onEvent(event);
        if (event.kind === 'problem' && finalCodes.includes(event.problem.code)) {
          onState('ended');
          return;
        }
      }
    } catch {
      // Broken, or stopped: the loop's condition tells which.
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, reconnectMs));
  }
}

/** The events of a `text/event-stream` whose data is one line each: ours. Comments are left out. */
export async function* eventsOf(response: Response): AsyncGenerator<{ readonly id: string; readonly data: string }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    const blocks = (rest + part.value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const { id = '', data } = fieldsOf(block);
      if (data !== undefined) yield { id, data };
    }
  }
}

function fieldsOf(block: string): Partial<Record<string, string>> {
  return Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  );
}
