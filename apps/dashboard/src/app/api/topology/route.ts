import { mesh } from '../../../server/mesh.ts';
import { heartbeatMs, sseEvent, sseHeartbeat, sseResponse, sseRetry } from '../../../server/sse.ts';

export const dynamic = 'force-dynamic';

/** The live picture: a snapshot, then numbered events; `Last-Event-ID` or `?after=` resumes. */
export function GET(request: Request): Response {
  const after = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('after');
  const viewer = mesh().hub.view(after);
  request.signal.addEventListener('abort', viewer.close, { once: true });
  let isFirst = true;
  const stream = new ReadableStream<Uint8Array>(
    {
      // Called only when the browser has taken what was there: the ring waits for it, no buffer does.
      async pull(controller) {
        if (isFirst) controller.enqueue(sseRetry);
        isFirst = false;
        let event = viewer.read();
        if (event === null && !(await viewer.changed(heartbeatMs))) controller.enqueue(sseHeartbeat);
        event ??= viewer.read();
        if (request.signal.aborted) controller.close();
        else if (event !== null) controller.enqueue(sseEvent(event.id, event.json));
      },
      cancel: viewer.close,
    },
    { highWaterMark: 4 },
  );
  return sseResponse(stream);
}
