import { admitAll } from '@starling/core-hyparview';
import { type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MeshEvent } from './api.ts';
import { defaultMeshConfig } from './config.ts';
import { Mesh } from './mesh.ts';
import type { Body, MeshMessage } from './messages.ts';

const info = (id: string): PeerInfo => ({
  id,
  address: `${id}:1`,
  apiAddress: '',
  incarnation: 1,
  zone: '',
  name: id,
});
const bodies = { encode: (body: Body) => body, decode: (body: Body) => body, sizeOf: () => 64 };

/** One mesh that is talked to by hand. */
class Bench {
  now = 1_000;
  readonly mesh = new Mesh<Body>({
    config: { ...defaultMeshConfig, controlPerSecondMax: 100 },
    self: info('self'),
    rng: new Rng(1),
    admission: admitAll,
    bodies,
  });
  readonly #out = new RecordingOutbox<MeshMessage<Body>, MeshEvent>();

  hear(from: string, message: MeshMessage<Body>) {
    this.mesh.handle(this.now, { kind: 'message', from, message }, this.#out);
    return this.#out.take();
  }

  meet(id: string) {
    this.mesh.handle(this.now, { kind: 'linkUp', peer: info(id) }, this.#out);
    return [...this.#out.take(), ...this.hear(id, asking(id))];
  }

  tick() {
    this.mesh.handle(this.now, { kind: 'tick' }, this.#out);
    return this.#out.take();
  }

  ban(peer: string, forMs: number) {
    this.mesh.handle(this.now, { kind: 'command', command: { kind: 'ban', peer, forMs } }, this.#out);
    return this.#out.take();
  }

  get neighbors(): string[] {
    return this.mesh.root.membership.activeView().map(({ id }) => id);
  }
}

const membership = (message: Extract<MeshMessage<Body>, { area: 'membership' }>['message']): MeshMessage<Body> => ({
  area: 'membership',
  swarm: 0,
  message,
});
const asking = (id: string) => membership({ kind: 'neighbor', sender: info(id), priority: 'high', dropping: null });
const forbidden = membership({ kind: 'forwardJoin', joiner: info('x'), ttl: -1 });

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.meet('good');
  bench.meet('bad');
});

describe('a neighbour that does harm', () => {
  it('is dropped, then banned: its link ends, nothing it says is heard, and it is let in again when the ban is over', () => {
    expect(bench.neighbors).toEqual(['good', 'bad']);
    const verdicts = Array.from({ length: 6 }, () => bench.hear('bad', forbidden)).flat();
    expect(verdicts).toContainEqual({ kind: 'close', peer: 'bad' });
    expect(
      verdicts.flatMap((effect) =>
        effect.kind === 'emit' && effect.event.kind === 'judged' ? [effect.event.verdict.kind] : [],
      ),
    ).toEqual(['dropped', 'banned']);
    expect(bench.neighbors).toEqual(['good']);
    expect(bench.hear('bad', asking('bad'))).toEqual([]);
    expect(bench.meet('bad')).toContainEqual({ kind: 'close', peer: 'bad' });
    expect(bench.neighbors).toEqual(['good']);
    bench.now += 60_000;
    bench.tick();
    bench.meet('bad');
    expect(bench.neighbors).toContain('bad');
  });

  it('is not named to others', () => {
    bench.ban('spare', 60_000);
    bench.hear(
      'good',
      membership({ kind: 'shuffle', origin: info('o'), ttl: 1, sample: [info('spare'), info('fine')] }),
    );
    const spares = bench.mesh.root.membership.passiveView().map(({ id }) => id);
    expect(spares).toContain('fine');
    expect(spares).not.toContain('spare');
  });

  it('is not heard beyond its allowance, and pays for each second beyond it', () => {
    const ping: MeshMessage<Body> = { area: 'liveness', message: { kind: 'ack', nonce: 1 } };
    const answers = Array.from({ length: 150 }, () => bench.hear('bad', ping).length);
    expect(answers.slice(99).every((count) => count === 0)).toBe(true);
    expect(bench.mesh.reputation.scoreOf(bench.now, 'bad')).toBe(-1);
    for (let second = 0; second < 12; second++) {
      bench.now += 1_000;
      for (let i = 0; i < 101; i++) bench.hear('bad', ping);
    }
    expect(bench.mesh.reputation.isBanned(bench.now, 'bad')).toBe(true);
    expect(bench.neighbors).toEqual(['good']);
  });

  it('that an operator bans goes at once', () => {
    expect(bench.ban('bad', Number.POSITIVE_INFINITY)).toContainEqual({ kind: 'close', peer: 'bad' });
    expect(bench.neighbors).toEqual(['good']);
  });
});
