import type { MeshCommand, MeshEvent } from '@starling/mesh';
import { describe, expect, it } from 'vitest';
import type { MeshPort } from './mesh-port.ts';
import { type Publication, Publisher } from './publisher.ts';

const config = { waitingMax: 2, requestsMax: 2, requestTtlMs: 120_000 };
const publication: Publication = { topic: 't', payload: new Uint8Array([1]), headers: {}, holders: 0, requestId: '' };

/** A mesh that accepts at once and is otherwise told what happens. */
class ScriptedMesh implements MeshPort {
  readonly sent: Extract<MeshCommand, { kind: 'publish' }>[] = [];
  neighbors = 3;
  /** 0: it takes what is published. */
  refusesFor = 0;
  time = 0;
  readonly #listeners: ((event: MeshEvent) => void)[] = [];

  now(): number {
    return this.time;
  }

  on(listener: (event: MeshEvent) => void): () => void {
    this.#listeners.push(listener);
    return () => {};
  }

  command(command: MeshCommand): void {
    if (command.kind !== 'publish') return;
    this.sent.push(command);
    if (this.refusesFor > 0) {
      this.say({ kind: 'publishRefused', requestId: command.requestId, retryAfterMs: this.refusesFor });
      return;
    }
    this.say({
      kind: 'published',
      requestId: command.requestId,
      stream: 'me~1',
      seq: this.sent.length,
      publishedAt: this.time,
      neighbors: this.neighbors,
    });
  }

  say(event: MeshEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

describe('publisher', () => {
  it('acknowledges at once what is only to be accepted', async () => {
    const mesh = new ScriptedMesh();
    const published = await new Publisher(config, mesh).publish(publication, 0);
    expect(published).toEqual({ stream: 'me~1', sequence: 1, publishedAt: 0, heldBy: 0, alone: false });
    expect(mesh.sent[0]?.wantHeld).toBe(false);
  });

  it('waits until so many neighbours hold it, each counted once', async () => {
    const mesh = new ScriptedMesh();
    const publisher = new Publisher(config, mesh);
    let answered = false;
    const waiting = publisher.publish({ ...publication, holders: 2 }, 60_000).then((published) => {
      answered = true;
      return published;
    });
    await Promise.resolve();
    mesh.say({ kind: 'held', seq: 1, by: 'a' });
    mesh.say({ kind: 'held', seq: 1, by: 'a' });
    mesh.say({ kind: 'held', seq: 2, by: 'b' });
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    mesh.say({ kind: 'held', seq: 1, by: 'b' });
    expect(await waiting).toMatchObject({ heldBy: 2, alone: false });
    expect(publisher.waiting).toBe(0);
  });

  it('says at the deadline that it is accepted, by how many it is held, and that the peer is alone', async () => {
    const mesh = new ScriptedMesh();
    mesh.neighbors = 0;
    const publisher = new Publisher(config, mesh);
    await expect(publisher.publish({ ...publication, holders: 1 }, 10)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      reason: 'NOT_HELD',
      message: 'the message is accepted here but held by 0 of 1 neighbours asked for: the peer is alone',
      metadata: { sequence: '1', held_by: '0', alone: 'true' },
    });
    expect(publisher.waiting).toBe(0);
  });

  it('refuses more waiting messages than its bound', async () => {
    const publisher = new Publisher(config, new ScriptedMesh());
    const held = { ...publication, holders: 1 };
    const waiting = [publisher.publish(held, 50), publisher.publish(held, 50)];
    await Promise.resolve();
    await expect(publisher.publish(held, 50)).rejects.toMatchObject({
      reason: 'TOO_MANY_PUBLISHES',
      retryAfterMs: 1_000,
    });
    await Promise.allSettled(waiting);
    expect(publisher.refused).toBe(1);
  });

  it('passes on that the mesh takes no more of this peer; a retry of the request is a first try', async () => {
    const mesh = new ScriptedMesh();
    const publisher = new Publisher(config, mesh);
    const request = { ...publication, requestId: 'r' };
    mesh.refusesFor = 250;
    await expect(publisher.publish(request, 0)).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'PUBLISHED_TOO_FAST',
      retryAfterMs: 250,
    });
    expect(publisher.refused).toBe(1);
    mesh.refusesFor = 0;
    expect((await publisher.publish(request, 0)).sequence).toBe(2);
    expect((await publisher.publish(request, 0)).sequence).toBe(2);
  });

  it('publishes a retried request once, also when both come at the same time', async () => {
    const mesh = new ScriptedMesh();
    const publisher = new Publisher(config, mesh);
    const request = { ...publication, requestId: 'r' };
    const both = await Promise.all([publisher.publish(request, 0), publisher.publish(request, 0)]);
    mesh.time = 119_999;
    const later = await publisher.publish(request, 0);
    expect([...both, later].map((published) => published.sequence)).toEqual([1, 1, 1]);
    mesh.time = 120_000;
    expect((await publisher.publish(request, 0)).sequence).toBe(2);
  });

  it('lets a retry wait for the holders of the first try', async () => {
    const mesh = new ScriptedMesh();
    const publisher = new Publisher(config, mesh);
    const request = { ...publication, holders: 1, requestId: 'r' };
    await expect(publisher.publish(request, 5)).rejects.toMatchObject({ reason: 'NOT_HELD' });
    mesh.say({ kind: 'held', seq: 1, by: 'a' });
    expect(await publisher.publish(request, 5)).toMatchObject({ sequence: 1, heldBy: 1 });
  });

  it('refuses a request id for another message, and forgets the oldest ids at its bound', async () => {
    const mesh = new ScriptedMesh();
    const publisher = new Publisher(config, mesh);
    await publisher.publish({ ...publication, requestId: 'r1' }, 0);
    await expect(
      publisher.publish({ ...publication, requestId: 'r1', payload: new Uint8Array([2]) }, 0),
    ).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED', violations: [{ field: 'request_id' }] });
    for (const requestId of ['r2', 'r3', 'r4']) await publisher.publish({ ...publication, requestId }, 0);
    expect((await publisher.publish({ ...publication, requestId: 'r1' }, 0)).sequence).toBe(5);
  });
});
