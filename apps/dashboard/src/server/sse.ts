/** Headers of an event stream that no proxy on the way may gather or transform. */
const streamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

const encoder = new TextEncoder();

/** One event in the format of `text/event-stream`. `json` has no line breaks: JSON.stringify writes none. */
export function sseEvent(id: string | null, json: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${id === null ? '' : `id: ${id}\n`}data: ${json}\n\n`);
}

/** A comment: keeps proxies and the browser from giving the stream up. */
export const sseHeartbeat: Uint8Array<ArrayBuffer> = encoder.encode(': still here\n\n');

/** Tells the browser how soon to reconnect after the stream broke. */
export const sseRetry: Uint8Array<ArrayBuffer> = encoder.encode('retry: 1000\n\n');

/** Milliseconds without an event after which a heartbeat goes out. Browsers and proxies give up at 30 s and more. */
export const heartbeatMs = 15_000;

/** Wraps a stream as an event stream's answer. */
export function sseResponse(stream: ReadableStream<Uint8Array>): Response {
  return new Response(stream, { headers: streamHeaders });
}
