import { EventEmitter } from 'node:events';
import type { Server } from '@grpc/grpc-js';
import { fromStatus } from '@starling/client';
import { expect, it } from 'vitest';
import { Health } from './health.ts';

it('a health watch too many is told when to come again', () => {
  const health = new Health();
  let watch = (_call: unknown): void => {};
  health.addTo({
    addService: (_definition: unknown, served: { watch: typeof watch }) => (watch = served.watch),
  } as unknown as Server);
  const call = () => Object.assign(new EventEmitter(), { request: { service: '' }, write: () => true });
  for (let i = 0; i < 1_000; i++) watch(call());
  expect(health.watching).toBe(1_000);
  const refused = call();
  const answers: unknown[] = [];
  refused.on('error', (answer) => answers.push(answer));
  watch(refused);
  expect(answers.map((answer) => fromStatus(Object.assign(new Error(), answer)))).toMatchObject([
    { reason: 'TOO_MANY_WATCHES', retryAfterMs: 5_000 },
  ]);
  expect(health.watching).toBe(1_000);
});
