import { describe, expect, it } from 'vitest';
import { eventsOf } from './subscription-stream.ts';

async function read(...parts: string[]) {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  const events: { readonly id: string; readonly data: string }[] = [];
  for await (const event of eventsOf(new Response(stream))) events.push(event);
  return events;
}

describe('the events of a stream', () => {
  it('come with their ids, however the bytes are cut, and without comments', async () => {
    const text = 'retry: 1000\n\nid: c1\ndata: {"a":"x: y"}\n\n: still here\n\ndata: {"b":2}\n\n';
    const expected = [
      { id: 'c1', data: '{"a":"x: y"}' },
      { id: '', data: '{"b":2}' },
    ];
    expect(await read(text)).toEqual(expected);
    expect(await read(...text)).toEqual(expected);
  });

  it('that were cut off are none', async () => {
    expect(await read('id: c1\ndata: {"a":1}\n\nid: c2\ndata: {"a"')).toEqual([{ id: 'c1', data: '{"a":1}' }]);
  });
});
