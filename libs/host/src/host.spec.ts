import { type Input, type Millis, type PeerInfo, Rng } from '@starling/kernel';
import type { MeshCommand, MeshEvent, MeshMessage, MeshOutbox } from '@starling/mesh';
import { describe, expect, it } from 'vitest';
import { ContactError } from './contact-error.ts';
import type { Discovery } from './discovery.ts';
import { defaultHostConfig, Host, type HostedMesh } from './host.ts';
import { ManualClock, settle } from './test-support/manual-clock.ts';
import type { Transport, TransportHandler } from './transport.ts';

type Message = MeshMessage<string>;
type MeshInput = Input<Message, MeshCommand>;

const peer = (id: string): PeerInfo => ({ id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id });
const ping: Message = { area: 'liveness', message: { kind: 'ping', nonce: 1 } };

/** A mesh that writes down its inputs and does what the test says. */
class ScriptedMesh implements HostedMesh<string> {
  readonly inputs: MeshInput[] = [];
  readonly times: Millis[] = [];
  deadline: Millis = Number.POSITIVE_INFINITY;
  depth = 0;
  script: (input: MeshInput, out: MeshOutbox<string>) => void = () => {};

  handle(now: Millis, input: MeshInput, out: MeshOutbox<string>): void {
    expect(++this.depth).toBe(1);
    this.inputs.push(input);
    this.times.push(now);
    if (input.kind === 'tick') this.deadline = Number.POSITIVE_INFINITY;
    this.script(input, out);
    this.depth--;
  }

  nextDeadline(): Millis {
    return this.deadline;
  }

  kinds(): string[] {
    return this.inputs.map((input) => (input.kind === 'command' ? input.command.kind : input.kind));
  }
}

/** A transport in the test's hand. */
class ScriptedTransport implements Transport<string> {
  readonly calls: string[] = [];
  readonly reachable = new Map<string, PeerInfo>();
  handler: TransportHandler<string> | undefined;
  linked = true;

  async start(_: PeerInfo, handler: TransportHandler<string>): Promise<void> {
    this.handler = handler;
  }
  setSelf(self: PeerInfo): void {
    this.calls.push(`setSelf ${self.incarnation}`);
  }
  open(to: PeerInfo): void {
    this.calls.push(`open ${to.id}`);
  }
  async contact(address: string): Promise<PeerInfo> {
    this.calls.push(`contact ${address}`);
    const found = this.reachable.get(address);
    if (found !== undefined) return found;
    throw new ContactError(address, address === 'me-too:1' ? 'self' : 'unreachable', 'scripted');
  }
  send(to: string, message: Message): boolean {
    this.calls.push(`send ${to} ${message.message.kind}`);
    return this.linked;
  }
  close(to: string): void {
    this.calls.push(`close ${to}`);
  }
  stats(): undefined {}
  async stop(): Promise<void> {
    this.calls.push('stop');
  }
}

async function hosted(discovery: readonly Discovery[] = []): Promise<{
  host: Host<string>;
  mesh: ScriptedMesh;
  transport: ScriptedTransport;
  clock: ManualClock;
  events: MeshEvent[];
  handler: TransportHandler<string>;
}> {
  const mesh = new ScriptedMesh();
  const transport = new ScriptedTransport();
  const clock = new ManualClock();
  const host = new Host<string>(defaultHostConfig, { self: peer('me'), mesh, transport, clock, rng: new Rng(1) });
  const events: MeshEvent[] = [];
  host.on((event) => events.push(event));
  await host.start(discovery);
  expect(mesh.kinds()).toEqual(['tick']);
  mesh.inputs.length = 0;
  const { handler } = transport;
  if (handler === undefined) throw new Error('not started');
  return { host, mesh, transport, clock, events, handler };
}

describe('the single writer', () => {
  it('hands links, messages and commands to the mesh, one after the other', async () => {
    const { host, mesh, handler } = await hosted();
    handler.linkUp(peer('a'));
    handler.message('a', ping);
    host.command({ kind: 'watchTopology', active: true });
    handler.linkDown('a', 'lost');
    expect(mesh.kinds()).toEqual(['linkUp', 'message', 'watchTopology', 'linkDown']);
  });

  it('never re-enters: what comes meanwhile waits, in order', async () => {
    const { host, mesh, handler, events } = await hosted();
    mesh.script = (input, out) => {
      if (input.kind !== 'linkUp') return;
      // As a transport or a listener that breaks its promise would.
      handler.message('a', ping);
      host.command({ kind: 'leave' });
      out.emit({ kind: 'neighborUp', peer: input.peer });
    };
    host.on((event) => event.kind === 'neighborUp' && host.command({ kind: 'cancelQuery', queryId: 'q' }));
    handler.linkUp(peer('a'));
    expect(mesh.kinds()).toEqual(['linkUp', 'message', 'leave', 'cancelQuery']);
    expect(events).toEqual([{ kind: 'neighborUp', peer: peer('a') }]);
  });

  it('tells listeners once that a batch can be read, after all of it, and sets one timer', async () => {
    const { mesh, handler, events, clock } = await hosted();
    mesh.script = (input, out) => {
      out.emit({ kind: 'readable' });
      if (input.kind !== 'message') return;
      out.emit({ kind: 'rtt', peer: 'a', rttMs: mesh.inputs.length });
      mesh.deadline = 1_000 - mesh.inputs.length;
    };
    const before = clock.timersSet;
    handler.batch(() => {
      for (let i = 0; i < 3; i++) handler.message('a', ping);
      expect(mesh.kinds()).toEqual(['message', 'message', 'message']);
    });
    expect(events.map(({ kind }) => kind)).toEqual(['rtt', 'rtt', 'rtt', 'readable']);
    expect(clock.timersSet - before).toBe(1);
    handler.linkUp(peer('b'));
    expect(events.at(-1)).toEqual({ kind: 'readable' });
    expect(events).toHaveLength(5);
  });

  it('lets a command hear its events before it returns', async () => {
    const { host, mesh, events } = await hosted();
    mesh.script = (_, out) => out.emit({ kind: 'readable' });
    host.command({ kind: 'leave' });
    expect(events).toEqual([{ kind: 'readable' }]);
  });

  it('stays usable when a listener throws', async () => {
    const { host, mesh, handler } = await hosted();
    mesh.script = (_, out) => out.emit({ kind: 'readable' });
    const off = host.on(() => {
      throw new Error('listener');
    });
    expect(() => handler.linkUp(peer('a'))).toThrow('listener');
    off();
    handler.linkDown('a', 'lost');
    expect(mesh.kinds()).toEqual(['linkUp', 'linkDown']);
  });

  it('never lets time go back', async () => {
    const { host, mesh, clock } = await hosted();
    clock.pass(10);
    host.command({ kind: 'leave' });
    clock.now = () => 5;
    host.command({ kind: 'leave' });
    expect(mesh.times.slice(1)).toEqual([10, 10]);
  });
});

describe('the outbox', () => {
  it('goes to the transport, and sends without a link are counted', async () => {
    const { host, mesh, transport } = await hosted();
    mesh.script = (_, out) => {
      out.open(peer('a'));
      out.send('a', ping);
      out.close('a');
    };
    transport.linked = false;
    host.command({ kind: 'leave' });
    expect(transport.calls).toEqual(['open a', 'send a ping', 'close a']);
    expect(host.stats.sendsDropped).toBe(1);
  });

  it('tells the transport who this peer has become', async () => {
    const { host, mesh, transport } = await hosted();
    mesh.script = (_, out) => out.emit({ kind: 'selfChanged', self: { ...peer('me'), incarnation: 7 } });
    host.command({ kind: 'leave' });
    expect(transport.calls).toEqual(['setSelf 7']);
    expect(host.self.incarnation).toBe(7);
  });
});

describe('the one timer', () => {
  it('ticks when the mesh wants it, and not again', async () => {
    const { host, mesh, clock } = await hosted();
    mesh.deadline = 50;
    host.command({ kind: 'leave' });
    mesh.inputs.length = 0;
    clock.pass(49);
    expect(mesh.kinds()).toEqual([]);
    clock.pass(1);
    expect(mesh.kinds()).toEqual(['tick']);
    clock.pass(10_000);
    expect(mesh.kinds()).toEqual(['tick']);
  });

  it('follows a deadline that comes nearer, and one that goes away', async () => {
    const { host, mesh, clock } = await hosted();
    mesh.deadline = 500;
    host.command({ kind: 'leave' });
    mesh.deadline = 50;
    host.command({ kind: 'leave' });
    mesh.inputs.length = 0;
    clock.pass(50);
    expect(mesh.kinds()).toEqual(['tick']);
    mesh.deadline = 60;
    host.command({ kind: 'leave' });
    mesh.deadline = 600;
    mesh.inputs.length = 0;
    clock.pass(500);
    expect(mesh.kinds()).toEqual([]);
    clock.pass(100);
    expect(mesh.kinds()).toEqual(['tick']);
  });

  it('is not late when the mesh asks for a time that is past', async () => {
    const { host, mesh, clock } = await hosted();
    clock.pass(10_000);
    mesh.deadline = 1;
    host.command({ kind: 'leave' });
    mesh.inputs.length = 0;
    clock.pass(0);
    expect(mesh.kinds()).toEqual(['tick']);
    expect(host.stats.late).toBe(0);
  });

  it('doubts itself before others when it was late (Lifeguard §IV)', async () => {
    const { host, mesh, clock } = await hosted();
    mesh.deadline = 100;
    host.command({ kind: 'leave' });
    mesh.inputs.length = 0;
    clock.stall(700);
    expect(mesh.inputs).toEqual([{ kind: 'command', command: { kind: 'selfLate', lateMs: 600 } }, { kind: 'tick' }]);
    expect(host.stats).toMatchObject({ late: 1, lateMaxMs: 600 });
  });
});

describe('leaving and stopping', () => {
  it('tells the mesh, and waits until the links are closed', async () => {
    const { host, mesh, handler } = await hosted();
    handler.linkUp(peer('a'));
    handler.linkUp(peer('b'));
    let told: number | undefined;
    void host.leave().then((links) => {
      told = links;
    });
    expect(mesh.kinds()).toEqual(['linkUp', 'linkUp', 'leave']);
    handler.linkDown('a', 'closed');
    await settle();
    expect(told).toBeUndefined();
    handler.linkDown('b', 'closed');
    await settle();
    expect(told).toBe(2);
  });

  it('waits no longer than its deadline', async () => {
    const { host, handler, clock } = await hosted();
    handler.linkUp(peer('a'));
    const left = host.leave(200);
    clock.pass(200);
    expect(await left).toBe(1);
  });

  it('does nothing after it has stopped, and leaves no timer', async () => {
    const { host, mesh, handler, clock, transport } = await hosted();
    mesh.deadline = 10;
    host.command({ kind: 'leave' });
    await settle();
    await host.stop();
    await host.stop();
    mesh.inputs.length = 0;
    handler.linkUp(peer('a'));
    host.command({ kind: 'leave' });
    clock.pass(100_000);
    expect(mesh.inputs).toEqual([]);
    expect(clock.armed).toBe(0);
    expect(transport.calls).toEqual(['stop']);
  });
});

describe('discovery', () => {
  const source = (name: string, find: () => Promise<readonly string[]>): Discovery => ({ name, find });
  const contacts = (transport: ScriptedTransport): string[] =>
    transport.calls.filter((call) => call.startsWith('contact')).sort();

  /** Time passes in steps, between which promises go on. */
  async function turn(clock: ManualClock, ms = 0): Promise<void> {
    const stepMs = 500;
    clock.pass(0);
    await settle();
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.pass(stepMs);
      await settle();
    }
  }

  it('asks every source at the start, dials what they know, and tells the mesh who answered', async () => {
    const sources = [
      source('static', async () => ['a:1', 'gone:1']),
      source('dns', async () => ['a:1', 'b:1', 'me:1']),
    ];
    const { transport, mesh, clock, host } = await hosted(sources);
    for (const id of ['a', 'b']) transport.reachable.set(`${id}:1`, peer(id));
    await turn(clock);
    expect(contacts(transport)).toEqual(['contact a:1', 'contact b:1', 'contact gone:1']);
    const found = mesh.inputs.map((input) =>
      input.kind === 'command' && 'peers' in input.command ? input.command.peers : [],
    );
    expect(
      found
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(host.discoveryStats).toMatchObject({ rounds: 1, dialsFailed: 1, peersFound: 2 });
  });

  it('asks again for ever, also when all sources fail or hang', async () => {
    let asked = 0;
    const sources = [
      source('broken', () => Promise.reject(new Error('no servers'))),
      source('hanging', () => new Promise(() => {})),
      source('late', async () => (++asked > 3 ? ['a:1'] : [])),
    ];
    const { transport, clock, host } = await hosted(sources);
    for (let round = 0; round < 6; round++) {
      await turn(clock, 50_000);
    }
    expect(asked).toBeGreaterThanOrEqual(5);
    expect(contacts(transport).length).toBeGreaterThan(0);
    expect(host.discoveryStats?.findsFailed).toBeGreaterThanOrEqual(8);
  });

  it('asks at once when the mesh needs contacts, but not in a frenzy', async () => {
    let asked = 0;
    const find = async (): Promise<readonly string[]> => {
      asked++;
      return [];
    };
    const { mesh, host, clock } = await hosted([source('static', find)]);
    await turn(clock);
    expect(asked).toBe(1);
    mesh.script = (_, out) => out.emit({ kind: 'contactsNeeded' });
    for (let i = 0; i < 20; i++) host.command({ kind: 'leave' });
    await turn(clock, 500);
    expect(asked).toBe(2);
    await turn(clock, 5_000);
    expect(asked).toBe(2);
  });

  it('dials itself only once, and nobody whom it is linked with', async () => {
    const { transport, handler, clock } = await hosted([source('dns', async () => ['me-too:1', 'a:1'])]);
    handler.linkUp(peer('a'));
    await turn(clock);
    await turn(clock, 40_000);
    expect(contacts(transport)).toEqual(['contact me-too:1']);
  });

  it('dials few when it has links, some when it has none', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `p${i}:1`);
    const { transport, handler, clock } = await hosted([source('dns', async () => many)]);
    await turn(clock);
    expect(contacts(transport)).toHaveLength(defaultHostConfig.discovery.addressesAloneMax);
    transport.calls.length = 0;
    handler.linkUp(peer('a'));
    await turn(clock, 40_000);
    expect(contacts(transport)).toHaveLength(defaultHostConfig.discovery.addressesMax);
  });
});
