import type { Input, Millis, Outbox, PeerInfo, ProtocolCore } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { latencies } from './latency.ts';
import { type NetworkModel, network } from './network.ts';
import type { SimPeer } from './peer.ts';
import { World } from './world.ts';
import { tagOfKind } from './world-port.ts';

type Message = { readonly kind: 'note'; readonly text: string };
type Command =
  | { readonly kind: 'dial'; readonly to: PeerInfo }
  | { readonly kind: 'say'; readonly to: PeerInfo; readonly texts: readonly string[] }
  | { readonly kind: 'hangUp'; readonly to: PeerInfo }
  | { readonly kind: 'wake'; readonly at: Millis };
type Event = { readonly kind: 'saw'; readonly text: string };

/** Does what it is told and says what it sees: the network model stands out. */
class Witness implements ProtocolCore<Message, Command, Event> {
  #wakeAt = Number.POSITIVE_INFINITY;

  handle(now: Millis, input: Input<Message, Command>, out: Outbox<Message, Event>): void {
    if (input.kind === 'message') out.emit({ kind: 'saw', text: `${input.from}: ${input.message.text}` });
    else if (input.kind === 'linkUp') out.emit({ kind: 'saw', text: `up ${input.peer.id}` });
    else if (input.kind === 'linkDown') out.emit({ kind: 'saw', text: `${input.reason} ${input.peer}` });
    else if (input.kind === 'tick') {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      out.emit({ kind: 'saw', text: `tick at ${now}` });
    } else this.#onCommand(input.command, out);
  }

  #onCommand(command: Command, out: Outbox<Message, Event>): void {
    if (command.kind === 'wake') this.#wakeAt = command.at;
    else if (command.kind === 'hangUp') out.close(command.to.id);
    else {
      out.open(command.to);
      if (command.kind === 'say') for (const text of command.texts) out.send(command.to.id, { kind: 'note', text });
    }
  }

  nextDeadline(): Millis {
    return this.#wakeAt;
  }
}

type Peer = SimPeer<Message, Command, Event>;

function worldOf(changes: Partial<NetworkModel> = {}, seed = 1, peers = 2) {
  const world = new World<Message, Command, Event>({
    seed,
    network: network(latencies.unit, { dialRoundTrips: 1, lingerMs: 0, ...changes }),
    boot: () => new Witness(),
    tagOf: tagOfKind,
    sizeOf: (message) => message.text.length,
    garble: (message) => ({ ...message, text: '???' }),
  });
  const seen: string[] = [];
  world.observe({ event: (peer, event, now) => void seen.push(`${now} ${peer.info.id} ${event.text}`) });
  return { world, seen, peers: Array.from({ length: peers }, () => world.start()) as [Peer, Peer, ...Peer[]] };
}

const say = (to: Peer, ...texts: string[]): Command => ({ kind: 'say', to: to.info, texts });

describe('World: links', () => {
  it('brings a link up at both ends and delivers in order', () => {
    const { world, seen, peers } = worldOf();
    world.command(peers[0], say(peers[1], 'a', 'b'));
    world.runUntil(10);
    expect(seen).toEqual(['1 p1 up p0', '2 p0 up p1', '3 p1 p0: a', '3 p1 p0: b']);
  });

  it('makes one link of two that were dialled at once and loses nothing', () => {
    const { world, seen, peers } = worldOf();
    world.command(peers[0], say(peers[1], 'from 0'));
    world.command(peers[1], say(peers[0], 'from 1'));
    world.runUntil(10);
    expect(seen.filter((line) => line.includes('up'))).toHaveLength(2);
    expect(seen.filter((line) => line.includes('from'))).toEqual(
      ['2 p0 p1: from 1', '3 p1 p0: from 0'].map((line) => expect.stringContaining(line.slice(2))),
    );
    expect(peers[0].links.get('p1')).toBe(peers[1].links.get('p0'));
  });

  it('a dial to a dead process is refused at once, to a lost host it stays unanswered until the deadline', () => {
    const { world, seen, peers } = worldOf({ dialTimeoutMs: 500 }, 1, 3);
    world.crash(peers[1]);
    world.crash(peers[2] as Peer, true);
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.command(peers[0], { kind: 'dial', to: (peers[2] as Peer).info });
    world.runUntil(1_000);
    expect(seen).toEqual(['2 p0 refused p1', '500 p0 unanswered p2']);
  });

  it('says goodbye after what was sent, and keeps a link for its linger', () => {
    const { world, seen, peers } = worldOf({ lingerMs: 100 });
    world.command(peers[0], say(peers[1], 'last'));
    world.command(peers[0], { kind: 'hangUp', to: peers[1].info });
    world.runUntil(1_000);
    expect(seen.slice(2)).toEqual(['3 p1 p0: last', '103 p0 closed p1', '104 p1 closed p0']);
  });

  it('forgets a close when the core opens again', () => {
    const { world, peers } = worldOf({ lingerMs: 100 });
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.command(peers[0], { kind: 'hangUp', to: peers[1].info });
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.runUntil(1_000);
    expect(peers[0].links.size).toBe(1);
  });

  it('never lets a later message of a link overtake an earlier one, whatever the delays', () => {
    const { world, seen, peers } = worldOf({ lossProbability: 0.3 });
    for (let i = 0; i < 200; i++) world.at(i, () => world.command(peers[0], say(peers[1], `${i}`)));
    world.runUntil(60_000);
    const order = seen.filter((line) => line.includes('p1 p0: ')).map((line) => Number(line.split(': ')[1]));
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(Number(seen.at(-1)?.split(' ')[0])).toBeGreaterThan(201);
  });

  it('shares an uplink of limited bandwidth among all messages', () => {
    const { world, seen, peers } = worldOf({ uplinkBytesPerMs: 1 });
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.runUntil(10);
    world.command(peers[0], say(peers[1], 'x'.repeat(50), 'y'.repeat(25)));
    world.runUntil(200);
    expect(seen.slice(2).map((line) => line.split(' ')[0])).toEqual(['61', '86']);
  });
});

describe('World: faults', () => {
  it('tells the neighbours of a crash; those of a lost host learn by silence', () => {
    const { world, seen, peers } = worldOf({ silenceMs: 5_000 }, 1, 3);
    const third = peers[2] as Peer;
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.command(peers[0], { kind: 'dial', to: third.info });
    world.runUntil(10);
    world.crash(peers[1]);
    world.crash(third, true);
    world.command(peers[0], say(third, 'anybody?'));
    world.runUntil(20_000);
    expect(seen.slice(4)).toEqual(['11 p0 lost p1', '5011 p0 lost p2']);
  });

  it('holds data back during a cut and delivers it after, in order', () => {
    const { world, seen, peers } = worldOf({ resendMs: 0 });
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.runUntil(10);
    const cut = { from: [0], to: [1], bothWays: false };
    world.cut(cut);
    world.command(peers[0], say(peers[1], 'a'));
    world.command(peers[1], say(peers[0], 'the other way passes'));
    world.at(1_000, () => world.heal(cut));
    world.at(1_000, () => world.command(peers[0], say(peers[1], 'b')));
    world.runUntil(30_000);
    expect(seen.slice(2)).toEqual(['11 p0 p1: the other way passes', '1001 p1 p0: a', '1001 p1 p0: b']);
  });

  it('breaks a link whose data was not answered for too long', () => {
    const { world, seen, peers } = worldOf({ silenceMs: 3_000 });
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.runUntil(10);
    world.cut({ from: [0], to: [1], bothWays: true });
    world.command(peers[0], say(peers[1], 'lost'));
    world.runUntil(30_000);
    expect(seen.slice(2).sort()).toEqual(['3011 p0 lost p1', '3011 p1 lost p0']);
  });

  it('lets a paused peer miss its deadline and take everything later', () => {
    const { world, seen, peers } = worldOf();
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.command(peers[1], { kind: 'wake', at: 50 });
    world.runUntil(10);
    world.pause(peers[1], 990);
    world.command(peers[0], say(peers[1], 'hello'));
    world.runUntil(2_000);
    expect(seen.slice(2).sort()).toEqual(['1000 p1 p0: hello', '1000 p1 tick at 1000']);
  });

  it('makes a slow peer take one message after the other', () => {
    const { world, seen, peers } = worldOf();
    world.slow(peers[1], 20);
    world.command(peers[0], say(peers[1], 'a', 'b', 'c'));
    world.runUntil(200);
    expect(seen.slice(2)).toEqual(['23 p1 p0: a', '43 p1 p0: b', '63 p1 p0: c']);
  });

  it('gives a skewed clock to the core and keeps its deadlines', () => {
    const { world, seen, peers } = worldOf();
    world.skew(peers[0], 5_000);
    world.command(peers[0], { kind: 'wake', at: 5_100 });
    world.runUntil(1_000);
    expect(seen).toEqual(['100 p0 tick at 5100']);
  });

  it('restarts a peer under its id with a higher incarnation; stale links go first', () => {
    const { world, seen, peers } = worldOf();
    const before = peers[1].info.incarnation;
    world.command(peers[0], { kind: 'dial', to: peers[1].info });
    world.runUntil(10);
    world.crash(peers[1]);
    world.restart(peers[1]);
    world.command(peers[1], { kind: 'dial', to: peers[0].info });
    world.runUntil(20);
    expect(peers[1].info.incarnation).toBeGreaterThan(before);
    expect(seen.slice(2)).toEqual(['11 p0 lost p1', '11 p0 up p1', '12 p1 up p0']);
  });

  it('garbles as often as it is told', () => {
    const { world, seen, peers } = worldOf();
    world.setGarble(1);
    world.command(peers[0], say(peers[1], 'fine'));
    world.runUntil(10);
    expect(seen.at(-1)).toBe('3 p1 p0: ???');
  });

  it('stops a core that asks for the same tick for ever', () => {
    class Spinner extends Witness {
      override nextDeadline(): Millis {
        return 1;
      }
    }
    const world = new World<Message, Command, Event>({
      seed: 1,
      network: network(latencies.unit),
      boot: () => new Spinner(),
      tagOf: tagOfKind,
    });
    world.start();
    expect(() => world.runUntil(10)).toThrow(/again and again/);
  });
});

describe('World: determinism', () => {
  const run = (seed: number): string => {
    const { world, peers } = worldOf(
      { lossProbability: 0.1, resetProbability: 0.1, latency: latencies.fiveContinents },
      seed,
      5,
    );
    for (let i = 0; i < 100; i++) {
      const from = peers[world.rng.below(5)] as Peer;
      const to = peers[world.rng.below(5)] as Peer;
      if (from !== to) world.at(i * 10, () => world.command(from, say(to, `${i}`)));
    }
    world.runUntil(5_000);
    return world.traceHash;
  };

  it('gives the same trace hash for the same seed, another for another', () => {
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });

  it('gives the hash that every machine gives', () => {
    expect(run(7)).toMatchInlineSnapshot(`"1078421517f528bb"`);
  });
});
