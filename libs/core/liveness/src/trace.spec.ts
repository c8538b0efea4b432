import { type Effect, type Input, type Millis, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { expect, test } from 'vitest';
import { defaultLivenessConfig } from './config.ts';
import { Liveness } from './liveness.ts';
import type { LivenessCommand, LivenessEvent, LivenessMessage } from './messages.ts';

type LivenessInput = Input<LivenessMessage, LivenessCommand>;

function info(id: string): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id };
}

function messageText(message: LivenessMessage): string {
  switch (message.kind) {
    case 'ping':
    case 'ack':
      return message.kind;
    case 'probe':
      return `probe ${message.target.id}`;
    case 'probeReply':
      return `probeReply ${message.target} ${message.alive ? 'alive' : 'silent'}`;
    case 'watchers':
      return `watchers ${message.peers.map(({ id }) => id).join(' ')}`;
  }
}

function inputText(input: LivenessInput): string {
  if (input.kind === 'message') return `${input.from}: ${messageText(input.message)}`;
  if (input.kind === 'command' && input.command.kind === 'watch') return `watch ${input.command.peer.id}`;
  return input.kind;
}

function effectText(effect: Effect<LivenessMessage, LivenessEvent>): string {
  switch (effect.kind) {
    case 'open':
      return `open ${effect.peer.id}`;
    case 'close':
      return `close ${effect.peer}`;
    case 'send':
      return `to ${effect.to}: ${messageText(effect.message)}`;
    case 'emit':
      return `emit ${effect.event.kind} ${effect.event.peer}`;
  }
}

test('a silent neighbour: vouched for once, then dead', async () => {
  const core = new Liveness({ ...defaultLivenessConfig, jitter: 0, vouchedMax: 1 }, info('self'), new Rng(4));
  const out = new RecordingOutbox<LivenessMessage, LivenessEvent>();
  const lines = [
    'This peer watches a, b and c, of which none says who else watches it. From 2 s on nothing comes from a any more. At the',
    'first ping that is missed all are asked. After the second b and c are asked to try a, and b reaches it: the suspicion is',
    'taken back. The next time nobody does, and a is dead 2.015 s (and the round trip) after the first ping that it missed.',
    'Answers take 1 ms.',
    '',
  ];
  const waiting: { at: Millis; input: LivenessInput }[] = ['a', 'b', 'c'].map((id) => ({
    at: 0,
    input: { kind: 'command', command: { kind: 'watch', peer: info(id) } },
  }));
  let suspicions = 0;
  let now = 0;
  while (core.stats.dead === 0 && now < 60_000) {
    now = Math.max(now, Math.min(core.nextDeadline(), waiting[0]?.at ?? Number.POSITIVE_INFINITY));
    const input = (waiting[0]?.at ?? Number.POSITIVE_INFINITY) <= now ? waiting.shift()?.input : undefined;
    core.handle(now, input ?? { kind: 'tick' }, out);
    lines.push(`${(now / 1000).toFixed(3).padStart(7)} s  ${inputText(input ?? { kind: 'tick' })}`);
    for (const effect of out.take()) {
      lines.push(`             ${effectText(effect)}`);
      if (effect.kind !== 'send' || (effect.to === 'a' && now > 2_000)) continue;
      const { to, message } = effect;
      if (message.kind === 'ping') {
        waiting.push({
          at: now + 1,
          input: { kind: 'message', from: to, message: { kind: 'ack', nonce: message.nonce } },
        });
      } else if (message.kind === 'probe') {
        const alive = suspicions++ === 0;
        const reply: LivenessMessage = { kind: 'probeReply', target: message.target.id, nonce: message.nonce, alive };
        waiting.push({ at: now + 1, input: { kind: 'message', from: to, message: reply } });
      }
    }
  }
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('./traces/suspicion.trace');
});
