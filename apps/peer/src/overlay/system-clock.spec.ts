import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { systemClock } from './system-clock.ts';

const busyUntil = (at: number): void => {
  while (systemClock.now() < at);
};

it('after a stall what came in time is heard before the timer that waited for it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const heard: string[] = [];
  accepted.on('data', () => heard.push('data'));
  const timer = new Promise<void>((resolve) => {
    systemClock.setTimer(5, () => {
      heard.push('timer');
      resolve();
    });
  });
  client.write('in time');
  busyUntil(systemClock.now() + 50);
  await timer;
  client.destroy();
  server.close();
  expect(heard).toEqual(['data', 'timer']);
});

it('a timer that is cleared is not heard, also when it is due', async () => {
  const heard: string[] = [];
  const late = systemClock.setTimer(5, () => heard.push('late'));
  const due = systemClock.setTimer(1, () => heard.push('due'));
  setTimeout(() => systemClock.clearTimer(due), 1);
  busyUntil(systemClock.now() + 3);
  systemClock.clearTimer(late);
  await new Promise<void>((resolve) => systemClock.setTimer(20, resolve));
  expect(heard).toEqual([]);
});
