import type { PeerInfo } from '@starling/kernel';
import { expect, test } from 'vitest';
import { Bench, type HyParViewEffect, type HyParViewInput, info } from './bench.test-support.ts';
import type { HyParViewConfig } from './config.ts';
import type { HyParViewEvent, HyParViewMessage } from './messages.ts';

const hopMs = 5;

/** A few cores that hear each other after 5 ms. Writes down every input and every decision. */
class Story {
  readonly #lines: string[];
  readonly #cores = new Map<string, Bench>();
  readonly #infos = new Map<string, PeerInfo>();
  readonly #config: Partial<HyParViewConfig>;
  #isWriting = false;
  #onTheWay: { readonly at: number; readonly to: string; readonly input: HyParViewInput }[] = [];
  #now = 0;

  constructor(config: Partial<HyParViewConfig>, ...opening: string[]) {
    this.#config = config;
    this.#lines = [...opening, ''];
  }

  peer(id: string, zone = ''): void {
    const self = info(id, { zone });
    this.#infos.set(id, self);
    this.#cores.set(id, new Bench(this.#config, { self, seed: this.#cores.size + 1 }));
  }

  contacts(id: string, ...contacts: string[]): void {
    const peers = contacts.map((contact) => this.#infos.get(contact) as PeerInfo);
    this.input(id, { kind: 'command', command: { kind: 'contacts', peers } });
  }

  input(id: string, input: HyParViewInput): void {
    const core = this.#cores.get(id);
    if (core === undefined) return;
    core.now = this.#now;
    const effects = core.feed(input);
    if (input.kind === 'tick' && effects.length === 0) return;
    this.#write(`${`${this.#now} ms`.padStart(9)}  ${id.padEnd(3)} < ${inputText(input)}`);
    for (const effect of effects) {
      this.#write(`                > ${effectText(effect)}`);
      if (effect.kind === 'send') this.#carry(effect.to, { kind: 'message', from: id, message: effect.message });
      if (effect.kind === 'open' && !this.#cores.has(effect.peer.id)) {
        this.#carry(id, { kind: 'linkDown', peer: effect.peer.id, reason: 'refused' });
      }
    }
  }

  crash(id: string): void {
    this.#write(`${`${this.#now} ms`.padStart(9)}  ${id} crashes`);
    this.#cores.delete(id);
    for (const [other, core] of this.#cores) {
      if (core.active().includes(id)) this.#carry(other, { kind: 'linkDown', peer: id, reason: 'lost' });
    }
  }

  /** Lets time pass. */
  run(forMs: number): void {
    const until = this.#now + forMs;
    for (;;) {
      const next = this.#onTheWay[0];
      const deadlines = [...this.#cores].map(
        ([id, core]) => [Math.max(this.#now, core.core.nextDeadline()), id] as const,
      );
      const [deadline, id] = deadlines.reduce((a, b) => (b[0] < a[0] ? b : a), [Number.POSITIVE_INFINITY, ''] as const);
      if (Math.min(next?.at ?? deadline, deadline) >= until) break;
      if (next !== undefined && next.at <= deadline) {
        this.#onTheWay.shift();
        this.#now = next.at;
        this.input(next.to, next.input);
      } else {
        this.#now = deadline;
        this.input(id, { kind: 'tick' });
      }
    }
    this.#now = until;
  }

  tell(): void {
    this.#isWriting = true;
  }

  /** Everything told, and the views at the end. */
  text(): string {
    this.#lines.push('');
    for (const [id, core] of this.#cores) {
      this.#lines.push(`${id}: active ${core.active().join(' ') || '-'}; passive ${core.passive().join(' ') || '-'}`);
    }
    return `${this.#lines.join('\n')}\n`;
  }

  #carry(to: string, input: HyParViewInput): void {
    this.#onTheWay.push({ at: this.#now + hopMs, to, input });
  }

  #write(line: string): void {
    if (this.#isWriting) this.#lines.push(line);
  }
}

function inputText(input: HyParViewInput): string {
  switch (input.kind) {
    case 'message':
      return `${input.from}: ${messageText(input.message)}`;
    case 'linkUp':
      return `link up ${input.peer.id}`;
    case 'linkDown':
      return `link down ${input.peer} (${input.reason})`;
    case 'command':
      return input.command.kind === 'contacts'
        ? `contacts ${input.command.peers.map(({ id }) => id).join(' ')}`
        : input.command.kind;
    case 'tick':
      return 'tick';
  }
}

function effectText(effect: HyParViewEffect): string {
  switch (effect.kind) {
    case 'open':
      return `open ${effect.peer.id}`;
    case 'send':
      return `to ${effect.to}: ${messageText(effect.message)}`;
    case 'close':
      return `close ${effect.peer}`;
    case 'emit':
      return eventText(effect.event);
  }
}

function eventText(event: HyParViewEvent): string {
  switch (event.kind) {
    case 'neighborUp':
      return `neighborUp ${event.peer.id}`;
    case 'neighborDown':
      return `neighborDown ${event.peer.id} (${event.reason})`;
    case 'contactsNeeded':
      return 'contactsNeeded';
    case 'protocolViolation':
      return `protocolViolation ${event.peer} ${event.rule}`;
  }
}

function messageText(message: HyParViewMessage): string {
  switch (message.kind) {
    case 'join':
      return 'join';
    case 'forwardJoin':
      return `forwardJoin ${message.joiner.id} ttl ${message.ttl}`;
    case 'neighbor':
      return `neighbor ${message.priority}${message.dropping === null ? '' : `, dropping ${message.dropping.id}`}`;
    case 'neighborReply':
      return `neighborReply ${message.accepted ? 'yes' : 'no'}${message.dropped === null ? '' : `, dropped ${message.dropped.id}`}`;
    case 'disconnect':
      return `disconnect ${message.reason}${message.alternative === null ? '' : `, try ${message.alternative.id}`}`;
    case 'shuffle':
      return `shuffle of ${message.origin.id} ttl ${message.ttl}: ${message.sample.map(({ id }) => id).join(' ')}`;
    case 'shuffleReply':
      return `shuffleReply: ${message.sample.map(({ id }) => id).join(' ')}`;
  }
}

const small = { activeCapacity: 2, highPrioritySlots: 0, shuffleFastIntervalMs: 10_000 };

/** A ring of peers with two links each. */
function ring(story: Story, ids: readonly string[]): void {
  for (const id of ids) story.peer(id);
  for (const [i, id] of ids.entries()) {
    const next = ids[(i + 1) % ids.length] as string;
    story.input(next, {
      kind: 'message',
      from: id,
      message: { kind: 'neighbor', sender: info(id), priority: 'low', dropping: null },
    });
    story.input(id, {
      kind: 'message',
      from: next,
      message: { kind: 'neighbor', sender: info(next), priority: 'low', dropping: null },
    });
  }
  story.run(1_000);
}

test('a join splits a link', async () => {
  const story = new Story(
    small,
    'A ring a-b-c-d, two links each, all places taken. e joins through a. a makes room by evicting b and tells it of e, which',
    'has room: the link a-b becomes a-e-b. The walk goes round the ring and ends at b, which has its link to e already.',
  );
  ring(story, ['a', 'b', 'c', 'd']);
  story.peer('e');
  story.tell();
  story.contacts('e', 'a');
  story.run(100);
  await expect(story.text()).toMatchFileSnapshot('./traces/join.trace');
});

test('a failure is repaired in one round trip', async () => {
  const story = new Story(
    small,
    'A ring a-b-c-d-e, two links each. c crashes; b and d lose a link each, and know each other from a shuffle. Their links',
    'report it 5 ms later; one more round trip, and the ring is closed.',
  );
  ring(story, ['a', 'b', 'c', 'd', 'e']);
  const heard = (origin: string): HyParViewInput => ({
    kind: 'message',
    from: origin === 'd' ? 'a' : 'e',
    message: { kind: 'shuffle', origin: info(origin), ttl: 1, sample: [] },
  });
  story.input('b', heard('d'));
  story.input('d', heard('b'));
  story.tell();
  story.crash('c');
  story.run(100);
  await expect(story.text()).toMatchFileSnapshot('./traces/failure.trace');
});

test('a leaver closes the gap behind it', async () => {
  const story = new Story(
    small,
    'A ring a-b-c-d, two links each. c leaves and shows its neighbours b and d to each other. They ask at the same time and',
    'accept each other; each answer arrives after it is no longer needed. Nobody keeps c as a spare.',
  );
  ring(story, ['a', 'b', 'c', 'd']);
  story.tell();
  story.input('c', { kind: 'command', command: { kind: 'leave' } });
  story.run(100);
  await expect(story.text()).toMatchFileSnapshot('./traces/leave.trace');
});

test('a near swap keeps every degree', async () => {
  const story = new Story(
    { ...small, activeCapacity: 2, optimizeIntervalMs: 2_000, bridgeIntervalMs: 60_000 },
    'Two zones: a1, a2, b1, b2; links a1-b1, a1-b2, a2-b1, a2-b2, all of them far. a1 knows a2 as a spare and offers to',
    'swap. a2 gives up a far link for it, and so does a1. The two losers pair up: b2 hears of it first and asks too early,',
    'b1 asks as soon as it has room.',
  );
  for (const id of ['a1', 'a2', 'b1', 'b2']) story.peer(id, id.charAt(0));
  for (const a of ['a1', 'a2']) {
    for (const b of ['b1', 'b2']) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const sender = info(from, { zone: from.charAt(0) });
        story.input(to, {
          kind: 'message',
          from,
          message: { kind: 'neighbor', sender, priority: 'low', dropping: null },
        });
      }
    }
  }
  story.run(1_000);
  const origin = info('a2', { zone: 'a' });
  story.input('a1', { kind: 'message', from: 'b1', message: { kind: 'shuffle', origin, ttl: 1, sample: [] } });
  story.run(500);
  story.tell();
  story.run(1_500);
  await expect(story.text()).toMatchFileSnapshot('./traces/near-swap.trace');
});
