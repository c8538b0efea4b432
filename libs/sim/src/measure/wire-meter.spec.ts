import { expect, test } from 'vitest';
import type { SimMessage } from '../node/mesh-node.ts';
import { frameOverheadBytes, messageBytes, segmentBytes } from './wire-bytes.ts';
import { WireMeter } from './wire-meter.ts';

const ping: SimMessage = { area: 'liveness', message: { kind: 'ping', nonce: 300 } };
const ack: SimMessage = { area: 'liveness', message: { kind: 'ack', nonce: 300 } };
const iHave: SimMessage = {
  area: 'broadcast',
  swarm: 0,
  message: { kind: 'iHave', items: [{ stream: 'p1~5!', from: 3, to: 3, round: 2, tree: 0, entry: 0 }] },
};

test('an answer carries the acknowledgement of the question; nothing carries that of the answer', () => {
  const meter = new WireMeter();
  for (let at = 0; at < 10_000; at += 1_000) {
    meter.sent(1, 2, ping, at);
    meter.sent(2, 1, ack, at + 2);
  }
  // The last answer's acknowledgement is not due yet.
  expect(meter.bytes.acks).toBe(9 * segmentBytes);
  expect(meter.bytes.liveness).toBe(20 * (frameOverheadBytes + messageBytes(ping)));
});

test('messages of one moment share a frame, and frames within the delay an acknowledgement', () => {
  const meter = new WireMeter();
  meter.sent(1, 2, ping, 0);
  meter.sent(1, 2, iHave, 0);
  meter.sent(1, 2, iHave, 30);
  meter.sent(1, 2, iHave, 100);
  expect(meter.frames).toBe(3);
  expect(meter.bytes.broadcast).toBe(3 * messageBytes(iHave) + 2 * frameOverheadBytes);
  expect(meter.bytes.acks).toBe(segmentBytes);
});

test('each link and direction is counted for itself', () => {
  const meter = new WireMeter();
  meter.sent(1, 2, ping, 0);
  meter.sent(1, 3, ping, 0);
  expect(meter.frames).toBe(2);
  expect(meter.total).toBe(2 * (frameOverheadBytes + messageBytes(ping)));
});
